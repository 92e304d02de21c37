"""An OSD is asked what it holds right before it is stopped; it is stopped when that is nothing."""

from __future__ import annotations

import json
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Dict, Optional

import pytest

from plugins.module_utils.cluster.osd_map import NoAnswer, known_osds
from plugins.module_utils.osd.removal import (
    Host,
    RemovalRefused,
    Traces,
    refuse_living,
    unread,
    unseen,
)
from plugins.module_utils.osd.stopping import held_by, start, state_before, stop
from plugins.module_utils.systemd.units import show_units
from tests.unit.plugins.labels import OSD_UUID
from tests.unit.plugins.osd_host import OsdHost

RUNNING: Dict[str, Any] = {
    "tree": {"disks": {"sdb": {"content": {0: {"label": {}}}}}},
    "osds": {3: {"devices": {"block": "sdb"}}},
}


class Daemon:
    """An OSD's administration socket; ``answers`` are given one after the other, the last again."""

    def __init__(self, path: Path, *answers: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._answers = list(answers)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                text = json.dumps(answer).encode()
                connection.sendall(struct.pack(">I", len(text)) + text)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OsdHost]:
    found = OsdHost(tmp_path, RUNNING, monkeypatch)
    # The path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory() as found.roots.ceph_run:
        yield found


@pytest.fixture
def daemon(host: OsdHost) -> Iterator[Any]:
    made = []

    def start_daemon(*answers: Any) -> None:
        made.append(Daemon(Path(host.roots.ceph_run) / "ceph-osd.3.asok", *answers))

    yield start_daemon
    for each in made:
        each.close()


def status(held: Any, uuid: str = OSD_UUID, whoami: int = 3) -> Dict[str, Any]:
    return {"osd_fsid": uuid, "whoami": whoami, "state": "active", "num_pgs": held}


def judged(host: OsdHost, *, force: bool = False, patience: float = 0.0) -> Any:
    wanted = {"osd_id": 3, "osd_uuid": OSD_UUID, "force": force}
    return state_before(host.roots, wanted, Traces(wanted, Host(host.roots)), patience)


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (status(0), 0),
        (status(7), 7),
        (status(0, "22222222-cc0a-455b-96ee-fa4071c2932e"), None),
        (status(0, whoami=4), None),
        (status("0"), None),
        (status(True), None),
        ({}, None),
    ],
)
def test_only_this_very_osds_word_counts(
    host: OsdHost, daemon: Any, answer: Any, held: Optional[int]
) -> None:
    daemon(answer)
    assert held_by(host.roots, 3, OSD_UUID) == held


def test_what_holds_something_is_not_stopped(host: OsdHost, daemon: Any) -> None:
    daemon(status(2))
    assert judged(host) == ("holds data", 2)
    assert judged(host, force=True) == ("stopped", 2)


def test_copies_that_are_being_deleted_are_waited_for(host: OsdHost, daemon: Any) -> None:
    daemon(status(2), status(1), status(0))
    assert judged(host, patience=30.0) == ("stopped", 0)


def test_silence_is_not_nothing(host: OsdHost) -> None:
    assert judged(host) == ("no answer", None)
    assert judged(host, force=True) == ("stopped", None)


def test_one_that_does_not_run_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = {**RUNNING, "osds": {3: {"devices": {"block": "sdb"}, "state": "inactive"}}}
    assert judged(OsdHost(tmp_path, case, monkeypatch)) == ("down", None)


def test_what_is_stopped_can_be_started_again(host: OsdHost) -> None:
    wanted = {"osd_id": 3, "osd_uuid": OSD_UUID}
    unit = "ceph-osd@3.service"
    stop(Traces(wanted, Host(host.roots)))
    assert show_units([unit])[unit]["ActiveState"] == "inactive"
    assert show_units([unit])[unit]["UnitFileState"] == "enabled"
    assert start(Traces(wanted, Host(host.roots))) is True
    assert show_units([unit])[unit]["ActiveState"] == "active"
    assert start(Traces(wanted, Host(host.roots))) is False


def test_another_osd_with_the_id_is_not_started(host: OsdHost) -> None:
    stop(Traces({"osd_id": 3, "osd_uuid": OSD_UUID}, Host(host.roots)))
    other = {"osd_id": 3, "osd_uuid": "22222222-cc0a-455b-96ee-fa4071c2932e"}
    assert start(Traces(other, Host(host.roots))) is False


@pytest.mark.parametrize(
    ("states", "refused"),
    [(["exists", "up"], True), (["exists"], True), (["destroyed", "exists"], False)],
)
def test_disks_of_the_maps_osds_are_not_wiped(states: Any, refused: bool) -> None:
    known = {3: {"uuid": OSD_UUID, "states": states}}
    if not refused:
        refuse_living(3, OSD_UUID, known)
        return
    with pytest.raises(RemovalRefused, match=r"osd\.3 with the uuid \S+ is in the cluster's map"):
        refuse_living(3, OSD_UUID, known)


def test_monitors_that_do_not_answer_allow_nothing(host: OsdHost) -> None:
    (host.top / "silent").touch()
    with pytest.raises(NoAnswer, match="The monitors do not answer `ceph osd info`"):
        known_osds()


@pytest.mark.parametrize(
    ("disks", "missing"),
    [
        ([{"path": "/dev/sdb"}], []),
        ([{"path": "/dev/sdc", "device_id": ""}], ["/dev/sdc"]),
        ([{"path": "/dev/sdb", "device_id": "VENDOR_MODEL_1"}], ["VENDOR_MODEL_1"]),
    ],
)
def test_a_disk_that_is_not_to_be_seen_is_named(host: OsdHost, disks: Any, missing: Any) -> None:
    wanted = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": True, "disks": disks}
    here = Host(host.roots)
    assert unseen(here, wanted) == missing
    assert unseen(here, {**wanted, "zap": False}) == []


def test_a_disk_that_is_seen_and_cannot_be_read_is_another_matter(host: OsdHost) -> None:
    """Such as one that has died: waiting for it to be seen would be in vain."""
    wanted = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": True, "disks": [{"path": "/dev/sdb"}]}
    here = Host(host.roots)
    (dead,) = [disk for disk in here.disks if disk.path == "/dev/sdb"]
    dead.content = {"error": "Input/output error"}
    dead.label = None
    traces = Traces(wanted, here)
    assert unseen(here, wanted) == []
    assert unread(here, wanted, traces) == ["/dev/sdb (Input/output error)"]
    assert unread(here, {**wanted, "zap": False}, traces) == []
