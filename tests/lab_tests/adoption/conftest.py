"""Fresh hosts for each layout: no test finds what another one left."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab_tests.lab_client import LAB, Lab, run


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Lab]:
    """Return the lab named by LAB with fresh hosts and without a cluster."""
    name = os.environ.get("LAB") or "demo"
    if os.geteuid() != 0:
        pytest.skip("the lab's hosts can be used by root only")
    answer = run([sys.executable, str(LAB), "--name", name, "reset"], seconds=300)
    if answer.rc:
        pytest.skip(f"lab {name} does not run ({answer.err.strip()}); see `tests/lab/lab up`")
    found = Lab(name, tmp_path)
    if found.ssh(found.first, "test", "-e", "/etc/ceph/ceph.conf").rc == 0:
        found.close()
        pytest.skip(f"lab {name} has a cluster; make it with `tests/lab/lab up --no-cluster`")
    yield found
    found.close()
