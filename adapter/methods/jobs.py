"""Jobs as a manager knows them: its own, and where those of others are. ``ceph ansible job``."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional

from adapter import jobs_view
from adapter.cluster.health import when
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import AdapterError, JobElsewhere, NotReady, UnknownName

LOOKED_AT = "what became of it is still looked at"


class JobMethods:
    """Show jobs, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def rows(self, *, everything: bool = False) -> List[Dict[str, Any]]:
        """Return this manager's jobs from old to new; see ``jobs_view.listed``."""
        records = jobs_view.listed(self.core.engine.jobs(), everything=everything)
        return [jobs_view.row(record) for record in records]

    def table(self, rows: List[Dict[str, Any]]) -> str:
        """Return jobs as a table, and behind it where those of other managers are."""
        return "\n".join([jobs_view.table(rows), *self._elsewhere_lines()])

    def details(self, name: str) -> Dict[str, Any]:
        """Return all of a job, by its id or as the last one; raises ``AdapterError``.

        ``since`` says what became of one that was cut when its manager ended.
        """
        data = jobs_view.details(self.completion(name))
        with self.core.lock:
            left = self.core.turns.left.get(str(data["id"])) if self.core.turns else None
        return {**data, "since": left.said if left is not None else ""}

    def completion(self, name: str) -> Completion:
        """Return a job by its id, or the last one; raises ``AdapterError``."""
        try:
            return self.core.engine.completion(self.id_of(name))
        except UnknownName as error:
            raise self._where(name, "show") or error from None

    def log(self, name: str) -> Iterator[str]:
        """Return what a job printed; raises ``AdapterError``."""
        try:
            return self.core.engine.log(self.id_of(name))
        except UnknownName as error:
            raise self._where(name, "log") or error from None

    def id_of(self, name: str) -> str:
        """Return the id of a job that is given by its id, or as the last one."""
        try:
            return jobs_view.meant(self.core.engine.jobs(), name)
        except NotReady as error:
            lines = self._elsewhere_lines()
            raise NotReady(error.message, " ".join(lines).strip() or error.remedy) from None

    def _where(self, job_id: str, verb: str) -> Optional[AdapterError]:
        """Return the error that says where a job's record is, None where nobody knows."""
        core = self.core
        with core.lock:
            if core.turns is None:
                return None
            left = core.turns.left.get(job_id)
            turn = core.turns.of_job(job_id, core.engine.controller)
        if left is not None and left.controller != core.engine.controller:
            host, said = left.controller, left.said or LOOKED_AT
            known = f"{left.summary}; {left.manager} ended before it had: {said}"
        elif turn is not None:
            host, known = turn.controller, f"{turn.manager} ran it"
        else:
            return None
        return JobElsewhere(job_id, host, known, self._command(host, verb, job_id))

    def _command(self, host: str, *words: str) -> str:
        """Return what shows the jobs on another manager's host."""
        directory = self.core.engine.directory
        return f"ssh {host} runuser -u ceph -- orch-ansible --dir {directory} job {' '.join(words)}"

    def _elsewhere_lines(self) -> List[str]:
        core = self.core
        with core.lock:
            turns = core.turns.elsewhere(core.engine.controller) if core.turns else []
            left = list(core.turns.left.values()) if core.turns else []
        lines = [
            f"{each.manager} from {when(each.began)} on: `{self._command(each.controller, 'ls')}`"
            for each in turns
        ]
        cut = [f"{job.id} ({job.summary}): {job.said or LOOKED_AT}" for job in left]
        if lines:
            lines = ["", "Jobs of other managers are on their hosts:", *lines]
        return [*lines, *(["", "Not ended when their managers did:", *cut] if cut else [])]
