"""Bring AWX to what is wanted."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Set

from adapter.awx import objects
from adapter.awx.compare import changed_fields, changed_survey
from adapter.awx.objects import Ref, Wanted
from adapter.awx.plan import CHANGE, CONFLICT, CREATE, SYNCED, Step, plan
from adapter.awx.removal import remove_object
from adapter.awx.state import Object, State
from adapter.errors import AdapterError, NotReady, some_of

# The project is synced when it is in one of these states; in others it is still under way.
_ENDED = (SYNCED, "failed", "error", "canceled", "missing", "never updated", "ok")
_SHOWN = 5

Say = Callable[[str], None]
# Ask again until it is true, with a limit; the way that ``Environment.until`` does.
Until = Callable[[Callable[[], bool], float], str]


class Applier:
    """Do the steps of a plan, those first that others need."""

    def __init__(self, state: State, until: Until, seconds: float, say: Say) -> None:
        self._state, self._until, self._seconds, self._say = state, until, seconds, say

    def apply(self, wanted: Sequence[Wanted], *, adopt: bool, sync: bool) -> List[Step]:
        """Do it all; return what was done. Raises before anything is done where it cannot be."""
        steps = plan(self._state, wanted, adopt=adopt)
        conflicts = [f"{each.kind.title} {each.name}" for each in steps if each.action == CONFLICT]
        if conflicts:
            raise AdapterError(
                f"AWX has objects of our names that were not made from here: "
                f"{some_of(conflicts, _SHOWN)}. Nothing was changed.",
                "Rename them, set another name in awx.yml, or take them over with --adopt.",
            )
        todo = {(each.kind.collection, each.name): each for each in steps}
        for each in wanted:
            step = todo.get((each.kind.collection, each.name))
            if step is not None:
                self._say(f"{step.action} {each.kind.title} {each.name}")
                self._one(each, step)
            if each.kind == objects.PROJECT and (step is not None or sync):
                self._synced(each, ask=sync or (step is not None and step.action == CHANGE))
        for step in (each for each in steps if each.action not in (CREATE, CHANGE)):
            self._say(f"{step.action} {step.kind.title} {step.name}")
            remove_object(self._state, step.kind, step.name, self._until, self._seconds)
        return steps

    def _one(self, wanted: Wanted, step: Step) -> None:
        awx, state = self._state.awx, self._state
        if step.action == CREATE:
            body = {"name": wanted.name, **self._body(wanted, list(wanted.fields))}
            if wanted.kind == objects.CREDENTIAL:
                body["inputs"] = {}
            found = awx.post(awx.collection(wanted.kind.collection), body)
        else:
            found = state.find(wanted.ref) or {}
            fields = list(changed_fields(wanted, found, state.id_of))
            if fields:
                found = awx.patch(str(found["url"]), self._body(wanted, fields))
        state.keep(wanted.kind, found)
        self._parts(wanted, found)

    def _body(self, wanted: Wanted, fields: List[str]) -> Dict[str, Any]:
        values = {name: wanted.fields[name] for name in fields}
        return {
            name: self._state.need(value) if isinstance(value, Ref) else value
            for name, value in values.items()
        }

    def _parts(self, wanted: Wanted, found: Object) -> None:
        """Bring what is attached to an object to what is wanted."""
        awx, state = self._state.awx, self._state
        if wanted.survey and changed_survey(wanted.survey, state.survey(found)):
            awx.post(str(found["related"]["survey_spec"]), wanted.survey)
        for name in sorted(set(wanted.labels) - state.labels(found)) if wanted.labels else ():
            organization = found.get("organization")
            awx.post(str(found["related"]["labels"]), {"name": name, "organization": organization})
        if wanted.credentials:
            ids = {state.need(ref) for ref in wanted.credentials}
            self._attach(str(found["related"]["credentials"]), set(state.credentials(found)), ids)
        if wanted.grants:
            roles = {grant: state.role_id(grant) for grant in wanted.grants}
            for grant, number in roles.items():
                if number is None:
                    raise NotReady(f"AWX has no {grant.role} on {grant.target}.")
            ids = {number for number in roles.values() if number is not None}
            self._attach(str(found["related"]["roles"]), set(state.grants(found)), ids)

    def _attach(self, path: str, there: Set[int], wanted: Set[int]) -> None:
        """Take away what is too much, then add what is missing: of some kinds there is only one."""
        for number in sorted(there - wanted):
            self._state.awx.post(path, {"id": number, "disassociate": True})
        for number in sorted(wanted - there):
            self._state.awx.post(path, {"id": number})

    def _synced(self, wanted: Wanted, *, ask: bool) -> None:
        """Wait until the project is synced: without that AWX knows none of its playbooks."""
        found = self._state.find(wanted.ref) or {}
        if ask:
            self._ended(found)
            self._state.awx.post(str(found["related"]["update"]), {})
        self._say(f"waiting until the {wanted.ref} is synced")
        late = self._ended(found)
        now = self._state.find(wanted.ref) or {}
        if now.get("status") == SYNCED and not late:
            return
        last = ((now.get("summary_fields") or {}).get("last_update") or {}).get("id", "")
        reason = late or f"its status is {now.get('status')}"
        raise NotReady(
            f"AWX has not synced the {wanted.ref}: {reason}.",
            f"Read the output of project update {last} in AWX, correct project_url, "
            "project_branch or project_credential, and apply again.",
        )

    def _ended(self, found: Object) -> str:
        """Wait until no sync of the project is under way; return why not, where it takes long."""

        def ended() -> bool:
            now = self._state.awx.get(str(found["url"])) or {}
            self._state.keep(objects.PROJECT, now)
            return now.get("status") in _ENDED and not now.get("related", {}).get("current_update")

        return (
            f"it takes longer than {self._seconds:g} s" if self._until(ended, self._seconds) else ""
        )
