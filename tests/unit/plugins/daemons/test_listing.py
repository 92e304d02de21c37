"""The daemons on a host: one case, one file; and their versions."""

from __future__ import annotations

import json
import socket
import struct
import threading
from pathlib import Path

import pytest

from plugins.module_utils.daemons.kinds.registry import ALL
from plugins.module_utils.daemons.listing import daemon_of, describe_daemons, parse_units
from plugins.module_utils.daemons.versions import Versions, ask_socket
from plugins.module_utils.system.json_cache import JsonCache
from plugins.module_utils.system.processes import Processes
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.tree import Tree, case_files, load


class _Version:
    """The versions of a case."""

    def __init__(self, version: str) -> None:
        self._version = version

    def of(self, kind: str, identity: str, program: str) -> str:
        return self._version


@pytest.mark.parametrize("path", case_files("daemons"), ids=lambda path: path.stem)
def test_daemons(path: Path, tmp_path: Path) -> None:
    case = load(path)
    roots = Tree(tmp_path, case["tree"]).roots
    units = parse_units(case["units"])
    rows = describe_daemons(units, "h1", roots, Processes(roots), _Version(case["version"]))

    assert len(rows) == len(case["expect"])
    for row, expected in zip(rows, case["expect"]):
        assert {key: row[key] for key in expected} == expected
        kind = ALL[row["daemon_type"]]
        own = ("answers",) if kind.is_counted_on else ()
        own = ("quorum", "unfinished") if kind.name == "mon" else own
        assert set(row) == {
            *(
                "daemon_type",
                "daemon_id",
                "unit",
                "state",
                "enabled",
                "load",
                "by_hand",
                "pid",
                "fsid",
                "version",
            ),
            *("memory_usage", "cpu_percentage", "started", "ports", *own),
        }
    assert json.loads(json.dumps(rows)) == rows


@pytest.mark.parametrize(
    ("unit", "daemon"),
    [
        ("ceph-osd@12.service", ("osd", "12")),
        ("cephfs-mirror@cephfs-mirror.a.service", ("cephfs-mirror", "a")),
        ("cephfs-mirror@admin.service", ("cephfs-mirror", "admin")),
        ("ceph-crash.service", ("crash", "h1")),
        ("ceph-osd.target", ("", "")),
        ("ceph-osd@.service", ("", "")),
        ("ceph-4f@osd.3.service", ("", "")),
    ],
)
def test_names_of_units(unit: str, daemon: tuple) -> None:
    assert daemon_of(unit, "h1") == daemon


def _daemon(path: Path, answer: bytes) -> threading.Thread:
    """Answer one question on an administration socket."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        connection, _ = server.accept()
        connection.recv(1024)
        connection.sendall(answer)
        connection.close()
        server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b'{"version": "20.2.4", "release": "tentacle"}', "20.2.4"),
        (b"{}", ""),
        (b"not json", ""),
        (b'["version"]', ""),
    ],
)
def test_a_daemon_tells_its_version(answer: bytes, version: str, tmp_path: Path) -> None:
    thread = _daemon(tmp_path / "a", struct.pack(">I", len(answer)) + answer)

    assert ask_socket(str(tmp_path / "a"), 2.0) == version
    thread.join()


def test_a_daemon_that_says_nothing_has_no_version(tmp_path: Path) -> None:
    thread = _daemon(tmp_path / "a", b"")

    assert ask_socket(str(tmp_path / "a"), 2.0) == ""
    assert ask_socket(str(tmp_path / "none"), 2.0) == ""
    thread.join()


def test_the_packages_version_is_asked_once(tmp_path: Path) -> None:
    program = tmp_path / "bin/ceph-osd"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho called >>\"$0.log\"\necho ceph version 20.2.4 '(abc)' tentacle\n"
    )
    program.chmod(0o755)
    kept = JsonCache("v.json", 600, directory=str(tmp_path / "run"))
    for _ in range(2):
        versions = Versions(kept, Roots(usr=str(tmp_path)))
        assert versions.of("osd", "0", "/usr/bin/ceph-osd") == "20.2.4"
        assert versions.of("osd", "1", "") == "20.2.4"

    assert (tmp_path / "bin/ceph-osd.log").read_text() == "called\n"


def test_a_daemon_older_than_its_package_is_asked_itself(tmp_path: Path) -> None:
    answer = b'{"version": "19.2.1"}'
    thread = _daemon(tmp_path / "ceph-osd.3.asok", struct.pack(">I", len(answer)) + answer)
    kept = JsonCache("v.json", 0, directory=str(tmp_path / "run"))
    versions = Versions(kept, Roots(ceph_run=str(tmp_path)))

    assert versions.of("osd", "3", "/usr/bin/ceph-osd (deleted)") == "19.2.1"
    thread.join()
