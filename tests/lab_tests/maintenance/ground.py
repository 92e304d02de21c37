"""A cluster whose hosts can each be missed, what must be the same later, a client that writes."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.lab_tests.inactive_pgs import stood_still
from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.services.service_lab import Services

SECONDS = 240.0
POOL = "maintenance"
# No write may wait longer, on a machine that is busy with all of this.
WORST = 45.0
# So long a placement group may peer, as the manager hears of it from its OSDs every five seconds.
PEERING_SECONDS = 30.0
# Writes and reads until its standard input ends, and says then how often, how long it took, and
# which placement groups were not active meanwhile.
WRITER = r"""
import json, rados, select, sys, threading, time
told = json.loads(sys.stdin.readline())
cluster = rados.Rados(name=told["name"], conf={"mon_host": told["mons"], "key": told["key"]})
cluster.connect()
pool = cluster.open_ioctx(told["pool"])
over, looks, inactive, since = threading.Event(), [], {}, {}

def look():
    command = json.dumps({"prefix": "pg dump_json", "dumpcontents": ["pgs"]})
    while not over.wait(0.3):
        try:
            code, out, _ = cluster.mgr_command(command, b"", timeout=10)
        except rados.Error:
            continue
        if code:
            continue
        now, there = time.monotonic(), {}
        for row in json.loads(out)["pg_map"]["pg_stats"]:
            words = row["state"].split("+")
            # A manager that has just taken over knows none.
            if "active" not in words and words != ["unknown"]:
                there[row["pgid"]] = row["state"]
        looks.append(now)
        for pgid in set(since) - set(there):
            del since[pgid]
        for pgid, state in there.items():
            row = inactive.setdefault(pgid, {"states": [], "longest": 0.0})
            row["longest"] = max(row["longest"], now - since.setdefault(pgid, now))
            row["states"] = sorted({*row["states"], state})

looking = threading.Thread(target=look, daemon=True)
looking.start()
print("ready", flush=True)
done, worst, when, errors = 0, 0.0, 0.0, []
while not select.select([sys.stdin], [], [], 0.02)[0]:
    began = time.monotonic()
    name, data = "%s-%d" % (told["objects"], done % 64), b"%8d" % done * 64
    try:
        pool.write_full(name, data)
        if pool.read(name) != data:
            errors.append("%s is not as it was written" % name)
    except rados.Error as error:
        errors.append(str(error))
    took, done = time.monotonic() - began, done + 1
    if took > worst:
        worst, when = took, time.time()
over.set()
looking.join(15)
print(json.dumps({"writes": done, "worst": worst, "when": when, "errors": errors,
                  "looks": len(looks), "inactive": inactive}), flush=True)
"""
# The flags of the cluster, of CRUSH nodes and of single OSDs.
FLAGS = ("flags_set", "crush_node_flags", "device_class_flags")


class Ground:
    """The lab as the tests of maintenance use it."""

    def __init__(self, services: Services) -> None:
        self.services, self.lab = services, services.lab

    def prepare(self, *, whole: bool) -> None:
        """Have monitors on all hosts and managers on two; if ``whole`` files and gateways too."""
        lab = self.lab
        hosts = sorted(lab.machines)
        specs = [("mon", " ".join(hosts)), ("mgr", " ".join(hosts[:2]))]
        for kind, placement in specs:
            lab.ok("orch", "apply", kind, f"--placement={placement}")
        for kind, count in (("mon", 3), ("mgr", 2)):
            self.services.wait_runs(kind, count, SECONDS)
        wait_until("all monitors are in the quorum", lambda: len(self.quorum()) == 3, SECONDS)
        # Pools grow by themselves, on one OSD a host.
        lab.ok("config", "set", "global", "mon_max_pg_per_osd", "1000")
        lab.ok("config", "set", "global", "osd_pool_default_size", "3")
        lab.ok("config", "set", "global", "osd_pool_default_min_size", "2")
        if POOL not in lab.ceph_json("osd", "pool", "ls"):
            lab.ok("osd", "pool", "create", POOL, "8")
            lab.ok("osd", "pool", "application", "enable", POOL, "rados")
        if whole and "mds.keep" not in self.services.ls():
            lab.ok("fs", "volume", "create", "keep", f"--placement=2 {' '.join(hosts[:2])}")
            lab.ok("orch", "apply", "rgw", "only", f"--placement={hosts[2]}", "--port=8094")
            for name, count in (("mds.keep", 2), ("rgw.only", 1)):
                self.services.wait_runs(name, count, SECONDS)
        for pool in lab.ceph_json("osd", "pool", "ls"):
            lab.ok("osd", "pool", "set", pool, "size", "3")
            lab.ok("osd", "pool", "set", pool, "min_size", "2")
        self.wait_well()

    def wait_well(self) -> None:
        """Wait until all data has all of its copies, and every host can be asked about."""

        def well() -> bool:
            states = self.lab.ceph_json("pg", "stat")["pg_summary"]["num_pg_by_state"]
            assert {row["name"] for row in states} <= {"active+clean"}, states
            assert len(self.quorum()) == 3
            return True

        wait_until("all data is well", well, SECONDS)

    def quorum(self) -> list[str]:
        """Return the monitors in quorum."""
        return list(self.lab.ceph_json("quorum_status")["quorum_names"])

    def active(self) -> str:
        """Return the active manager."""
        return str(self.lab.ceph_json("mgr", "stat")["active_name"])

    def wait_health(self, words: str) -> None:
        """Wait until health has a line with these words, or without any words no line at all.

        It is told in the loop's next round, after the list of hosts.
        """

        def told() -> bool:
            lines = self.lab.health_lines("ANSIBLE_HOST_MAINTENANCE")
            assert any(words in line for line in lines) if words else not lines, lines
            return True

        wait_until(f"health says '{words}'", told, 60)

    def status(self, host: str) -> str:
        """Return a host's status in ``ceph orch host ls``."""
        return str(self.lab.listed_hosts()[host]["status"]).lower()

    def stage(self, host: str) -> str:
        """Return how far a host's maintenance is, as the monitors keep it; empty without any."""
        answer = self.lab.ceph("config-key", "get", f"mgr/ansible/maintenance.{host}")
        return str(json.loads(answer.out)["stage"]) if answer.rc == 0 else ""

    def snapshot(self) -> dict[str, Any]:
        """Return what has to be the same afterwards: flags of OSDs, units of all hosts."""
        dump = self.lab.ceph_json("osd", "dump")
        states = {
            str(row["osd"]): sorted({"noout", "noin", "nodown", "noup"} & set(row["state"]))
            for row in dump["osds"]
        }
        listing = "systemctl list-unit-files --no-legend --no-pager"
        units = {host: self.lab.sh(host, listing) for host in self.lab.machines}
        runs = "systemctl list-units --no-legend --plain --state=active 'ceph*.service'"
        runs += " | cut -d' ' -f1"
        active = {host: sorted(self.lab.sh(host, runs).split()) for host in self.lab.machines}
        return {
            "flags": {n: dump[n] for n in FLAGS},
            "osds": states,
            "units": units,
            "runs": active,
        }

    def differences(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return what is other than before, as it was and as it is."""
        now = self.snapshot()
        return {name: (before[name], now[name]) for name in before if before[name] != now[name]}

    def assert_as_before(self, before: dict[str, Any]) -> None:
        """Fail where something is other than before; daemons may take a moment."""

        def same() -> bool:
            wrong = self.differences(before)
            assert not wrong, wrong
            return True

        wait_until("all is as before", same, 60)

    def enter(self, host: str, *flags: str) -> None:
        """Put a host into maintenance, and wait until it is in it."""
        self._ask("enter", host, *flags)
        wait_until(f"{host} is in maintenance", lambda: self.stage(host) == "entered", SECONDS)

    def leave(self, host: str, *flags: str) -> None:
        """Take a host out of maintenance, and wait until it is."""
        self._ask("exit", host, *flags)
        wait_until(f"{host} is out of maintenance", lambda: not self.stage(host), SECONDS)

    def _ask(self, way: str, host: str, *flags: str) -> None:
        """Give the command; while managers are killed the client may wait long for one."""
        argv = ("orch", "host", "maintenance", way, host, *flags)
        self.lab.ok_when_settled(*argv, seconds=600.0)

    @contextmanager
    def writing(
        self,
        host: str,
        worst: float = WORST,
        *,
        command: Sequence[str] = (),
        entity: str = "client.admin",
    ) -> Iterator[None]:
        """Have a client on a host write all the time; no write may fail, or wait for long.

        ``worst`` is how long one may take with its read (seconds). ``command`` runs Python on this
        machine, not on the host; ``entity`` is who it is. No placement group may be inactive for
        longer than peering takes.
        """
        conf = self.lab.ok("config", "generate-minimal-conf")
        told = {
            "mons": conf.partition("mon_host = ")[2].partition("\n")[0],
            "name": entity,
            "key": self.lab.ok("auth", "print-key", entity).strip(),
            "pool": POOL,
            # Several may write at the same time.
            "objects": uuid.uuid4().hex,
        }
        process = subprocess.Popen(
            [*command, WRITER] if command else self.lab.argv(host, "python3", "-c", WRITER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == "ready"
        began = time.monotonic()
        try:
            yield
        finally:
            out, _ = process.communicate("stop\n", timeout=120)
        said = json.loads(out)
        took = time.monotonic() - began
        ended = time.strftime("%H:%M:%S", time.gmtime(said["when"]))
        print(f"{said['writes']} writes in {took:.0f} s, worst {said['worst']:.1f} s until {ended}")
        longest = max((row["longest"] for row in said["inactive"].values()), default=0.0)
        print(f"{said['looks']} looks at placement groups, peering for {longest:.1f} s at most")
        assert said["looks"] > 5
        stuck = stood_still(said["inactive"], PEERING_SECONDS)
        assert not stuck, f"placement groups were inactive: {stuck}"
        assert said["errors"] == [], f"{len(said['errors'])}: {said['errors'][:5]}"
        assert said["writes"] > 10
        assert said["worst"] < worst
