"""The ``ceph`` command as `orch-ansible` calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.cli.ceph import Ceph, CephError
from adapter.errors import NotReady


def program(directory: Path, text: str) -> Ceph:
    path = directory / "ceph"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Ceph(str(path))


def test_the_reason_of_ceph_is_passed_on_in_one_line(tmp_path: Path) -> None:
    ceph = program(tmp_path, "echo 'Traceback\nmore' >&2; echo 'Error EPERM: no' >&2; exit 1")

    with pytest.raises(CephError, match=r"`ceph mgr dump` failed: Error EPERM: no\.") as caught:
        ceph("mgr", "dump")
    assert (caught.value.status, caught.value.reason) == (1, "Error EPERM: no")


def test_ceph_is_given_a_bounded_time_and_plain_words(tmp_path: Path) -> None:
    ceph = program(tmp_path, 'echo "$#:$*"')
    assert ceph("orch", "set", "backend", "") == "6:--connect-timeout 10 orch set backend \n"
    with pytest.raises(
        CephError, match=r"no answer within 0\.1 s; .*`systemctl start ceph-mon@ID`"
    ):
        program(tmp_path, "exec sleep 5")("status", timeout=0.1)


@pytest.mark.parametrize("reason", ["[errno 13] RADOS permission denied", "[errno 2] RADOS object"])
def test_a_host_without_a_key_is_not_one_without_a_quorum(tmp_path: Path, reason: str) -> None:
    ceph = program(tmp_path, f"echo '{reason} (error connecting to the cluster)' >&2; exit 1")

    with pytest.raises(CephError, match="this host has no keyring that the monitors accept") as no:
        ceph("mgr", "dump")
    assert "quorum" not in str(no.value)


def test_another_key_than_the_administrators(tmp_path: Path) -> None:
    ceph = program(tmp_path, 'echo "$*"').known_as("mgr.a", "/k")
    assert ceph("mgr", "dump").startswith("--name mgr.a --keyring /k --connect-timeout 10 mgr dump")


@pytest.mark.parametrize("text", ["echo no json", "true"])
def test_an_answer_that_is_no_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(CephError, match="not JSON"):
        program(tmp_path, text).json("mgr", "dump")


def test_no_ceph_at_all() -> None:
    with pytest.raises(NotReady, match="ceph-common"):
        Ceph("/nope/ceph")("status")


def test_an_error_of_rados_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rados = tmp_path / "rados"
    rados.write_text("#!/bin/sh\necho 'error getting .smb/x: (2) No such file' >&2; exit 1\n")
    rados.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(CephError, match=r"^`rados --pool=\.smb --namespace=a get x -` failed: "):
        Ceph().object_text(".smb", "a", "x")
