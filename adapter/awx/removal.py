"""Take from AWX what was made from here, and nothing else."""

from __future__ import annotations

from typing import Callable, List, Tuple

from adapter.awx.objects import (
    CREDENTIAL,
    CREDENTIAL_TYPE,
    INVENTORY,
    KINDS,
    ORGANIZATION,
    Kind,
    Ref,
)
from adapter.awx.plan import REMOVE, Step
from adapter.awx.state import Object, State
from adapter.errors import NotReady, some_of

Until = Callable[[Callable[[], bool], float], str]
# What an organization may still have when it goes: these are counted by AWX.
_SHOWN = 5
_COUNTS = "related_field_counts"


def removal_plan(state: State) -> Tuple[List[Step], List[str]]:
    """Return what would be removed, in order, and what stays with the reason."""
    ours = [(kind, found) for kind in reversed(KINDS) for found in state.marked(kind)]
    users = {kind_id: _users(state, kind_id) for kind_id in _types(ours)}
    steps = [
        Step(kind, str(found["name"]), REMOVE)
        for kind, found in ours
        if kind != ORGANIZATION and not (kind == CREDENTIAL_TYPE and users[int(found["id"])])
    ]
    stays = [
        f"The credential type {found['name']} stays: credentials of others have it: "
        f"{some_of(users[int(found['id'])], _SHOWN)}."
        for kind, found in ours
        if kind == CREDENTIAL_TYPE and users[int(found["id"])]
    ]
    for found in state.marked(ORGANIZATION):
        others = _others(state, found, steps)
        if others:
            stays.append(f"The organization {found['name']} stays: it has {others} of others.")
        else:
            steps.append(Step(ORGANIZATION, str(found["name"]), REMOVE))
    return steps, stays


def _types(ours: List[Tuple[Kind, Object]]) -> List[int]:
    return [int(found["id"]) for kind, found in ours if kind == CREDENTIAL_TYPE]


def _users(state: State, credential_type: int) -> List[str]:
    """Return the credentials of a type that are not ours: AWX deletes none that is in use."""
    ours = {int(found["id"]) for found in state.marked(CREDENTIAL)}
    rows = state.awx.list("credentials", credential_type=credential_type)
    return [str(row["name"]) for row in rows if int(row["id"]) not in ours]


def _others(state: State, organization: Object, steps: List[Step]) -> str:
    """Return what an organization has beside ours, in words."""
    ours = {"inventories": "inventory", "projects": "projects", "teams": "teams"}
    ours["job_templates"] = "job_templates"
    about = state.awx.get(str(organization["url"])) or organization
    counts = about["summary_fields"].get(_COUNTS) or {}
    left = {
        name: int(count) - sum(1 for each in steps if each.kind.collection == ours.get(name, ""))
        for name, count in counts.items()
    }
    found = [f"{count} {name.replace('_', ' ')}" for name, count in left.items() if count > 0]
    mine = {each.name for each in steps if each.kind.collection == "credentials"}
    rows = state.awx.list("credentials", organization=organization["id"])
    others = [row for row in rows if row["name"] not in mine]
    found += [f"{len(others)} credentials"] if others else []
    return ", ".join(found)


def remove_object(state: State, kind: Kind, name: str, until: Until, seconds: float) -> None:
    """Delete an object, and wait until it is gone: AWX deletes inventories behind the answer."""
    found = state.find(Ref(kind, name))
    if found is None:
        return
    path = str(found["url"])
    state.awx.delete(path)
    state.forget(kind, name)
    if kind == INVENTORY:
        late = until(lambda: state.awx.get(path) is None, seconds)
        if late:
            raise NotReady(f"AWX is still deleting the inventory {name}.", "Remove again later.")
