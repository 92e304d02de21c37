"""The manager dies while services are deployed: they get there, and nothing is made twice.

The short form kills it three times; SERVICE_KILLS=10 is the whole one.
"""

from __future__ import annotations

import os
import random
import threading

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_faults import answers

KILLS = int(os.environ.get("SERVICE_KILLS", "3"))
# Each with how many daemons it shall have.
WANTED = {"mds.one": 2, "mds.two": 3, "rgw.kill": 2, "rbd-mirror": 1, "crash": 3}
SPECS = [
    {"service_type": "mds", "service_id": "one", "placement": {"count": 2}},
    {"service_type": "mds", "service_id": "two", "placement": {"host_pattern": "*"}},
    {
        "service_type": "rgw",
        "service_id": "kill",
        "placement": {"count": 2},
        "spec": {"rgw_frontend_port": 8092},
    },
    {"service_type": "rbd-mirror", "placement": {"count": 1}},
    {"service_type": "crash", "placement": {"host_pattern": "*"}},
]
KILL = """
pid=$(systemctl show -P MainPID ceph-mgr@$1); test "$pid" -gt 1
systemctl kill -s KILL --kill-whom=$2 ceph-mgr@$1
systemctl reset-failed ceph-mgr@$1 || true; systemctl restart ceph-mgr@$1
"""
UNITS = "systemctl list-units --no-legend --plain --state=active 'ceph*.service' | cut -d' ' -f1"


class Killer(threading.Thread):
    """Kill the active manager at random moments."""

    def __init__(self, lab: Lab, seed: int) -> None:
        super().__init__(daemon=True)
        self._lab, self._random = lab, random.Random(seed)
        self._stop_now = threading.Event()
        self.killed = 0

    def run(self) -> None:
        while self.killed < KILLS and not self._stop_now.wait(self._random.uniform(0.5, 8.0)):
            name = self._lab.ceph_json("mgr", "stat")["active_name"]
            if name:
                self._lab.sh(name, KILL, name, self._random.choice(("main", "main", "all")))
                self.killed += 1

    def end(self) -> None:
        self._stop_now.set()
        self.join(60)


def test_a_manager_that_is_killed_again_and_again_still_gets_there(services: Services) -> None:
    lab = services.lab
    services.remove_all()
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    killed = 0
    try:
        while killed < KILLS:
            killer = Killer(lab, seed + killed)
            text = yaml.safe_dump_all(SPECS)
            assert lab.ok("orch", "apply", "-i", "-", stdin=text).count("Scheduled") == len(SPECS)
            killer.start()
            wait_until("all kills", lambda killer=killer: killer.killed >= KILLS, SECONDS)
            killer.end()
            killed += killer.killed
            check(services)
    finally:
        services.remove(*WANTED)
    left = [
        key for key in services.auth_names() if key.split(".", 1)[-1].startswith(("one.", "two."))
    ]
    assert left == [], "keys of daemons that are gone"


def check(services: Services) -> None:
    """Check that exactly what is wanted is there, on the hosts and in the monitors."""
    lab = services.lab
    wait_until("the manager answers", lambda: answers(lab), SECONDS)
    for name, size in WANTED.items():
        services.wait_runs(name, size)
    idle = lambda: not [j for j in lab.jobs() if j["status"] in ("queued", "running")]  # noqa: E731
    wait_until("no job is left", idle, SECONDS)
    rows = {name: services.ps(name) for name in WANTED}
    assert {name: len(found) for name, found in rows.items()} == WANTED
    wanted = {(row["hostname"], row["systemd_unit"]) for found in rows.values() for row in found}
    kinds = ("ceph-mds@", "ceph-radosgw@", "ceph-rbd-mirror@", "ceph-crash.")
    there = {
        (host, unit)
        for host in lab.hosts()
        for unit in lab.sh(host, UNITS).splitlines()
        if unit.startswith(kinds)
    }
    assert there == wanted, "a daemon runs that nobody wants"
    keys = services.auth_names()
    for prefix, count in (("mds.one.", 2), ("mds.two.", 3), ("client.rgw.kill.", 2)):
        assert len([key for key in keys if key.startswith(prefix)]) == count, keys
