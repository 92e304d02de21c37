"""Show jobs in ``ceph -s`` and ``ceph progress``."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Dict, Iterable, Tuple

from adapter.engine.model import JobRecord, JobStatus

log = logging.getLogger(__name__)

# What the loop does by itself is shown only when it takes long: `ceph -s` is for people.
BACKGROUND = "Refresh host reports"
BACKGROUND_AFTER = 5.0

Remote = Callable[..., Any]


class ProgressReporter:
    """Tell the progress module about jobs; ``remote`` is MgrModule.remote.

    Its events live in memory only, so a job that an earlier manager started is told again.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._told: Dict[str, Tuple[int, str]] = {}

    def tell(self, records: Iterable[JobRecord]) -> None:
        """Tell what has changed since the last time."""
        for record in records:
            if record.status.final:
                if self._told.pop(record.id, None) is not None:
                    self._end(record)
            elif self._worth_telling(record):
                self._update(record)

    def _worth_telling(self, record: JobRecord) -> bool:
        running = time.time() - (record.started or record.created)
        return record.request.summary != BACKGROUND or running > BACKGROUND_AFTER

    def _update(self, record: JobRecord) -> None:
        text = f"{record.request.summary}: {record.message}" if record.message else ""
        state = (round(record.progress * 100), text or record.request.summary)
        if self._told.get(record.id) != state:
            self._told[record.id] = state
            self._call(
                "update",
                _event(record),
                ev_msg=state[1],
                ev_progress=record.progress,
                # Pairs: the dashboard makes a mapping of them.
                refs=[("ansible", record.request.operation)],
                add_to_ceph_s=True,
            )

    def _end(self, record: JobRecord) -> None:
        if record.status is JobStatus.SUCCEEDED or record.is_overtaken:
            self._call("complete", _event(record))
        else:
            self._call("fail", _event(record), f"{record.status.value}: {record.message}")

    def _call(self, method: str, *args: Any, **kwargs: Any) -> None:
        try:
            self._remote("progress", method, *args, **kwargs)
        except (ImportError, RuntimeError) as error:
            log.debug("the progress module does not listen: %s", error)


def _event(record: JobRecord) -> str:
    return f"ansible-{record.id}"
