"""In-memory fakes of hosts and their disks, for the reconciler: what they are and report."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from adapter.engine.model import HostOutcome, HostStatus, Request
from tests.unit.methods.world import World, device
from tests.unit.reconcile.fake_monitors import Monitors

GIB = 1024**3


class Refusal(Exception):
    """A host does nothing of a plan."""


class FakeHosts(World):
    """Hosts with disks, and what they answer.

    ``disks`` are free disks by host, ``used`` those with an OSD's data of which nobody knows.
    ``break_on`` lets an operation fail on hosts, or answer nothing (an empty text).
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
        # OSDs that hosts are asked to clean away although the map has them, and do not.
        self.refuses: Set[int] = set()
        self.wiped: List[str] = []
        # Hosts on which ceph-volume still wipes for a job that has ended.
        self.wiping: Set[str] = set()
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
                said = {
                    "create_osds": {"osds": [], "unfinished": []},
                    "remove_osds": {"removed": [], "at_work": target.name in self.wiping},
                }.get(request.operation, {})
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
