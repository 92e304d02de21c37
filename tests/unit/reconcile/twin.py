"""In-memory twins of a cluster's monitors and of the hosts' disks, for the reconciler."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from adapter.cluster.store import MemoryStore
from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    HostSpec,
    OrchestratorError,
    PlacementSpec,
    raise_if_exception,
)
from adapter.orchestrator import AnsibleOrchestrator
from tests.unit.methods.world import World, device

GIB = 1024**3


@dataclass
class Daemon:
    """An OSD as the monitors know it, and its disk."""

    host: str
    disk: str
    uuid: str
    up: bool = True
    destroyed: bool = False
    weight: float = 1.0
    reweight: float = 1.0
    pgs: int = 0
    affinity: str = ""
    said: bool = True
    up_from: int = 5


@dataclass
class Monitors:
    """Answer like the monitors, from a few OSDs. ``log`` has the commands that change something.

    While ``booting``, new OSDs are not up and have said nothing of themselves. While ``stale``,
    what may stop is told from statistics of before an OSD was down.
    """

    osds: Dict[int, Daemon] = field(default_factory=dict)
    epoch: int = 10
    log: List[str] = field(default_factory=list)
    silent: bool = False
    mons: List[str] = field(default_factory=lambda: ["h1"])
    managers: List[str] = field(default_factory=lambda: ["h1"])
    # Mons of ``mons`` that do not take part, and managers that were started without our module.
    out_of_quorum: List[str] = field(default_factory=list)
    without_module: List[str] = field(default_factory=list)
    keys: List[str] = field(default_factory=list)
    config: Dict[str, str] = field(default_factory=dict)
    standbys: Dict[int, str] = field(default_factory=dict)
    booting: bool = False
    stale: bool = False
    # Of all data, whether some has fewer copies than it should: then nobody can say of an OSD that
    # is down whether it is needed.
    degraded: bool = False
    pg_num: int = 0
    flags: List[str] = field(default_factory=list)
    # OSDs that CRUSH has in no place.
    placeless: Set[int] = field(default_factory=set)
    # What somebody else does right before the monitors are asked what is safe to destroy.
    before_safety: Callable[[], Any] = lambda: None
    states: str = "active+clean"
    # Where CRUSH has an OSD, if that is another host than it is on.
    crush: Dict[int, str] = field(default_factory=dict)
    # Host names of daemons (``mgr.x``) that are elsewhere than their names say, or in no map.
    elsewhere: Dict[str, str] = field(default_factory=dict)
    second: Dict[str, str] = field(default_factory=dict)
    # Addresses of mons that are not those of their hosts.
    addresses: Dict[str, str] = field(default_factory=dict)
    # A command that is not answered.
    refuse: str = ""

    def command(self, **arguments: Any) -> str:
        """Answer a command."""
        if self.silent:
            raise OrchestratorError("the monitors do not answer", errno=-errno.ETIMEDOUT)
        prefix = arguments.pop("prefix")
        if prefix == self.refuse:
            raise OrchestratorError("the monitors do not answer", errno=-errno.ETIMEDOUT)
        return str(getattr(self, "_" + prefix.replace(" ", "_").replace("-", "_"))(arguments))

    def _change(self, text: str) -> str:
        self.epoch += 1
        self.log.append(text)
        return ""

    def _osd_dump(self, arguments: Dict[str, Any]) -> str:
        rows = [
            {
                "osd": osd_id,
                "uuid": osd.uuid,
                "up": int(osd.up),
                "weight": osd.reweight,
                "state": ["exists", "destroyed"] if osd.destroyed else ["exists"],
                "up_from": osd.up_from,
            }
            for osd_id, osd in self.osds.items()
        ]
        pools = [{"pool": 1, "pool_name": "data", "pg_num": self.pg_num}]
        known = {"epoch": self.epoch, "osds": rows, "pools": pools, "flags_set": self.flags}
        return json.dumps(known)

    def _osd_tree(self, arguments: Dict[str, Any]) -> str:
        hosts: Dict[str, List[int]] = {}
        nodes: List[Dict[str, Any]] = []
        for osd_id, osd in self.osds.items():
            if osd.said:
                hosts.setdefault(self.crush.get(osd_id, osd.host), []).append(osd_id)
            nodes.append({"id": osd_id, "type": "osd", "crush_weight": osd.weight})
        for name, children in hosts.items():
            nodes.append({"id": -2, "type": "host", "name": name, "children": children})
        return json.dumps({"nodes": nodes})

    def _osd_metadata(self, arguments: Dict[str, Any]) -> str:
        return json.dumps(
            [
                {
                    "id": osd_id,
                    "hostname": osd.host,
                    "devices": osd.disk.rpartition("/")[2],
                    "device_ids": f"{osd.disk.rpartition('/')[2]}=ID{osd.host}{osd.disk[-1]}",
                    "osdspec_affinity": osd.affinity,
                }
                for osd_id, osd in self.osds.items()
                if not osd.destroyed and osd.said
            ]
        )

    def boot(self) -> None:
        """Let all OSDs come up and say where they are."""
        self.booting = False
        for osd in self.osds.values():
            osd.up = osd.said = True
        self.epoch += 1

    def _osd_df(self, arguments: Dict[str, Any]) -> str:
        return json.dumps({"nodes": [{"id": k, "pgs": v.pgs} for k, v in self.osds.items()]})

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return the placement groups of all OSDs."""
        return [
            {"pgid": "1.0", "state": self.states, "up": [osd_id], "acting": [osd_id]}
            for osd_id, osd in self.osds.items()
            for _ in range(osd.pgs)
        ]

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return what the OSDs hold."""
        return [{"osd": osd_id, "num_pgs": osd.pgs} for osd_id, osd in self.osds.items()]

    def _osd_safe_to_destroy(self, arguments: Dict[str, Any]) -> str:
        self.before_safety()
        ids = [int(each) for each in arguments["ids"]]
        held = [each for each in ids if each in self.osds and self.osds[each].pgs]
        left = [each for each in ids if each not in held]
        unknown = [
            each for each in left if self.degraded and each in self.osds and not self.osds[each].up
        ]
        safe = [each for each in left if each not in unknown]
        if not safe:
            raise OrchestratorError(
                f"OSD(s) {held} have 3 pgs currently mapped to them." if held else "no statistics",
                errno=-errno.EBUSY if held else -errno.EAGAIN,
            )
        return json.dumps({"safe_to_destroy": safe, "active": held, "missing_stats": unknown})

    def _osd_ok_to_stop(self, arguments: Dict[str, Any]) -> str:
        ids = [int(each) for each in arguments["ids"]]
        down = [] if self.stale else [each for each, osd in self.osds.items() if not osd.up]
        if len({*down, *ids}) > 1:
            raise OrchestratorError("3 PGs would be inactive", errno=-errno.EBUSY)
        return json.dumps({"osds": ids[:1]})

    def _osd_crush_reweight(self, arguments: Dict[str, Any]) -> str:
        osd_id = int(arguments["name"][4:])
        if osd_id in self.placeless:
            raise OrchestratorError("it does not appear in the crush map", errno=-errno.ENOENT)
        self.osds[osd_id].weight = arguments["weight"]
        return self._change(f"reweight {osd_id} {arguments['weight']}")

    def _osd_out(self, arguments: Dict[str, Any]) -> str:
        self.osds[int(arguments["ids"][0])].reweight = 0.0
        return self._change(f"out {arguments['ids'][0]}")

    def _osd_in(self, arguments: Dict[str, Any]) -> str:
        self.osds[int(arguments["ids"][0])].reweight = 1.0
        return self._change(f"in {arguments['ids'][0]}")

    def _osd_down(self, arguments: Dict[str, Any]) -> str:
        return ""

    def _osd_destroy_actual(self, arguments: Dict[str, Any]) -> str:
        osd = self.osds[arguments["id"]]
        assert not osd.up
        osd.destroyed = True
        return self._change(f"destroy {arguments['id']}")

    def _osd_purge_actual(self, arguments: Dict[str, Any]) -> str:
        osd = self.osds.pop(arguments["id"], None)
        assert osd is None or not osd.up
        return self._change(f"purge {arguments['id']}")

    def _quorum_status(self, arguments: Dict[str, Any]) -> str:
        mons = [{"name": name} for name in self.mons]
        quorum = [name for name in self.mons if name not in self.out_of_quorum]
        return json.dumps({"quorum_names": quorum, "monmap": {"mons": mons}})

    def _mon_dump(self, arguments: Dict[str, Any]) -> str:
        mons = [
            {"name": name, "public_addrs": {"addrvec": [{"addr": f"{self._addr(name)}:3300"}]}}
            for name in self.mons
        ]
        return json.dumps({"mons": mons})

    def _node_ls(self, arguments: Dict[str, Any]) -> str:
        found: Dict[str, Dict[str, List[Any]]] = {"mon": {}, "mgr": {}, "mds": {}, "osd": {}}
        known = [("mon", name) for name in self.mons] + [("mgr", name) for name in self.managers]
        hosts = {f"{kind}.{name}": name for kind, name in known}
        hosts.update({f"osd.{k}": v.host for k, v in self.osds.items() if v.said})
        hosts.update(self.elsewhere)
        for daemon, host in hosts.items():
            kind, _, name = daemon.partition(".")
            if kind in found:
                found[kind].setdefault(host, []).append(int(name) if kind == "osd" else name)
        return json.dumps(found)

    def service_map(self) -> Dict[str, Any]:
        """Return what gateways and mirrors said of themselves."""
        services: Dict[str, Any] = {}
        known = [*self.elsewhere.items(), *self.second.items()]
        for number, (daemon, host) in enumerate(known):
            kind, _, name = daemon.partition(".")
            if kind in ("rgw", "rbd-mirror", "cephfs-mirror"):
                daemons = services.setdefault(kind, {"daemons": {"summary": ""}})["daemons"]
                daemons[str(4100 + number)] = {"metadata": {"hostname": host, "id": name}}
        return {"services": services}

    def _addr(self, name: str) -> str:
        return self.addresses.get(name) or f"10.0.0.{name[1:]}"

    def _config_get(self, arguments: Dict[str, Any]) -> str:
        return self.config.get(f"{arguments['who']}/{arguments['key']}", "") + "\n"

    def _mon_ok_to_rm(self, arguments: Dict[str, Any]) -> str:
        if len(self.mons) <= 2:
            raise OrchestratorError("not enough monitors would be left", errno=-errno.EBUSY)
        return ""

    def _mon_rm(self, arguments: Dict[str, Any]) -> str:
        self.mons.remove(arguments["name"])
        return self._change(f"mon rm {arguments['name']}")

    def _mds_ok_to_stop(self, arguments: Dict[str, Any]) -> str:
        return ""

    def _mgr_dump(self, arguments: Dict[str, Any]) -> str:
        rows = [{"name": name, "available_modules": self._modules(name)} for name in self.managers]
        active = {"active_name": rows[0]["name"], "available_modules": rows[0]["available_modules"]}
        return json.dumps({**active, "standbys": rows[1:]})

    def _modules(self, name: str) -> List[Dict[str, Any]]:
        modules = [{"name": "dashboard", "can_run": True, "error_string": ""}]
        if name not in self.without_module:
            modules.append({"name": "ansible", "can_run": True, "error_string": ""})
        return modules

    def _mgr_fail(self, arguments: Dict[str, Any]) -> str:
        self.managers.append(self.managers.pop(0))
        return self._change(f"mgr fail {arguments['who']}")

    def _fs_dump(self, arguments: Dict[str, Any]) -> str:
        standbys = [{"name": name, "gid": gid} for gid, name in self.standbys.items()]
        return json.dumps({"filesystems": [], "standbys": standbys})

    def _mds_fail(self, arguments: Dict[str, Any]) -> str:
        del self.standbys[int(arguments["role_or_gid"])]
        return ""

    def _config_set(self, arguments: Dict[str, Any]) -> str:
        self.config[f"{arguments['who']}/{arguments['name']}"] = arguments["value"]
        return ""

    def _config_rm(self, arguments: Dict[str, Any]) -> str:
        self.config.pop(f"{arguments['who']}/{arguments['name']}", None)
        return ""

    def _auth_rm(self, arguments: Dict[str, Any]) -> str:
        self.keys = [key for key in self.keys if key != arguments["entity"]]
        return ""

    def _auth_get_or_create(self, arguments: Dict[str, Any]) -> str:
        assert len(arguments["caps"]) % 2 == 0
        self.keys.append(arguments["entity"])
        return self._auth_get(arguments)

    def _auth_get(self, arguments: Dict[str, Any]) -> str:
        entity = arguments["entity"]
        if entity not in ("mon.", "client.bootstrap-osd", *self.keys):
            raise OrchestratorError(f"no key for {entity}", errno=-errno.ENOENT)
        return json.dumps([{"entity": arguments["entity"], "key": "KEYOFTHECLUSTER=="}])

    def _config_generate_minimal_conf(self, arguments: Dict[str, Any]) -> str:
        return f"[global]\nfsid = F51D\nmon_host = {' '.join(self.mons)}\n"


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
        self.facts: Dict[str, Dict[str, Any]] = {}
        self.break_on: Dict[str, Dict[str, str]] = {}
        # As ``break_on``, but the host publishes nothing with its message.
        self.mute: Dict[str, Dict[str, str]] = {}
        # Disks by host on which ceph-volume does not come to an end, and those where it began.
        self.unfinished: Dict[str, List[str]] = {}
        self.begun: Set[Tuple[str, str]] = set()
        self.wiped: List[str] = []
        # What OSDs say that they hold, where that is not what the statistics say; None is silence.
        self.held: Dict[int, Optional[int]] = {}
        # What is wrong with OSDs that are cleaned away, and hosts that are not reached by jobs.
        self.problems: Dict[int, str] = {}
        self.unreached: Set[str] = set()
        # What destroyed OSDs left on disks: id and uuid by host and disk.
        self.left: Dict[Tuple[str, str], Tuple[int, str]] = {}
        # Disks that a host does not show at the moment.
        self.hidden: List[str] = []
        self.used: Dict[str, List[str]] = {}
        # What ceph.conf says by host: the monitors' addresses, and whether the file is ours.
        self.confs: Dict[str, Dict[str, Any]] = {}
        # What hosts have of the backend, where it is not whole.
        self.backends: Dict[str, Optional[Dict[str, str]]] = {}
        # Hosts from which no report comes for now.
        self.late: List[str] = []
        super().__init__(answer=self._answer)
        self.start_anew(self.store)
        for number in range(1, hosts + 1):
            spec = HostSpec(f"h{number}", f"10.0.0.{number}")
            raise_if_exception(self.orchestrator.add_host(spec))
        self.settle()

    def start_anew(self, store: Optional[MemoryStore] = None) -> None:
        """Begin as a manager does that knows nothing but the store."""
        from adapter.core import Core
        from adapter.engine.memory import MemoryEngine

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
            self.core.reports.absorb(host.hostname, self._report(host.hostname), 1.0)
        self.orchestrator = AnsibleOrchestrator(self.core)
        self.now = 1000.0

    def step(self) -> None:
        """One round of the loop; time goes on by two seconds."""
        self.now += 2.0
        self.core.look_at_maps()
        self.orchestrator.reconciler.step(self.now)
        self.answer_questions()
        self.engine.poll()

    def answer_questions(self) -> None:
        """Let the hosts report that were asked for it before a manager takes over."""
        asked = self.orchestrator.reconciler.services.guards.successors.waiting()
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
            self.core.pulse.missed(host, "no route", self.now, 0.0)

    def _report(self, host: str) -> Dict[str, Any]:
        osds = self.monitors.osds.values()
        used = [osd.disk for osd in osds if osd.host == host and not osd.destroyed]
        used += self.used.get(host, [])
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
                "backend": self.backends.get(host, {"version": "1.0.0", "lacks": ""}),
            },
            "facts": {"hostname": host, **self.facts.get(host, {})},
            "devices": rows,
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
            device_id=f"ID{host}{path[-1]}",
            sys_api={"size": 8.0 * GIB, "rotational": "1", "human_readable_size": "8.00 GB"},
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
            act = getattr(self, f"_on_{request.operation}", None)
            if act is None and request.operation.startswith("apply_"):
                self._deploy(request.operation[6:].replace("_", "-"), target.name, request)
            try:
                result = act(target.name, request.variables) if act else {}
            except Refusal as refusal:
                nothing: Dict[str, Any] = {"osds": [], "unfinished": []}
                answers[target.name] = HostOutcome(HostStatus.FAILED, str(refusal), nothing)
                continue
            report = self._report(target.name)
            if result.get("unfinished"):
                why = "ceph-volume has not ended"
                answers[target.name] = HostOutcome(HostStatus.FAILED, why, result)
                continue
            answers[target.name] = HostOutcome(HostStatus.CHANGED, result={**result, **report})
        return answers

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
        osd.up_from = self.monitors.epoch = self.monitors.epoch + 1
        return {"state": "started"}

    def _remove_osd(self, host: str, row: Any) -> Dict[str, Any]:
        osd = self._there(row)
        assert osd is None or osd.destroyed, "an OSD of the map is cleaned away"
        if row["osd_id"] in self.problems:
            return {"state": "failed", "problem": self.problems[row["osd_id"]]}
        unseen = [disk["path"] for disk in row.get("disks", ()) if disk["path"] in self.hidden]
        if row["zap"] and not unseen:
            self.wiped.append(f"osd.{row['osd_id']}")
            self.free[host] += [osd.disk] if osd is not None else []
        return {"state": "removed", "unseen": unseen}

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
        for row in variables["ceph_daemon_remove_daemons"][host]:
            self.daemons.pop((host, row["daemon_type"], row["daemon_id"]), None)
            if row["daemon_type"] == "mgr":
                self.monitors.managers.remove(row["daemon_id"])
        return {"removed": []}

    def _on_update_conf(self, host: str, variables: Any) -> Dict[str, Any]:
        words = variables["cluster_access_conf"].partition("mon_host = ")[2].split()
        if self.confs[host]["ours"]:
            self.confs[host]["mons"] = [f"10.0.0.{name[1:]}" for name in words]
        return {}

    def _on_service_action(self, host: str, variables: Any) -> Dict[str, Any]:
        for name in self.equipped:
            started = f"mgr@{name}" in variables["daemon_action_units"][host]
            if started and name in self.monitors.without_module:
                self.monitors.without_module.remove(name)
        return {"units": variables["daemon_action_units"][host]}

    _on_daemon_action = _on_service_action
