"""Engines on small fixture contents, a stub in the place of the worker, an sshd of our own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Optional

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.ssh import SshProber
from adapter.engine.ssh_files import SshFiles
from tests.unit.engine.harness import CONTENT, Engines, Sshd, drain, stub_python


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory with a path that is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="orch-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make_engine(state: Path) -> Iterator[Engines]:
    """Make engines on one state directory; in the end all their jobs are cancelled."""
    engines: List[LocalEngine] = []

    def make(*, stub: bool = False, ssh: Optional[SshFiles] = None, **settings: Any) -> LocalEngine:
        settings.setdefault("python", stub_python(state) if stub else sys.executable)
        engine = LocalEngine(state, CONTENT, ssh or SshFiles(state), **settings)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        for job in engine.jobs():
            engine.cancel(job.id)
        drain(engine, 30)


@pytest.fixture
def stub_engine(make_engine: Engines) -> LocalEngine:
    return make_engine(stub=True)


@pytest.fixture
def sshd(state: Path) -> Iterator[Sshd]:
    if not os.access("/usr/sbin/sshd", os.X_OK):
        pytest.skip("there is no /usr/sbin/sshd (Debian: openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    directory = state / "sshd"
    directory.mkdir(mode=0o700)
    server = Sshd(directory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def files(state: Path, sshd: Sshd) -> SshFiles:
    return SshFiles(state / "s", sshd.key, user=sshd.user)


@pytest.fixture
def prober(files: SshFiles, sshd: Sshd) -> Iterator[SshProber]:
    prober = SshProber(files)
    yield prober
    prober.close(sshd.target)
