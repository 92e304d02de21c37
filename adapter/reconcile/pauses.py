"""Whether a job that was submitted by itself may still begin: not after somebody has said pause."""

from __future__ import annotations

import time
from typing import Optional

from adapter.core import Core
from adapter.engine.gate import Ask, Asked
from adapter.errors import AdapterError


def unless_paused(core: Core, ask: Optional[Ask] = None) -> Ask:
    """Return the question of a job that may have to wait for its turn; ``ask`` is asked besides."""

    def asked(job: str) -> None:
        if core.paused:
            raise AdapterError("nothing is done by itself.", "`ceph orch resume` goes on.")
        if ask is not None:
            ask(job)

    return Asked(asked, ask.at if isinstance(ask, Asked) else time.monotonic())
