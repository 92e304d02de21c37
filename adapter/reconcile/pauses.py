"""Whether a job that was submitted by itself may still begin: not after somebody has said pause."""

from __future__ import annotations

from typing import Optional

from adapter.core import Core
from adapter.engine.gate import Ask, together
from adapter.errors import AdapterError


def unless_paused(core: Core, ask: Optional[Ask] = None) -> Ask:
    """Return the question of a job that may have to wait for its turn; ``ask`` is asked besides."""

    def asked(job: str) -> None:
        del job
        if core.paused:
            raise AdapterError("nothing is done by itself.", "`ceph orch resume` goes on.")

    return together(asked, ask)
