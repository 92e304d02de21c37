"""The cluster that interleavings begin on: six OSDs, pools of four kinds, objects in them."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.interleaving_agent import Agent, Refused
from tests.lab_tests.osds.interleaving_events import Standing
from tests.lab_tests.osds.interleaving_oracle import Disk, Disks, is_active, is_clean
from tests.lab_tests.osds.interleaving_plan import FLAGS, PLACES, Slot
from tests.lab_tests.osds.osd_lab import SERVICE, SPEC

PGS, OBJECTS = 8, 24
# As many OSDs a host as it has disks.
FULL = 3
POOLS: dict[str, dict[str, Any]] = {
    # Enough groups that hardly an OSD is without one.
    "one": {"size": 1, "pg_num": 24, "yes_i_really_mean_it": True},
    "two": {"size": 2},
    "three": {"size": 3},
    "coded": {"pool_type": "erasure", "erasure_code_profile": "interleavings"},
}
# OSDs that it takes to read a placement group, where it is not one.
NEEDED = {"coded": 2}
NAMES = [f"object{number}" for number in range(OBJECTS)]
OPTIONS = (
    ("mgr", "mgr_pool", "false"),
    ("mon", "mon_allow_pool_delete", "true"),
    ("global", "mon_allow_pool_size_one", "true"),
    ("global", "osd_pool_default_pg_autoscale_mode", "off"),
    # Less waiting: for a host that does not answer, and for the next map.
    ("global", "osd_heartbeat_grace", "6"),
    ("osd", "osd_heartbeat_interval", "2"),
    ("mon", "mon_mgr_beacon_grace", "8"),
    ("mon", "paxos_propose_interval", "0.25"),
    ("mon", "mon_osd_min_down_reporters", "1"),
    ("osd", "osd_mclock_profile", "high_recovery_ops"),
    # A short log: what moves is backfilled as in a cluster with years of data.
    ("osd", "osd_min_pg_log_entries", "2"),
    ("osd", "osd_max_pg_log_entries", "2"),
    ("osd", "osd_pg_log_trim_min", "2"),
)
# Other tests of OSDs set these as well.
KEPT = ("mgr_pool", "mon_allow_pool_delete", *(name for who, name, _ in OPTIONS if "log_" in name))
# Where BlueStore 20.2 keeps its label and the copies of it on a disk of 8 GiB.
BEGINNING = 16 << 20
LABELS_AT = (0, 1 << 30)
TAKE_AWAY = (
    "cd /var/lib/ceph/osd; for each in ceph-*; do test -e $each || continue; id=${each#ceph-}; "
    'case " $KEEP " in *" $id "*) continue;; esac; '
    "systemctl disable --now ceph-osd@$id ceph-orch-osd@$id 2>/dev/null || true; "
    "systemctl reset-failed ceph-osd@$id 2>/dev/null || true; "
    "umount $each 2>/dev/null || true; rm -rf $each; echo $id; done"
)
START = (
    "for id in $KEEP; do systemctl -q is-active ceph-osd@$id && continue; "
    "systemctl reset-failed ceph-osd@$id 2>/dev/null || true; "
    "systemctl enable --now ceph-osd@$id 2>/dev/null || true; done"
)


def within(seconds: float, check: Callable[[], str], every: float = 0.25) -> str:
    """Return nothing when ``check`` finds nothing wrong in time, else what it found last."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            wrong = check()
        except AssertionError as error:
            wrong = str(error)
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(every)


class Ground:
    """The lab's cluster and the ways back to its beginning."""

    def __init__(self, lab: Lab, agent: Agent) -> None:
        self.lab = lab
        self.agent = agent
        self.disks = Disks(lab)
        self.hosts = lab.hosts()
        self.generation = {pool: "" for pool in POOLS}
        self.made = 0

    def prepare(self) -> None:
        """Make hosts, options, managers, OSDs, pools and objects from whatever is there."""
        self.lab.repair()
        settle(self.lab)
        for who, name, value in OPTIONS:
            self.agent.ask("config set", who=who, name=name, value=value)
        self.agent.orch("orch apply", service_type="mgr", placement=" ".join(self.hosts[:2]))
        with contextlib.suppress(Refused):
            self.agent.ask(
                "osd erasure-code-profile set",
                name="interleavings",
                profile=["k=2", "m=1", "crush-failure-domain=osd"],
            )
        self.specify(managed=False)
        for pool in self.pool_ids().values():
            self.drop(pool)
        self._unset_flags()
        self._empty_queue()
        self._forget_dead()
        self._erase_free()
        for pool in POOLS:
            self.make_empty(pool)
        self._fill_hosts(FULL)
        self.restore(set(POOLS))

    def specify(self, *, managed: bool) -> None:
        """Apply the drive group, which claims no more than two disks a host."""
        text = yaml.safe_dump({**SPEC, "unmanaged": not managed})
        if managed:
            ids = [str(osd) for osd in self.alive()]
            self.agent.orch("orch osd set-spec-affinity", service_name=SERVICE, osd_id=ids)
        self.lab.ok("orch", "apply", "-i", "-", stdin=text)

    def leave(self) -> None:
        """Remove the pools and the options again."""
        for pool in POOLS:
            self.drop(pool)
        for who, name, _ in OPTIONS:
            if name not in KEPT:
                self.agent.ask("config rm", who=who, name=name)
        self.agent.orch("orch apply", service_type="mgr", placement=self.hosts[0])

    # What is there.

    def alive(self) -> dict[int, str]:
        """Return the OSDs of the map that are not destroyed, with their uuids."""
        rows = self.agent.ask("osd dump")["osds"]
        return {row["osd"]: row["uuid"] for row in rows if "destroyed" not in row["state"]}

    def where(self) -> dict[int, Disk]:
        """Return the disk of each OSD of the map, by the labels on the disks."""
        by_uuid = {uuid: disk for disk, uuid in self.disks.labels().items()}
        return {osd: by_uuid[uuid] for osd, uuid in self.alive().items() if uuid in by_uuid}

    def slots(self) -> dict[Slot, Standing]:
        """Return the OSDs by host and the order of their disks."""
        alive, found = self.alive(), {}
        weights = {row["id"]: row["crush_weight"] for row in self.nodes()}
        places = self.where()
        for number, host in enumerate(self.hosts):
            disks = self.lab.machines[host].disks
            mine = [each for each in places.items() if each[1][0] == host]
            mine.sort(key=lambda each: disks.index(each[1][1]))
            for place, (osd, disk) in enumerate(mine):
                found[Slot(number, place)] = Standing(osd, alive[osd], disk, weights[osd])
        return found

    def nodes(self) -> list[dict[str, Any]]:
        """Return the OSDs of the CRUSH tree, each with its ``host``."""
        nodes = self.agent.ask("osd tree")["nodes"]
        hosts = {
            child: node["name"]
            for node in nodes
            if node["type"] == "host"
            for child in node["children"]
        }
        return [{**n, "host": hosts.get(n["id"], "")} for n in nodes if n["type"] == "osd"]

    # Back to the beginning.

    def restore(self, lossy: Iterable[str] = ()) -> None:
        """Bring back two OSDs a host, all up and in, with all pools and objects; raise if not."""
        self._unset_flags()
        self._empty_queue()
        self._forget_dead()
        self._erase_free()
        for pool in lossy:
            self.drop(pool)
        self._weigh()
        for pool in lossy:
            self.make(pool)
        wrong = within(60, self._not_ready)
        if "placement" in wrong:
            # What is left of a fault has cost data that could be lost; the verdict is given.
            for pool in POOLS:
                self.drop(pool)
                self.make(pool)
            wrong = within(60, self._not_ready)
        assert not wrong, f"the lab cannot be brought back: {wrong}"

    def _unset_flags(self) -> None:
        self.agent.ask_all([{"prefix": "osd unset", "key": flag} for flag in FLAGS])

    def _empty_queue(self) -> None:
        def left() -> str:
            rows = self.agent.orch("orch osd rm status")
            for row in rows if isinstance(rows, list) else ():
                self.agent.ask_all(
                    [{"prefix": "orch osd rm stop", "osd_id": [str(row["osd_id"])]}], "mgr"
                )
            return str(rows) if isinstance(rows, list) else ""

        wrong = within(120, left, every=1.0)
        assert not wrong, f"the queue cannot be emptied: {wrong}"

    def _forget_dead(self) -> None:
        """Take OSDs that have no disk any more out of the map, and dead ones from their hosts."""
        places = self.where()
        for disk in self.disks.files:
            self._settle_node(disk)
        for row in self.agent.ask("osd dump")["osds"]:
            if row["osd"] not in places:
                self.agent.ask_all([{"prefix": "osd down", "ids": [str(row["osd"])]}])
                self.agent.ask_all(
                    [{"prefix": "osd purge-actual", "id": row["osd"], "yes_i_really_mean_it": True}]
                )
        for host in self.hosts:
            keep = " ".join(str(osd) for osd, disk in places.items() if disk[0] == host)
            self.lab.inside(host, f"KEEP='{keep}'; {TAKE_AWAY}; {START}")

    def begin(self, *, managed: bool) -> None:
        """Let each host have two OSDs or three; two and a free disk where they are ``managed``.

        OSDs are made on all hosts together when one has not enough: that takes seconds.
        """
        counts = collections.Counter(disk[0] for disk in self.where().values())
        if min(counts[host] for host in self.hosts) < PLACES:
            self._fill_hosts(PLACES if managed else FULL)
        if not managed:
            return
        extra = [osd for slot, osd in self.slots().items() if slot.place >= PLACES]
        for osd in extra:
            self.agent.ask("osd out", ids=[str(osd.osd_id)])
        # They are stopped once their data is elsewhere: some has one copy alone.
        wrong = within(90, lambda: self._not_left([osd.osd_id for osd in extra]))
        assert not wrong, wrong
        for osd in extra:
            self.lab.inside(osd.host, f"systemctl disable --now ceph-osd@{osd.osd_id} || true")
            self.agent.ask_all([{"prefix": "osd down", "ids": [str(osd.osd_id)]}])
        if extra:
            self._take_away([osd.disk for osd in extra])

    def _not_left(self, osd_ids: list[int]) -> str:
        """Return the placement groups that OSDs still have."""
        placement = self.agent.placement() or {}
        there = {
            name for name, row in placement.items() if {*row["acting"], *row["up"]} & {*osd_ids}
        }
        return self._not_clean() or (f"still on {osd_ids}: {sorted(there)}" if there else "")

    def _take_away(self, disks: list[Disk]) -> None:
        """Free disks of OSDs that were stopped and hold nothing."""
        wrong = within(90, self._not_clean)
        assert not wrong, wrong
        for disk in disks:
            erase(disk)
        self._forget_dead()
        for host in self.hosts:
            self.lab.ok("orch", "device", "ls", host, "--refresh")
        wrong = within(60, lambda: self._not_free(disks))
        assert not wrong, wrong

    def _not_clean(self) -> str:
        placement = self.agent.placement() or {}
        return "" if is_clean(placement) else f"not clean: {placement}"

    def _not_free(self, disks: list[Disk]) -> str:
        rows = self.agent.orch("orch device ls")
        free = {(row["name"], d["path"]) for row in rows for d in row["devices"] if d["available"]}
        return f"not free: {set(disks) - free}" if set(disks) - free else ""

    def _additions(self, count: int) -> list[dict[str, Any]]:
        """Return the commands that make OSDs where hosts have fewer, on disks without a label."""
        used = set(self.where().values())
        questions = []
        for host in self.hosts:
            disks = [(host, path) for path in self.lab.machines[host].disks]
            free = [disk for disk in disks if disk not in used]
            chosen = free[: max(0, count - (len(disks) - len(free)))]
            if chosen:
                paths = ",".join(path for _, path in chosen)
                words = {"svc_arg": f"{host}:{paths}", "method": "raw", "skip_validation": True}
                questions.append({"prefix": "orch daemon add osd", **words})
        return questions

    def _erase_free(self) -> None:
        used = set(self.where().values())
        for disk in self.disks.files:
            if disk not in used:
                erase(disk)

    def _fill_hosts(self, count: int) -> None:
        """Make OSDs on hosts that have fewer, on all at the same time, and wait for them."""

        def missing() -> str:
            questions = self._additions(count)
            answers = self.agent.ask_all(questions, "mgr") if questions else []
            wrong = [error for code, _, error in answers if code]
            if wrong:
                # A report may be older than the return of a disk.
                self.agent.orch("orch device ls", refresh=True)
            return "; ".join(wrong) or within(60, lambda: str(self._additions(count) or ""))

        wrong = within(180, missing, every=5.0)
        assert not wrong, f"OSDs are missing: {wrong}"
        self._weigh()
        wrong = within(60, self._not_ready)
        assert not wrong, f"the lab cannot be brought back: {wrong}"

    def _settle_node(self, disk: Disk) -> None:
        path = disk[1]
        minor, own = path.rpartition("loop")[2], f"chown ceph:ceph {path}"
        self.lab.inside(disk[0], f"test -e {path} || {{ mknod -m 660 {path} b 7 {minor}; {own}; }}")

    def _weigh(self) -> None:
        """Give all OSDs their weight and place."""
        places = self.where()
        # A daemon that runs on after a purge boots into the map again, and into no place of it.
        for stray in self.agent.ask("osd tree").get("stray") or ():
            if stray["id"] in places:
                place = [f"host={places[stray['id']][0]}", "root=default"]
                words = {"id": stray["id"], "weight": 0.0078, "args": place}
                self.agent.ask("osd crush create-or-move", **words)
        wanted: list[dict[str, Any]] = []
        for node in self.nodes():
            osd, host = node["id"], places.get(node["id"], ("", ""))[0]
            name, weight = node["name"], 0.0078
            if node["host"] != host and host:
                wanted.append({"prefix": "osd crush move", "name": name, "args": [f"host={host}"]})
            if abs(node["crush_weight"] - weight) > 0.0002:
                wanted.append({"prefix": "osd crush reweight", "name": name, "weight": weight})
            if node["reweight"] != 1:
                wanted.append({"prefix": "osd in", "ids": [str(osd)]})
                wanted.append({"prefix": "osd reweight", "id": osd, "weight": 1.0})
        # One that just left answers with an error; what is not ready is seen afterwards.
        for question in wanted:
            self.agent.ask_all([question])

    def _not_ready(self) -> str:
        # A manager that has not heard of the option yet makes its pool with the first OSDs.
        if ".mgr" in self.pool_ids().values():
            self.drop(".mgr")
        rows = self.agent.ask("osd dump")["osds"]
        rows = [row for row in rows if "destroyed" not in row["state"]]
        wrong = [row["osd"] for row in rows if not row["up"] or not row["in"]]
        if wrong:
            return f"OSDs are not up and in: {wrong}"
        placed = {node["id"] for node in self.nodes()}
        if stray := [row["osd"] for row in rows if row["osd"] not in placed]:
            # It booted after the weights were given: a purged daemon that ran on.
            self._weigh()
            return f"OSDs have no place in CRUSH: {stray}"
        placement = self.agent.placement()
        if placement is None:
            return "no manager answers"
        want = sum(options.get("pg_num", PGS) for options in POOLS.values())
        if len(placement) != want or not is_active(placement):
            odd = {pgid: row for pgid, row in placement.items() if "active" not in row["state"]}
            return f"{len(placement)} placement groups of {want}, not active: {odd}"
        offline = [row["hostname"] for row in self.agent.orch("orch host ls") if row["status"]]
        return f"hosts are offline: {offline}" if offline else ""

    # Pools and objects.

    def pool_ids(self) -> dict[str, str]:
        """Return the pools' names by their ids as placement groups write them."""
        rows = self.agent.ask("osd dump")["pools"]
        return {str(row["pool"]): row["pool_name"] for row in rows}

    def drop(self, pool: str) -> None:
        """Remove a pool."""
        words = {"pool": pool, "pool2": pool, "yes_i_really_really_mean_it": True}
        self.agent.ask_all([{"prefix": "osd pool delete", **words}])

    def make_empty(self, pool: str) -> None:
        """Make a pool."""
        options = {"pg_num": PGS, "autoscale_mode": "off", **POOLS[pool]}
        self.agent.ask("osd pool create", pool=pool, **options)

    def make(self, pool: str) -> None:
        """Make a pool and write its objects."""
        self.make_empty(pool)
        self.made += 1
        self.generation[pool] = f"{pool}{self.made}"
        # More than once, so that the logs do not reach back to the beginning.
        for _ in range(3):
            wrong = within(60, lambda: str(self.agent.write(pool, NAMES, self._seed(pool)) or ""))
        assert not wrong, f"objects of pool {pool} cannot be written: {wrong}"

    def _seed(self, pool: str) -> str:
        return self.generation[pool]

    def groups(self) -> dict[str, list[str]]:
        """Return the objects of each placement group, as POOL/OBJECT."""
        found: dict[str, list[str]] = {}
        for pool in POOLS:
            questions = [
                {"prefix": "osd map", "pool": pool, "object": name, "format": "json"}
                for name in NAMES
            ]
            for name, (code, out, error) in zip(NAMES, self.agent.ask_all(questions)):
                assert code == 0, error
                found.setdefault(json.loads(out)["pgid"], []).append(f"{pool}/{name}")
        return found

    def damaged(self, names: Iterable[str]) -> dict[str, str]:
        """Return what is wrong with these objects, given as POOL/OBJECT."""
        by_pool: dict[str, list[str]] = {}
        for each in names:
            pool, _, name = each.partition("/")
            by_pool.setdefault(pool, []).append(name)
        wrong = {}
        for pool, mine in by_pool.items():
            found = self.agent.verify(pool, mine, self._seed(pool))
            wrong.update({f"{pool}/{name}": text for name, text in found.items()})
        return wrong


def erase(disk: Disk) -> None:
    """Take BlueStore's labels off a disk of the lab that nobody uses, as an operator would."""
    descriptor = os.open(disk[1], os.O_RDWR)
    try:
        # As a wipe does: what is not zero at the beginning is somebody's data.
        os.pwrite(descriptor, bytes(BEGINNING), 0)
        for offset in LABELS_AT:
            os.pwrite(descriptor, bytes(1 << 20), offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
