"""Take from AWX what was made from here, and nothing else."""

from __future__ import annotations

from typing import Callable, List, Set, Tuple

from adapter.awx.objects import (
    CREDENTIAL,
    CREDENTIAL_TYPE,
    ENVIRONMENT,
    INVENTORY,
    KINDS,
    ORGANIZATION,
    PROJECT,
    TEMPLATE,
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
# The field of a job template for each kind that it has one of.
_FIELDS = {PROJECT: "project", INVENTORY: "inventory", ENVIRONMENT: "execution_environment"}


def removal_plan(state: State) -> Tuple[List[Step], List[str]]:
    """Return what would be removed, in order, and what stays with the reason."""
    ours = [(kind, found) for kind in reversed(KINDS) for found in state.marked(kind)]
    steps: List[Step] = []
    stays: List[str] = []
    kept: Set[int] = set()
    for kind, found in ours:
        used = ""
        if kind == CREDENTIAL_TYPE:
            used = _credentials_of(state, int(found["id"]), kept)
        elif kind == CREDENTIAL or kind in _FIELDS:
            used = _templates_of(state, kind, int(found["id"]))
        if used:
            kept |= {int(found["id"])} if kind == CREDENTIAL else set()
            stays.append(f"The {kind.title} {found['name']} stays: {used}.")
        elif kind != ORGANIZATION:
            steps.append(Step(kind, str(found["name"]), REMOVE))
    for found in state.marked(ORGANIZATION):
        others = _others(state, found, steps)
        if others:
            stays.append(f"The organization {found['name']} stays: it has {others} of others.")
        else:
            steps.append(Step(ORGANIZATION, str(found["name"]), REMOVE))
    return steps, stays


def _credentials_of(state: State, credential_type: int, kept: Set[int]) -> str:
    """Return which credentials of a type stay, in words: AWX deletes no type that is in use."""
    going = {int(found["id"]) for found in state.marked(CREDENTIAL)} - kept
    rows = state.awx.list("credentials", credential_type=credential_type)
    names = [str(row["name"]) for row in rows if int(row["id"]) not in going]
    return f"credentials of others have it: {some_of(names, _SHOWN)}" if names else ""


def _templates_of(state: State, kind: Kind, number: int) -> str:
    """Return which job templates of others need an object, in words: without it none would start.

    Such as a copy of one of ours that somebody has made in AWX.
    """
    names = [
        str(row["name"])
        for row in state.others(TEMPLATE)
        if (
            number in state.credentials(row) if kind == CREDENTIAL else row[_FIELDS[kind]] == number
        )
    ]
    return f"job templates of others need it: {some_of(names, _SHOWN)}" if names else ""


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
