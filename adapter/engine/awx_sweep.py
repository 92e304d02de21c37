"""Take from AWX what workers that died for good have left there: inventories and keys of jobs.

A worker deletes what it has made, and one that follows it does so in its place. What is there a day
later has nobody any more: no operation may take a twentieth of that.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, List, Mapping

from adapter.awxapi.client import Awx, Object
from adapter.engine.awx_launch import ACTIVE
from adapter.engine.awx_made import hosts_of, is_key, job_of, prefix_of
from adapter.engine.awx_place import AwxPlace
from adapter.errors import AdapterError, NotReady

log = logging.getLogger(__name__)

OLD = timedelta(days=1)
# AWX has better things to do; the next sweep takes the rest.
_MOST = 50
_EVERY = 3600.0
_STAMP = "awx_swept"


class Sweeper:
    """Sweep from time to time.

    ``state`` is the directory of the engine, ``follows`` tells whether it has an active job.
    """

    def __init__(self, state: Path, place: AwxPlace, follows: Callable[[str], bool]) -> None:
        self._stamp = state / _STAMP
        self._place, self._follows = place, follows

    def __call__(self, awx: Awx) -> None:
        """Sweep, unless somebody with the same directory has done so lately; nothing is raised."""
        now = time.time()
        try:
            if self._stamp.exists() and abs(now - self._stamp.stat().st_mtime) < _EVERY:
                return
            gone = Sweep(awx, self._place, self._follows, now).run()
            self._stamp.touch()
        except (AdapterError, OSError) as error:
            log.info("what jobs have left in AWX stays for now: %s", error)
            return
        if gone:
            log.info("deleted in AWX, because nobody needs it any more: %s", ", ".join(gone))


class Sweep:
    """One look at all that jobs have left; ``is_ours_still`` tells whether a job is active here."""

    def __init__(
        self, awx: Awx, place: AwxPlace, is_ours_still: Callable[[str], bool], now: float
    ) -> None:
        self._awx, self._place, self._is_ours_still = awx, place, is_ours_still
        self._before = datetime.fromtimestamp(now, timezone.utc) - OLD

    def run(self) -> List[str]:
        """Delete what is ours, old, and without a job that runs; return the names.

        Raises ``NotReady`` without an answer.
        """
        filters = {"name__startswith": prefix_of(self._place)}
        inventories = self._awx.list("inventory", **filters)
        left = [row for row in inventories if self._is_left(row) and self._is_inventory(row)]
        gone = [row for row in left[:_MOST] if self._delete(row, inventory=row["id"])]
        # AWX may still be deleting it; a job that it could have had has none any more.
        there = {str(row["name"]) for row in inventories} - {str(row["name"]) for row in gone}
        keys = [
            row
            for row in self._awx.list("credentials", **filters)
            if self._is_left(row) and self._is_keyrings(row) and str(row["name"]) not in there
        ]
        gone += [row for row in keys[:_MOST] if self._delete(row, credentials=row["id"])]
        return sorted({str(row["name"]) for row in gone})

    def _is_left(self, row: Mapping[str, Any]) -> bool:
        name = str(row.get("name"))
        if not is_key(self._place, name) or self._is_ours_still(job_of(self._place, name)):
            return False
        try:
            made = datetime.fromisoformat(str(row.get("created")).replace("Z", "+00:00"))
        except ValueError:
            return False
        return made.tzinfo is not None and made < self._before

    def _is_inventory(self, row: Mapping[str, Any]) -> bool:
        return (
            _name_of(row, "organization") == self._place.organization
            and bool(hosts_of(row.get("description"))[0])
            and not row.get("pending_deletion")
        )

    def _is_keyrings(self, row: Mapping[str, Any]) -> bool:
        return _name_of(row, "credential_type") == f"{self._place.name}-keyrings"

    def _delete(self, row: Object, **users: Any) -> bool:
        """Delete an object that no active job has; tell whether it is gone."""
        if self._awx.list("jobs", status__in=ACTIVE, **users):
            return False
        try:
            self._awx.delete(str(row["url"]))
        except NotReady:
            raise
        except AdapterError:
            # AWX refuses it while a job uses it.
            return False
        return True


def _name_of(row: Mapping[str, Any], what: str) -> str:
    about = row.get("summary_fields", {}).get(what) or {}
    return str(about.get("name"))
