"""What the monitors are given to keep stands in no command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

import pytest

from adapter.cli.ceph import Ceph
from adapter.cli.monitors import CephMon, DryMon
from adapter.cluster.maps import Maps
from adapter.errors import InvalidValue
from adapter.interface.confidential import Unshown


class Shell(Ceph):
    """Write down what ``ceph`` would be given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: List[Tuple[Any, ...]] = []

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Take words and what is read."""
        self.calls.append((words, given))
        return ""


def test_a_certificate_is_read_by_ceph() -> None:
    shell = Shell()
    Maps(CephMon(shell)).keep_secret("rgw/cert/rgw.a", "hush")
    assert shell.calls == [(("config-key", "set", "rgw/cert/rgw.a", "-i", "-"), "hush")]


def test_a_dry_run_shows_no_certificate() -> None:
    mon = DryMon(CephMon(Shell()))
    Maps(mon).keep_secret("rgw/cert/rgw.a", "hush")
    assert mon.untold == ["ceph config-key set rgw/cert/rgw.a -i FILE"]


def test_what_is_given_is_what_the_program_reads(tmp_path: Path) -> None:
    program = tmp_path / "ceph"
    program.write_text("#!/bin/sh\ncat\n")
    program.chmod(0o755)
    assert Ceph(str(program))("config-key", "set", given="hush") == "hush"
    assert Ceph(str(program))("status") == ""


def test_a_value_that_is_put_back_is_passed_on_and_not_shown() -> None:
    shell = Shell()
    Maps(CephMon(shell)).configure("mds.a", "debug_mds", Unshown("s3cret"))
    assert shell.calls == [(("config", "set", "mds.a", "debug_mds", "s3cret"), "")]
    mon = DryMon(CephMon(shell))
    Maps(mon).configure("mds.a", "debug_mds", Unshown("s3cret"))
    assert mon.untold == ["ceph config set mds.a debug_mds '(not shown)'"]
    with pytest.raises(InvalidValue) as refused:
        Maps(CephMon(shell)).configure("mds.a", "debug_mds", Unshown("-s3cret"))
    assert "s3cret" not in str(refused.value)
