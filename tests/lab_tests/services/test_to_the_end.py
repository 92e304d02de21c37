"""Services of like names have their own daemons; what goes, goes with all that is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST = "h2"
MIRROR = "rbd-mirror"
LISTEN = "systemd-run -q --unit=lab-port python3 -m http.server $1 --directory /var/empty"
OSD_STARTS = "for turn in 1 2 3 4 5; do systemctl stop $1; systemctl start $1; done || true"
CAPS = "mon 'profile rbd-mirror' osd 'profile rbd'"
KEYRING = "/etc/ceph/ceph.client.byhand.keyring"
BY_HAND = "umask 077; cat >$1; chown ceph:ceph $1; systemctl enable -q --now $2"
KINDS = ("spec.", "deployed.", "unused_key.", "service_action.")


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    """Remove the services of each test."""
    yield
    services.remove("mds.end", f"mds.end.{HOST}.b", MIRROR, "rgw.end", "mds.again")


def left(lab: Lab, word: str) -> dict[str, Any]:
    """Return what the monitors have of daemons with this word in their names."""
    config = json.loads(lab.ok("config", "dump", "--format", "json"))
    keys = json.loads(lab.ok("auth", "ls", "--format", "json"))["auth_dump"]
    known = json.loads(lab.ok("config-key", "ls", "--format", "json"))
    kept = [key for key in known if key.startswith(tuple(f"mgr/ansible/{kind}" for kind in KINDS))]
    found = {
        "config": [f"{row['section']} {row['name']}" for row in config if word in row["section"]],
        "keys": [row["entity"] for row in keys if word in row["entity"]],
        "records": [key for key in kept if word in key + lab.ok("config-key", "get", key)],
    }
    return {name: rows for name, rows in found.items() if rows}


def test_services_with_like_names_have_their_own_daemons(services: Services) -> None:
    lab = services.lab
    jobs = set(services.changing_jobs())
    names = ("end", f"end.{HOST}.b")
    for name in names:
        lab.ok("orch", "apply", "mds", name, f"--placement={HOST}")
    for name in names:
        services.wait_runs(f"mds.{name}", 1)
    made = [job for job in services.changing_jobs() if job not in jobs]
    assert len(made) == 2, made
    for name in names:
        services.wait_runs(f"mds.{name}", 1)
    assert [job for job in services.changing_jobs() if job not in jobs] == made


def test_a_hand_made_mirror_goes_as_the_unit_that_it_is(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", MIRROR, f"--placement={HOST}")
    services.wait_runs(MIRROR, 1)
    services.remove(MIRROR)
    key = lab.sh(lab.first, f"ceph auth get-or-create client.byhand {CAPS}")
    unit = "ceph-rbd-mirror@byhand.service"
    try:
        lab.sh(HOST, BY_HAND, KEYRING, unit, stdin=key)
        lab.ok("orch", "ps", "--refresh")
        wait_until("it is seen", lambda: "byhand" in str(services.ps(MIRROR)), SECONDS)
        refused = lab.ceph("orch", "daemon", "redeploy", f"{MIRROR}.byhand")
        assert "made by hand" in refused.err
        lab.ok("orch", "daemon", "rm", f"{MIRROR}.byhand", "--force")
        wait_until("it is gone", lambda: "byhand" not in str(services.ps(MIRROR)), SECONDS)
        state = lab.sh(
            HOST, "systemctl is-active $1 || true; systemctl is-enabled $1 || true", unit
        )
        assert state.split() == ["inactive", "disabled"]
        assert "client.byhand" in services.auth_names()
        lab.sh(HOST, "test -s $1", KEYRING)
    finally:
        lab.sh(HOST, "systemctl disable -q --now $1; rm -f $2", unit, KEYRING)
        lab.ok("auth", "rm", "client.byhand")


def test_what_never_came_up_leaves_nothing(services: Services) -> None:
    lab = services.lab
    lab.sh(HOST, LISTEN, "8089")
    try:
        lab.ok("orch", "apply", "rgw", "end", f"--placement=h1 {HOST}", "--port=8089")
        services.wait_named("rgw.end", HOST, "the port 8089 is taken by python3")
        wait_until("the other one runs", lambda: services.hosts("rgw.end") == ["h1"], SECONDS)
        assert {"config", "keys", "records"} <= left(lab, "rgw.end").keys()
        services.remove("rgw.end")
        assert left(lab, "rgw.end") == {}
        for host in ("h1", HOST):
            lab.sh(host, "! ls /var/lib/ceph/radosgw | grep rgw.end")
    finally:
        lab.sh(HOST, "systemctl stop lab-port")


def test_a_service_that_is_removed_while_its_job_runs(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "rgw", "end", f"--placement={HOST}", "--port=8089")
    wait_until("its job runs", lambda: "rgw.end" in lab.ok("ansible", "job", "ls"), SECONDS, 0.2)
    lab.ok("orch", "rm", "rgw.end")
    wait_until("it is gone", lambda: "rgw.end" not in services.ls(), SECONDS)
    assert left(lab, "rgw.end") == {}
    lab.sh(HOST, "! systemctl is-active 'ceph-radosgw@rgw.end.*'")


def test_a_stop_ends_the_restart(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "mds", "again", "--placement=*")
    services.wait_runs("mds.again", 3)
    lab.ok("orch", "restart", "mds.again")
    assert "The restart of mds.again is ended by the stop" in lab.ok("orch", "stop", "mds.again")
    wait_until("all are stopped", lambda: services.hosts("mds.again") == [], SECONDS)
    assert "mgr/ansible/service_action.mds.again" not in lab.ok("config-key", "ls")


def test_a_daemon_is_started_as_often_as_somebody_asks(services: Services) -> None:
    """Systemd refuses the fourth start of an OSD in half an hour."""
    lab = services.lab
    (osd, *_) = [row for row in services.ps("") if row["daemon_type"] == "osd"]
    lab.sh(osd["hostname"], OSD_STARTS, osd["systemd_unit"])
    lab.ok("orch", "daemon", "restart", f"osd.{osd['daemon_id']}", "--force")

    def up() -> bool:
        text = lab.sh(osd["hostname"], "systemctl is-active $1 || true", osd["systemd_unit"])
        return text.strip() == "active"

    wait_until("it runs", up, SECONDS)
