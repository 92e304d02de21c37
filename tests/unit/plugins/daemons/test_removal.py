"""Daemons that go: ours with all that is theirs, others' by the unit that they run as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.hand_made import unit_by_hand
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.registry import KINDS
from plugins.module_utils.daemons.removal import Removal
from tests.unit.plugins.osd_host import OsdHost

HAND_MADE = [
    ("rgw", "radosgw.gateway", "ceph-radosgw@radosgw.gateway.service"),
    ("rbd-mirror", "admin", "ceph-rbd-mirror@admin.service"),
    ("cephfs-mirror", "admin", "cephfs-mirror@admin.service"),
    ("rgw", "a.h2.abcdef", "ceph-radosgw@a.h2.abcdef.service"),
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    return OsdHost(tmp_path, {}, monkeypatch)


def run(host: OsdHost, unit: str) -> None:
    (host.top / "units").mkdir(exist_ok=True)
    (host.top / "units" / unit).write_text("active\n")
    (host.top / "units" / f"{unit}.enabled").write_text("enabled\n")


def state(host: OsdHost, unit: str) -> Any:
    text = (host.top / "units" / unit).read_text().strip()
    return text, (host.top / "units" / f"{unit}.enabled").exists()


def removal(host: OsdHost, kind: str, daemon_id: str, unit: str = "") -> Removal:
    return Removal(host.roots, [Daemon(host.roots, kind, daemon_id, unit)], {}, purge=False)


@pytest.mark.parametrize(("kind", "daemon_id", "unit"), HAND_MADE)
@pytest.mark.parametrize("named", [True, False])
def test_the_unit_that_runs_is_the_one_that_goes(
    host: OsdHost, kind: str, daemon_id: str, unit: str, named: bool
) -> None:
    """Also where nobody says which it is."""
    run(host, unit)
    keyring = Path(host.roots.etc) / f"ceph/ceph.client.{daemon_id}.keyring"
    keyring.parent.mkdir(parents=True, exist_ok=True)
    keyring.write_text("theirs")
    work = removal(host, kind, daemon_id, unit if named else "")
    work.do()

    assert state(host, unit) == ("inactive", False)
    assert [(row["unit"], row["state"]) for row in work.rows] == [(unit, "removed")]
    assert keyring.read_text() == "theirs", "what somebody else made is gone"
    assert work.rows[0]["left"] == [str(keyring)]
    again = removal(host, kind, daemon_id, unit)
    again.predict()
    assert again.rows[0]["state"] == "absent"


def test_ours_goes_and_not_the_one_of_a_like_name(host: OsdHost) -> None:
    ours, theirs = "ceph-radosgw@rgw.a.service", "ceph-radosgw@a.service"
    for unit in (ours, theirs):
        run(host, unit)
    work = removal(host, "rgw", "a", ours)
    Path(work._daemons[0].data_path).mkdir(parents=True)
    work.do()
    assert state(host, ours) == ("inactive", False)
    assert state(host, theirs) == ("active", True)
    assert not Path(work._daemons[0].data_path).exists()
    assert work.rows[0]["left"] == []


@pytest.mark.parametrize(
    ("kind", "daemon_id", "unit"),
    [
        ("rgw", "a", "ceph-osd@3.service"),
        ("rgw", "a", "sshd.service"),
        ("rgw", "a", "ceph-radosgw@rgw.b.service"),
        ("rgw", "a", "ceph-radosgw@rgw.a.service\n"),
        ("mds", "a", "ceph-mds@b.service"),
        ("mds", "a", "ceph-mds@mds.a.service"),
        ("mon", "h1", "ceph-mgr@h1.service"),
        ("rbd-mirror", "a", "ceph-rbd-mirror@../a.service"),
        ("crash", "h1", "ceph-exporter.service"),
    ],
)
def test_a_unit_that_is_not_the_daemons_is_refused(
    host: OsdHost, kind: str, daemon_id: str, unit: str
) -> None:
    with pytest.raises(DaemonRefused, match=rf"Invalid unit .*{kind}\.{daemon_id}"):
        Daemon(host.roots, kind, daemon_id, unit)
    assert host.calls("systemctl") == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_own_unit_of_each_kind_may_be_named(host: OsdHost, kind: str) -> None:
    daemon = Daemon(host.roots, kind, "x")
    assert Daemon(host.roots, kind, "x", daemon.unit).unit == daemon.unit
    assert unit_by_hand(daemon.kind, "x") != daemon.unit


def test_nothing_is_deployed_over_what_somebody_made(host: OsdHost) -> None:
    kind, daemon_id, unit = HAND_MADE[0]
    run(host, unit)
    key = "[client.rgw.radosgw.gateway]\n\tkey = AQBfakefakefakefakefakefakefakefakefake==\n"
    wanted = Wanted(Daemon(host.roots, kind, daemon_id), key)
    with pytest.raises(DaemonRefused, match=r"runs as ceph-radosgw@radosgw\.gateway\.service"):
        Deployment(host.roots, [wanted], {}, 1).refuse(False)
