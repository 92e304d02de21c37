"""Engines on the contents of these tests; workers that have a fault."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import Request
from adapter.engine.ssh_files import SshFiles
from tests.integration.engine.conftest import has_ansible  # noqa: F401
from tests.soak.faulty import CONTENT, Steps, here
from tests.unit.engine.conftest import sshd, state  # noqa: F401
from tests.unit.engine.harness import drain, finish

# What the smallest job takes on two quiet cores.
QUIET_SECONDS = 1.2

MakeEngine = Callable[..., LocalEngine]


@pytest.fixture
def make_engine(state: Path, has_ansible: None) -> Iterator[MakeEngine]:  # noqa: F811
    """Make engines on one state directory; in the end all their jobs are cancelled."""
    engines: List[LocalEngine] = []

    def make(ssh: Optional[SshFiles] = None, **settings: Any) -> LocalEngine:
        settings.setdefault("python", sys.executable)
        content = settings.pop("content", CONTENT)
        engine = LocalEngine(state, content, ssh or SshFiles(state), **settings)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        for job in engine.jobs():
            engine.cancel(job.id)
        drain(engine, 40)


@pytest.fixture(scope="session")
def pace(has_ansible: None) -> float:  # noqa: F811
    """Return how much slower than a quiet one this machine is now, at least 1.

    Deadlines in these tests are for a quiet machine; a job must get as far as its fault in them.
    """
    directory = Path(tempfile.mkdtemp(prefix="orch-"))
    engine = LocalEngine(directory, CONTENT, SshFiles(directory), python=sys.executable)
    started = time.monotonic()
    finish(engine, engine.submit(Request("shout", here("h0"))), 120)
    took = time.monotonic() - started
    drain(engine)
    shutil.rmtree(directory)
    return max(1.0, took / QUIET_SECONDS)


@pytest.fixture
def engine(make_engine: MakeEngine) -> LocalEngine:
    return make_engine()


@pytest.fixture
def steps(state: Path, pace: float) -> Steps:  # noqa: F811
    return Steps(state, here("h0", "h1", "h2"), pace)
