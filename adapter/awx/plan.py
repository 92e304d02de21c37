"""What has to be done so that AWX has what is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from adapter.awx.compare import changed_fields, changed_survey
from adapter.awx.objects import ORGANIZATION, PROJECT, Kind, Wanted
from adapter.awx.state import Object, State

CREATE, CHANGE, REMOVE, CONFLICT = "create", "change", "remove", "conflict"
SYNCED = "successful"


@dataclass(frozen=True)
class Step:
    """What is done to one object; ``details`` are the differences, one sentence each."""

    kind: Kind
    name: str
    action: str
    details: Tuple[str, ...] = ()

    @property
    def data(self) -> Dict[str, Any]:
        """Return it for programs."""
        about = {"kind": self.kind.title, "name": self.name, "action": self.action}
        return {**about, "details": list(self.details)}


def plan(state: State, wanted: Sequence[Wanted], *, adopt: bool = False) -> List[Step]:
    """Return what would be done, in order; nothing where AWX has what is wanted.

    An object that has our name without our mark is a conflict, with ``adopt`` it becomes ours.
    """
    steps = []
    for each in wanted:
        found = state.find(each.ref)
        if found is None:
            steps.append(Step(each.kind, each.name, CREATE))
        elif not adopt and not state.owner.has(each.kind, found):
            # An organization that was there before is used as it is.
            if each.kind != ORGANIZATION:
                steps.append(Step(each.kind, each.name, CONFLICT, ("it has no mark of ours",)))
        elif each.kind != ORGANIZATION or state.owner.has(each.kind, found):
            details = differences(state, each, found)
            if details:
                steps.append(Step(each.kind, each.name, CHANGE, tuple(details)))
    for kind, found in state.leftovers(list(wanted)):
        steps.append(Step(kind, str(found["name"]), REMOVE, ("no playbook or setting needs it",)))
    return steps


def differences(state: State, wanted: Wanted, found: Object) -> List[str]:
    """Return how an object differs from what is wanted."""
    said = list(changed_fields(wanted, found, state.id_of).values())
    if wanted.survey:
        said += changed_survey(wanted.survey, state.survey(found))
    if wanted.labels:
        missing = set(wanted.labels) - state.labels(found)
        said += [f"it has no label {name}" for name in sorted(missing)]
    if wanted.credentials:
        said += _credentials(state, wanted, found)
    if wanted.grants:
        said += _grants(state, wanted, found)
    if wanted.kind == PROJECT and found.get("status") != SYNCED:
        said.append(f"its last sync is {found.get('status')}, not {SYNCED}")
    return said


def _credentials(state: State, wanted: Wanted, found: Object) -> List[str]:
    there = state.credentials(found)
    ids = {state.id_of(ref): ref.name for ref in wanted.credentials}
    said = [f"it has no credential {name}" for number, name in ids.items() if number not in there]
    return said + [f"it also has the credential {there[each]}" for each in there if each not in ids]


def _grants(state: State, wanted: Wanted, found: Object) -> List[str]:
    there = state.grants(found)
    said = []
    for grant in wanted.grants:
        number = state.role_id(grant)
        if number is None or there.pop(number, None) is None:
            said.append(f"it does not have {grant.role} on {grant.target}")
    return said + [f"it also has {text}" for text in there.values()]
