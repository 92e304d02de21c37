"""In-memory fakes of the hosts and their disks, beside those of monitors, for the reconciler."""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple, TypeVar

from adapter.cluster.events import Events
from adapter.cluster.store import MemoryStore
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    HostSpec,
    PlacementSpec,
    raise_if_exception,
)
from adapter.interface.times import datetime_now
from adapter.orchestrator import AnsibleOrchestrator
from adapter.state_lock import under_lock
from tests.unit.methods.world import World, device
from tests.unit.reconcile.fake_monitors import Daemon, Monitors

GIB = 1024**3
C = TypeVar("C", bound="Cluster")


def drive_group(name: str, hosts: str = "*", **values: Any) -> DriveGroupSpec:
    """Return a drive group; of all free disks unless ``values`` say which."""
    values.setdefault("data_devices", DeviceSelection(all=True))
    placement = PlacementSpec(host_pattern=hosts)
    return DriveGroupSpec(service_id=name, placement=placement, method="raw", **values)


def device_on(host: str, path: str) -> DriveGroupSpec:
    """Return what `ceph orch daemon add osd` asks for."""
    return DriveGroupSpec(
        placement=PlacementSpec(host_pattern=host), data_devices=DeviceSelection(paths=[path])
    )


class LockedEvents(Events):
    """Events that nobody writes without the lock."""

    def __init__(self, core: Any) -> None:
        super().__init__()
        self.core = core

    @under_lock
    def note(self, service: str, message: str) -> None:
        super().note(service, message)

    @under_lock
    def fail(self, service: str, message: str) -> None:
        super().fail(service, message)


class Refusal(Exception):
    """A host does nothing of a plan."""


class Cluster(World):
    """Hosts with disks, monitors, and a manager that can end at any time.

    ``disks`` are free disks by host, ``used`` those with an OSD's data of which nobody knows.
    ``break_on`` lets an operation fail on hosts, or answer
    nothing (an empty text).
    """

    def __init__(self, hosts: int = 3, disks: int = 2) -> None:
        self.monitors = Monitors()
        self.free = {
            f"h{n}": [f"/dev/sd{'bcdef'[index]}" for index in range(disks)]
            for n in range(1, hosts + 1)
        }
        # Daemons that are no OSDs: (host, type, id) and their state.
        self.daemons: Dict[Tuple[str, str, str], str] = {
            ("h1", "mon", "h1"): "running",
            ("h1", "mgr", "h1"): "running",
        }
        # What else their rows say, hosts that were given the backend, facts by host.
        self.said: Dict[Tuple[str, str, str], Dict[str, Any]] = {}
        self.equipped: List[str] = []
        # What else hosts say of who they are.
        self.said_of: Dict[str, Dict[str, Any]] = {}
        self.facts: Dict[str, Dict[str, Any]] = {}
        self.break_on: Dict[str, Dict[str, str]] = {}
        # As ``break_on``, but the host publishes nothing with its message.
        self.mute: Dict[str, Dict[str, str]] = {}
        # Daemons that are stopped for maintenance, and what they were before.
        self.in_maintenance: Dict[Tuple[str, str, str], str] = {}
        # Disks by host on which ceph-volume does not come to an end, and those where it began.
        self.unfinished: Dict[str, List[str]] = {}
        self.begun: Set[Tuple[str, str]] = set()
        self.wiped: List[str] = []
        # What OSDs say that they hold, where that is not what the statistics say; None is silence.
        self.held: Dict[int, Optional[int]] = {}
        # What is wrong with OSDs that are cleaned away, and hosts that are not reached by jobs.
        self.problems: Dict[int, str] = {}
        self.unreached: Set[str] = set()
        # Hosts that have lost their record of what was masked.
        self.forgetful: Set[str] = set()
        # Hosts whose connection breaks when a job has done its work there.
        self.cut_off: Set[str] = set()
        # What destroyed OSDs left on disks: id and uuid by host and disk.
        self.left: Dict[Tuple[str, str], Tuple[int, str]] = {}
        # What disks say that they are, by host and path, if not what their places say.
        self.device_ids: Dict[Tuple[str, str], str] = {}
        # Disks that a host does not show at the moment.
        self.hidden: List[str] = []
        # Disks that hold other things by now.
        self.overwritten: List[str] = []
        # Disks that are seen and cannot be read.
        self.unreadable: List[str] = []
        # What hosts do otherwise than usual, by operation.
        self.acts: Dict[str, Callable[[str, Any], Dict[str, Any]]] = {}
        self.used: Dict[str, List[str]] = {}
        # What ceph.conf says by host: the monitors' addresses, and whether the file is ours.
        self.confs: Dict[str, Dict[str, Any]] = {}
        # The administrator's keyring by host, as hosts report it.
        self.admins: Dict[str, Optional[Dict[str, Any]]] = {}
        # What hosts have of the backend, where it is not whole.
        self.backends: Dict[str, Optional[Dict[str, str]]] = {}
        # What hosts say of other names of their disks and of device mapper.
        self.storage: Dict[str, Dict[str, Any]] = {}
        # Hosts from which no report comes for now.
        self.late: List[str] = []
        super().__init__(answer=self._answer)
        self.start_anew(self.store)
        for number in range(1, hosts + 1):
            spec = HostSpec(f"h{number}", f"10.0.0.{number}")
            raise_if_exception(self.orchestrator.add_host(spec))
        self.settle()

    def serving(self: C) -> C:
        """Let an OSD be up: gateways and file systems need not wait for one."""
        self.monitors.osds[90] = Daemon("h1", "/dev/sdz", "0b8f5ac8-1f0a-4f8a-9a5b-3f4a5b6c7d90")
        self.orchestrator.reconciler.read_maps()
        return self

    def start_anew(
        self,
        store: Optional[MemoryStore] = None,
        before: Optional[Mapping[str, Mapping[str, Any]]] = None,
        keep_jobs: bool = False,
    ) -> None:
        """Begin as a manager does that knows nothing but the store.

        ``before`` are reports that hosts gave in its last turn, which no newer ones follow yet.
        With ``keep_jobs`` it finds the jobs of the manager before.
        """
        from adapter.core import Core
        from adapter.engine.memory import MemoryEngine

        if not keep_jobs:
            self.engine = MemoryEngine(self._run)
        self.core = Core(
            store=store or self.store,
            engine=self.engine,
            ssh=self.ssh,
            settings=self.settings,
            actor="test",
            cluster="F51D",
            mon=self.monitors,
            answer_wait=0.0,
        )
        for host in self.core.hosts.all():
            report = (before or {}).get(host.hostname) or self._report(host.hostname)
            self.core.reports.absorb(host.hostname, report, 1.0)
            if before is None:
                self.core.refresh.reported(host.hostname, 0.0)
        self.core.events = LockedEvents(self.core)
        self.orchestrator = AnsibleOrchestrator(self.core)
        self.now = 1000.0
        self.core.going_down.clock = lambda: self.now

    def step(self) -> None:
        """One round of the loop; time goes on by two seconds."""
        self.now += 2.0
        self.core.look_at_maps()
        self.orchestrator.reconciler.step(self.now)
        self.answer_questions()
        self.engine.poll()

    def answer_questions(self) -> None:
        """Let the hosts report that were asked for it before a manager takes over."""
        services = self.orchestrator.reconciler.services
        with self.core.lock:
            asked = [*services.guards.reports.waiting(), *services.leftovers.reported.waiting()]
        hosts = self.core.online_hosts([host for host in asked if host not in self.late])
        if hosts:
            self.core.submit("get_inventory", hosts)

    def settle(self, rounds: int = 12) -> None:
        """Let everything happen that can."""
        for _ in range(rounds):
            self.step()

    def report(self, rounds: int = 12) -> None:
        """Have all hosts reported, and everything happen that follows."""
        self.core.submit("get_inventory", self.core.hosts.all())
        self.settle(rounds)

    def offline(self, host: str) -> None:
        """Let a host not answer for so long that it is offline."""
        for _ in range(2):
            self.core.liveness.missed(host, "no route", self.now, 0.0)

    def _report(self, host: str) -> Dict[str, Any]:
        osds = self.monitors.osds.values()
        used = [osd.disk for osd in osds if osd.host == host and not osd.destroyed]
        used += self.used.get(host, [])
        used = [disk for disk in used if disk not in self.hidden]
        used += [disk for where, disk in self.left if where == host]
        rows = [self._disk(host, path, free=True) for path in self.free.get(host, ())]
        rows += [self._disk(host, path, free=False) for path in used]
        daemons = [
            {
                "daemon_type": "osd",
                "daemon_id": str(osd_id),
                "unit": f"ceph-osd@{osd_id}.service",
                "state": "running" if osd.up else "stopped",
            }
            for osd_id, osd in self.monitors.osds.items()
            if osd.host == host and not osd.destroyed
        ]
        daemons += [
            {
                "daemon_type": kind,
                "daemon_id": identity,
                "unit": f"{kind}@{identity}",
                "state": state,
                **self.said.get((where, kind, identity), {}),
            }
            for (where, kind, identity), state in self.daemons.items()
            if where == host
        ]
        return {
            "identity": {
                "hostname": host,
                "python": "/usr/bin/python3",
                "conf": self.confs.get(host),
                "admin": self.admins.get(host),
                "backend": self.backends.get(host, {"version": "1.0.0", "lacks": ""}),
                **self.said_of.get(host, {}),
            },
            "facts": {"hostname": host, **self.facts.get(host, {})},
            "devices": rows,
            "storage": self.storage.get(host, {}),
            "daemons": daemons,
        }

    def _disk(self, host: str, path: str, *, free: bool) -> Dict[str, Any]:
        left = [self.left[host, path]] if (host, path) in self.left else []
        return device(
            path,
            osds=[
                {"osd_id": osd_id, "osd_uuid": uuid, "cluster": "F51D", "kind": "block"}
                for osd_id, uuid in left
            ],
            available=free,
            rejected_reasons=[] if free else ["Has BlueStore device label"],
            device_id=self.device_ids.get((host, path), f"ID{host}{path[-1]}"),
            sys_api={
                "size": 8.0 * GIB,
                "rotational": "1",
                "human_readable_size": "8.00 GB",
                "model": "LABDISK",
            },
        )

    def _answer(self, request: Request) -> Dict[str, HostOutcome]:
        answers = {}
        for target in request.targets:
            if target.name in self.unreached:
                answers[target.name] = HostOutcome(HostStatus.UNREACHABLE, "no route to host")
                continue
            broken = self.break_on.get(request.operation, {}).get(target.name)
            if broken == "":
                continue
            mute = self.mute.get(request.operation, {}).get(target.name)
            if mute:
                answers[target.name] = HostOutcome(HostStatus.FAILED, mute)
                continue
            if broken:
                # A host that refuses says so in its result too.
                said = {"osds": [], "unfinished": []} if request.operation == "create_osds" else {}
                answers[target.name] = HostOutcome(HostStatus.FAILED, broken, said)
                continue
            act = self.acts.get(request.operation) or getattr(
                self, f"_on_{request.operation}", None
            )
            if act is None and request.operation.startswith("apply_"):
                self._deploy(request.operation[6:].replace("_", "-"), target.name, request)
            try:
                result = act(target.name, request.variables) if act else {}
            except Refusal as refusal:
                nothing: Dict[str, Any] = {"osds": [], "unfinished": []}
                answers[target.name] = HostOutcome(HostStatus.FAILED, str(refusal), nothing)
                continue
            report = self._report(target.name)
            if result.get("failed"):
                answers[target.name] = HostOutcome(HostStatus.FAILED, result["failed"], result)
                continue
            if result.get("unfinished"):
                why = "ceph-volume has not ended"
                answers[target.name] = HostOutcome(HostStatus.FAILED, why, result)
                continue
            answers[target.name] = HostOutcome(HostStatus.CHANGED, result={**result, **report})
        lost = HostOutcome(HostStatus.UNREACHABLE, "Data could not be sent to remote host")
        return {**answers, **dict.fromkeys(self.cut_off & answers.keys(), lost)}

    def _on_zap_device(self, host: str, variables: Any) -> Dict[str, Any]:
        paths = [disk["path"] for disk in variables["device_zap_devices"][host]]
        return {"zapped": [path for path in paths if path not in self.free[host]]}

    def _on_create_osds(self, host: str, variables: Any) -> Dict[str, Any]:
        rows, unfinished = [], []
        taken = {osd.disk for osd in self.monitors.osds.values() if osd.host == host}
        known = {*self.free[host], *taken, *(path for name, path in self.begun if name == host)}
        for group in variables["osd_create_groups"][host]:
            strange = [disk["path"] for disk in group["data"] if disk["path"] not in known]
            if strange:
                raise Refusal(f"a disk is written to that is not free: {strange}")
        for group in variables["osd_create_groups"][host]:
            ids = list(group["osd_ids"])
            for disk in group["data"]:
                there = [
                    k
                    for k, v in self.monitors.osds.items()
                    if (v.host, v.disk) == (host, disk["path"]) and not v.destroyed
                ]
                if there:
                    rows.append({"osd_id": there[0], "data": disk["path"], "state": "present"})
                    continue
                if disk["path"] in self.free[host]:
                    self.free[host].remove(disk["path"])
                if disk["path"] in self.unfinished.get(host, ()):
                    self.begun.add((host, disk["path"]))
                    unfinished.append(disk["path"])
                    continue
                new = ids.pop(0) if ids else self._next_id()
                self.monitors.osds[new] = Daemon(
                    host,
                    disk["path"],
                    f"uuid-{new}-{len(self.requests)}",
                    affinity=group["osdspec"],
                    up=not self.monitors.booting,
                    said=not self.monitors.booting,
                )
                self.monitors.epoch += 1
                rows.append({"osd_id": new, "data": disk["path"], "state": "created"})
        return {"osds": rows, "unfinished": unfinished}

    def _next_id(self) -> int:
        return next(n for n in range(100) if n not in self.monitors.osds)

    def _on_remove_osds(self, host: str, variables: Any) -> Dict[str, Any]:
        act = getattr(self, f"_{variables['osd_remove_step']}_osd")
        rows = variables["osd_remove_osds"][host]
        return {"removed": [{"osd_id": row["osd_id"], **act(host, row)} for row in rows]}

    def _there(self, row: Any) -> Optional[Daemon]:
        osd = self.monitors.osds.get(row["osd_id"])
        return osd if osd is not None and osd.uuid == row["osd_uuid"] else None

    def _stop_osd(self, host: str, row: Any) -> Dict[str, Any]:
        osd = self._there(row)
        if osd is None or osd.host != host or not osd.up:
            return {"state": "down" if osd is not None and osd.host == host else "absent"}
        held = self.held.get(row["osd_id"], osd.pgs)
        if not row["force"] and held != 0:
            return {"state": "no answer" if held is None else "holds data", "held": held}
        osd.up = False
        return {"state": "stopped", "held": held}

    def _start_osd(self, host: str, row: Any) -> Dict[str, Any]:
        osd = self._there(row)
        if osd is None:
            return {"state": "absent"}
        if osd.up:
            return {"state": "present"}
        osd.up = True
        # It says what it is, and takes its place in CRUSH itself.
        osd.said = True
        self.monitors.placeless.discard(row["osd_id"])
        osd.up_from = self.monitors.epoch = self.monitors.epoch + 1
        return {"state": "started"}

    def _remove_osd(self, host: str, row: Any) -> Dict[str, Any]:
        osd = self._there(row)
        assert osd is None or osd.destroyed, "an OSD of the map is cleaned away"
        if row["osd_id"] in self.problems:
            return {"state": "failed", "problem": self.problems[row["osd_id"]]}
        unseen = [disk["path"] for disk in row.get("disks", ()) if disk["path"] in self.hidden]
        dead = [disk["path"] for disk in row.get("disks", ()) if disk["path"] in self.unreadable]
        paths = [disk["path"] for disk in row.get("disks", ())]
        left = [path for path in paths if path in self.overwritten]
        if row["zap"] and not unseen and not dead and not left:
            self.wiped.append(f"osd.{row['osd_id']}")
            self.free[host] += [osd.disk] if osd is not None else []
        unread = [f"{path} (Input/output error)" for path in dead]
        return {"state": "removed", "unseen": unseen, "unread": unread, "left": left}

    def _deploy(self, kind: str, host: str, request: Request) -> None:
        (rows,) = [v for k, v in request.variables.items() if k.endswith("_daemons")]
        for row in rows[host]:
            assert row["keyring_file"] in request.secrets
            self.daemons[host, kind, row["id"]] = "running"
            if kind == "mon" and row["id"] not in self.monitors.mons:
                self.monitors.mons.append(row["id"])
                self.monitors.addresses[row["id"]] = row["addr"]
            if kind == "mgr":
                self.backends.pop(host, None)
                self.equipped.append(row["id"])
                if row["id"] not in self.monitors.managers:
                    self.monitors.managers.append(row["id"])

    def _on_remove_daemons(self, host: str, variables: Any) -> Dict[str, Any]:
        removed = []
        for row in variables["daemon_remove_daemons"][host]:
            key = (host, row["daemon_type"], row["daemon_id"])
            self.daemons.pop(key, None)
            by_hand = self.said.get(key, {}).get("by_hand")
            left = [f"/etc/ceph/ceph.client.{row['daemon_id']}.keyring"] if by_hand else []
            removed.append({**row, "state": "removed", "kept": "", "left": left})
            if row["daemon_type"] == "mgr":
                self.monitors.managers.remove(row["daemon_id"])
        return {"removed": removed}

    def _on_update_conf(self, host: str, variables: Any) -> Dict[str, Any]:
        words = variables["cluster_access_conf"].partition("mon_host = ")[2].split()
        if self.confs[host]["ours"]:
            self.confs[host]["mons"] = [f"10.0.0.{name[1:]}" for name in words]
        return {}

    def _on_update_admin(self, host: str, variables: Any) -> Dict[str, Any]:
        self._administer(host, variables["cluster_access_admin"][host])
        return {}

    def _on_remove_host(self, host: str, variables: Any) -> Dict[str, Any]:
        self._administer(host, "absent")
        return {}

    def _administer(self, host: str, state: str) -> None:
        there = self.admins.get(host)
        if there is not None and not there["ours"]:
            return
        if state == "present":
            key = hashlib.sha256(self.monitors.admin_key.encode()).hexdigest()[:8]
            self.admins[host] = {"ours": True, "key": key}
            self.confs.setdefault(host, {"mons": ["10.0.0.1"], "ours": True})
        else:
            self.admins.pop(host, None)

    def _on_enter_host_maintenance(self, host: str, variables: Any) -> Dict[str, Any]:
        part = variables["host_maintenance_part"]
        core = {"all": (), "data": ("mon",), "services": ("osd", "mgr", "mon")}[part]
        for key, state in self.daemons.items():
            if key[0] == host and key not in self.in_maintenance and key[1] not in core:
                self.in_maintenance[key] = state
                self.daemons[key] = "stopped"
                self.said[key] = {**self.said.get(key, {}), "enabled": False, "load": "masked"}
                self._gone(key[1], key[2], gone=True)
        for osd_id, osd in self.monitors.osds.items():
            if osd.host == host and osd.up and "osd" not in core:
                osd.up = False
                self.in_maintenance[host, "osd", str(osd_id)] = "running"
        said = self._held_units(host)
        if host in self.forgetful:
            said = [{**each, "how": ""} for each in said]
        return {"maintenance": {"units": said}}

    def _held_units(self, host: str) -> List[Dict[str, Any]]:
        return [
            {
                "unit": f"ceph-osd@{name}.service"
                if kind == "osd"
                else f"ceph-{kind}@{name}.service",
                "kind": kind,
                "ran": state == "running",
                "how": "mask",
            }
            for (where, kind, name), state in self.in_maintenance.items()
            if where == host
        ]

    def _on_exit_host_maintenance(self, host: str, variables: Any) -> Dict[str, Any]:
        units = self._held_units(host)
        for key in [each for each in self.in_maintenance if each[0] == host]:
            state = self.in_maintenance.pop(key)
            if key[1] == "osd":
                osd = self.monitors.osds.get(int(key[2]))
                if osd is not None:
                    osd.up = int(key[2]) not in self.monitors.hung
                    osd.up_from = self.monitors.epoch = self.monitors.epoch + 1
                continue
            self.daemons[key] = state
            self.said[key] = {**self.said[key], "enabled": True, "load": "loaded"}
            self._gone(key[1], key[2], gone=False)
        return {"maintenance": {"units": units, "not_started": {}}}

    def _gone(self, kind: str, name: str, *, gone: bool) -> None:
        """Take a daemon out of the cluster's maps, or have it there again."""
        if kind == "mon":
            found = self.monitors.out_of_quorum
            found.append(name) if gone else found.remove(name)
        if kind == "mgr":
            known = self.monitors.managers
            assert not gone or known[0] != name, "the active manager is stopped"
            known.remove(name) if gone else known.append(name)
        if kind == "mds":
            for servers in self.monitors.filesystems.values():
                if name in servers and gone:
                    servers[servers.index(name)] = self.monitors.standbys.popitem()[1]
            if not gone:
                self.monitors.standbys[5000 + len(name)] = name

    def _on_service_action(self, host: str, variables: Any) -> Dict[str, Any]:
        for name in self.equipped:
            started = f"mgr@{name}" in variables["daemon_action_units"][host]
            if started and name in self.monitors.without_module:
                self.monitors.without_module.remove(name)
        for unit in variables["daemon_action_units"][host]:
            number = unit.removeprefix("ceph-osd@").removesuffix(".service")
            osd = self.monitors.osds.get(int(number)) if number.isdigit() else None
            starts = variables["daemon_action_action"] in ("start", "restart")
            if osd is not None and starts and int(number) not in self.monitors.hung:
                osd.up_from = self.monitors.epoch = self.monitors.epoch + 1
            kind, _, identity = unit.partition("@")
            if osd is None and starts and (host, kind, identity) in self.daemons:
                said = self.said.get((host, kind, identity), {})
                started = {"started": datetime_now().isoformat()}
                self.said[host, kind, identity] = {**said, **started}
        return {"units": variables["daemon_action_units"][host]}

    _on_daemon_action = _on_service_action
