"""The job template of an operation: whether it may be launched, and what came of a launch.

AWX drops what a template does not ask for and starts all the same; so both are looked at.
"""

from __future__ import annotations

import json
from typing import AbstractSet, Any, Dict, List, Mapping

from adapter.awxapi.client import Awx, Object
from adapter.engine.awx_place import AwxPlace
from adapter.engine.model import Request
from adapter.errors import some_of

FINAL = ("successful", "failed", "error", "canceled")
REMEDY = "`orch-ansible awx verify` says what differs from the template that is needed"
# What of a template decides what a job does, and is not asked for at a launch; see for_engine.py.
_FIXED: Mapping[str, Any] = {
    "limit": "",
    "scm_branch": "",
    "job_tags": "",
    "skip_tags": "",
    "start_at_task": "",
    "force_handlers": False,
    "use_fact_cache": False,
    "job_slice_count": 1,
}
# How AWX writes that there are no variables.
_NO_VARIABLES = ("", "---", "{}")
_NEEDED = ("variables", "inventory", "job_type", "diff_mode", "forks", "timeout")


class NotLaunched(Exception):
    """Say why no job runs in AWX."""


class Template:
    """The template of a request; ``row`` is what AWX says of it, empty before ``find``."""

    def __init__(self, place: AwxPlace, request: Request) -> None:
        self.row: Object = {}
        self._place, self._request = place, request
        self.name = f"{place.name}-engine-{request.operation}"

    @property
    def job_type(self) -> str:
        """Return AWX's word for a dry run or a real one."""
        return "check" if self._request.check else "run"

    def find(self, awx: Awx) -> None:
        """Ask AWX for it. Raises ``NotLaunched`` where the login may use none of that name."""
        for row in awx.list("job_templates", name=self.name):
            about = row.get("summary_fields", {}).get("organization") or {}
            if about.get("name") == self._place.organization:
                self.row = row
                return
        raise NotLaunched(
            f"AWX has no job template '{self.name}' in the organization "
            f"'{self._place.organization}' that this login may use"
        )

    def refuse(self, *, with_keys: bool) -> None:
        """Raise ``NotLaunched`` where it would drop something, add hosts, or do something else."""
        needed: List[str] = [*_NEEDED]
        needed += ["credential"] if with_keys else []
        needed += ["instance_groups"] if self._place.instance_group else []
        for name in needed:
            if self.row.get(f"ask_{name}_on_launch") is not True:
                raise NotLaunched(
                    f"the job template '{self.name}' does not ask for {name} (ask_{name}_on_launch"
                    f" is off), so AWX would ignore it; {REMEDY}"
                )
        if self.row.get("inventory") is not None:
            raise NotLaunched(
                f"the job template '{self.name}' has an inventory of its own, whose hosts would be"
                f" changed if AWX ignored ours; {REMEDY}"
            )
        if self.row.get("survey_enabled"):
            raise NotLaunched(
                f"the job template '{self.name}' has a survey, whose defaults would be added; "
                f"{REMEDY}"
            )

        self._refuse_changes()

    def _refuse_changes(self) -> None:
        """Raise ``NotLaunched`` where somebody has changed what its jobs do."""
        wanted = {**_FIXED, "playbook": self._playbook}
        has = [(name, self.row.get(name, value), value) for name, value in wanted.items()]
        project = (self.row.get("summary_fields", {}).get("project") or {}).get("name")
        has.append(("project", project, f"{self._place.name}-project"))
        for name, value, right in has:
            if value != right:
                raise NotLaunched(
                    f"the job template '{self.name}' has {name} {value!r}, not {right!r}; {REMEDY}"
                )
        more = others_of(self.row)
        if more:
            raise NotLaunched(
                f"the job template '{self.name}' has {some_of(more, 3)} beside the credential for "
                f"ssh, whose variables and files would be added; {REMEDY}"
            )
        if str(self.row.get("extra_vars") or "").strip() not in _NO_VARIABLES:
            raise NotLaunched(
                f"the job template '{self.name}' has variables of its own, which would be added; "
                f"{REMEDY}"
            )

    @property
    def _playbook(self) -> str:
        return f"playbooks/{self._request.operation}.yml"

    def objection(
        self, job: Mapping[str, Any], inventory: Any, variables: AbstractSet[str], keys: str
    ) -> str:
        """Return why a launched job is not the one that was asked for, or nothing.

        ``keys`` is what the credential with its own keys is called.
        """
        ignored = job.get("ignored_fields")
        if isinstance(ignored, Mapping) and ignored:
            names = ", ".join(sorted(map(str, ignored)))
            return f"AWX has ignored {names}; {REMEDY}"
        if job.get("type") != "job":
            return f"AWX has split it into a {job.get('type')}; {REMEDY}"
        wanted: Dict[str, Any] = {
            "inventory": inventory,
            "playbook": self._playbook,
            "job_type": self.job_type,
            "limit": "",
            "job_tags": "",
            "skip_tags": "",
        }
        if job.get("inventory") is None and job.get("status") in FINAL:
            # It was deleted after the job's end.
            del wanted["inventory"]
        for key, value in wanted.items():
            if job.get(key) != value:
                return f"AWX runs it with {key} {job.get(key)!r}, not {value!r}; {REMEDY}"
        more = [name for name in others_of(job) if name != keys]
        if more:
            return f"AWX gives it {some_of(more, 3)} as well; {REMEDY}"
        has = set(variables_of(job.get("extra_vars")))
        if variables - has:
            return f"AWX runs it without {some_of(sorted(variables - has), 3)}; {REMEDY}"
        if has - variables:
            return f"AWX runs it with {some_of(sorted(has - variables), 3)} as well; {REMEDY}"
        return ""


def others_of(row: Mapping[str, Any]) -> List[str]:
    """Return the names of a template's or job's credentials that are not for ssh."""
    there = row.get("summary_fields", {}).get("credentials") or ()
    return sorted(str(each.get("name")) for each in there if each.get("kind") != "ssh")


def variables_of(extra_vars: Any) -> Dict[str, Any]:
    """Return the variables that AWX says a job has, empty where that cannot be read."""
    try:
        given = json.loads(extra_vars)
    except (TypeError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}
