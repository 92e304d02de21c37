"""An in-memory fake of a cluster's monitors, for the reconciler."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Sequence, Set, Tuple

from adapter.interface import OrchestratorError
from tests.tools.mon_commands import load, problem
from tests.unit.reconcile.fake_crush import FakeCrush
from tests.unit.reconcile.fake_keys import FakeKeys

COMMANDS = load()


@dataclass
class Monitors(FakeCrush, FakeKeys):
    """Answer like the monitors, from a few OSDs. ``log`` has the commands that change something.

    While ``booting``, new OSDs are not up and have said nothing of themselves. While ``stale``,
    what may stop is told from statistics of before an OSD was down.
    """

    silent: bool = False
    # The monitor that breaks ties, in stretch mode.
    tiebreaker: str = ""
    mons: List[str] = field(default_factory=lambda: ["h1"])
    managers: List[str] = field(default_factory=lambda: ["h1"])
    # Mons of ``mons`` that do not take part, and managers that were started without our module.
    out_of_quorum: List[str] = field(default_factory=list)
    enabled_modules: List[str] = field(default_factory=lambda: ["ansible", "dashboard"])
    without_dashboard: List[str] = field(default_factory=list)
    without_module: List[str] = field(default_factory=list)
    standbys: Dict[int, str] = field(default_factory=dict)
    # File systems, each with the metadata servers that have its ranks.
    filesystems: Dict[str, List[str]] = field(default_factory=dict)
    booting: bool = False
    stale: bool = False
    # Of all data, whether some has fewer copies than it should: then nobody can say of an OSD that
    # is down whether it is needed.
    degraded: bool = False
    pg_num: int = 0
    # Of the only pool, over hosts.
    pool_size: int = 1
    flags: List[str] = field(default_factory=list)
    # OSDs that do not come up again, and that the map still has up.
    hung: Set[int] = field(default_factory=set)
    # OSDs that do not answer at their addresses, and whether this machine reaches none of them.
    mute: Set[int] = field(default_factory=set)
    # OSDs that were asked to say how their placement groups are.
    told_pgs: List[List[int]] = field(default_factory=list)
    out_of_reach: bool = False
    # OSDs that have placement groups together.
    together: List[Tuple[int, ...]] = field(default_factory=list)
    # What OSDs said of themselves besides.
    metadata_of: Dict[int, Dict[str, Any]] = field(default_factory=dict)
    # Monitors that may not lead.
    barred: List[str] = field(default_factory=list)
    # OSDs that may all stop together, and pools with their sizes.
    can_stop: Set[int] = field(default_factory=set)
    pools: List[Dict[str, Any]] = field(default_factory=list)
    # Those that were made, each with its application.
    made_pools: Dict[str, str] = field(default_factory=dict)
    # What somebody else does right before the monitors are asked what is safe to destroy.
    before_safety: Callable[[], Any] = lambda: None
    # The same, right before they are asked what may stop.
    before_stop: Callable[[], Any] = lambda: None
    states: str = "active+clean"
    # Host names of daemons (``mgr.x``) that are elsewhere than their names say, or in no map.
    elsewhere: Dict[str, str] = field(default_factory=dict)
    second: Dict[str, str] = field(default_factory=dict)
    # What else daemons of the service map tell of themselves.
    told_more: Dict[str, Dict[str, str]] = field(default_factory=dict)
    # Addresses of mons that are not those of their hosts.
    addresses: Dict[str, str] = field(default_factory=dict)
    # Whether the monitors count who is left when one is to stop.
    quorum_counts: bool = False
    # A command that is not answered.
    refuse: str = ""
    # Where mons are in CRUSH, and the only zonegroup as radosgw-admin has it.
    locations: Dict[str, List[str]] = field(default_factory=dict)
    zonegroup: Dict[str, Any] = field(default_factory=dict)

    def command(self, **arguments: Any) -> str:
        """Answer a command."""
        if self.silent:
            raise OrchestratorError("the monitors do not answer", errno=-errno.ETIMEDOUT)
        prefix = arguments.pop("prefix")
        if prefix == self.refuse:
            raise OrchestratorError("the monitors do not answer", errno=-errno.ETIMEDOUT)
        given = {key: value for key, value in arguments.items() if key not in ("format", "inbuf")}
        wrong = problem(COMMANDS[prefix], given) if prefix in COMMANDS else ""
        if wrong:
            raise OrchestratorError(f"{prefix}: {wrong}", errno=-errno.EINVAL)
        return str(getattr(self, "_" + prefix.replace(" ", "_").replace("-", "_"))(arguments))

    def _osd_dump(self, arguments: Dict[str, Any]) -> str:
        rows = [
            {
                "osd": osd_id,
                "uuid": osd.uuid,
                "up": int(osd.up),
                "weight": osd.reweight,
                "state": ["exists", "destroyed"] if osd.destroyed else ["exists", *osd.flags],
                "up_from": osd.up_from,
                "public_addrs": {"addrvec": [{"type": "v2", "addr": f"10.0.0.1:{6800 + osd_id}"}]},
            }
            for osd_id, osd in self.osds.items()
        ]
        pool = {"size": self.pool_size, "min_size": max(1, self.pool_size - 1), "crush_rule": 0}
        pools = self.pools or [{"pool": 1, "pool_name": "data", "pg_num": self.pg_num, **pool}]
        pools = [*pools, *({"pool": 9, "pool_name": name} for name in self.made_pools)]
        known = {"epoch": self.epoch, "osds": rows, "pools": pools, "flags_set": self.flags}
        known["crush_node_flags"] = {name: ["noout"] for name in sorted(self.noout)}
        if self.tiebreaker:
            known["stretch_mode"] = {"stretch_mode_enabled": True, "stretch_mode_bucket": 8}
        return json.dumps(known)

    def _osd_pool_create(self, arguments: Dict[str, Any]) -> str:
        self.made_pools[arguments["pool"]] = ""
        return ""

    def _osd_pool_application_enable(self, arguments: Dict[str, Any]) -> str:
        self.made_pools[arguments["pool"]] = arguments["app"]
        return ""

    def _osd_metadata(self, arguments: Dict[str, Any]) -> str:
        return json.dumps(
            [
                {
                    "id": osd_id,
                    "hostname": osd.host,
                    "devices": osd.disk.rpartition("/")[2],
                    "device_ids": f"{osd.disk.rpartition('/')[2]}=ID{osd.host}{osd.disk[-1]}",
                    "osdspec_affinity": osd.affinity,
                    **self.metadata_of.get(osd_id, {}),
                }
                for osd_id, osd in self.osds.items()
                if osd.said
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

    def silent_osds(self, addresses: Mapping[int, Tuple[str, int]]) -> Set[int]:
        """Return the OSDs that do not answer; all where somebody is cut off from them."""
        return {*addresses} if self.out_of_reach else self.mute & addresses.keys()

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Note which OSDs are asked to say how their placement groups are."""
        self.told_pgs.append(list(osd_ids))

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return the placement groups of all OSDs, and those that some share."""
        shared = [
            {"pgid": "1.1", "state": self.states, "up": list(each), "acting": list(each)}
            for each in self.together
        ]
        return shared + [
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
        self.before_stop()
        ids = [int(each) for each in arguments["ids"]]
        if self.can_stop.issuperset(ids):
            return json.dumps({"osds": ids})
        down = [] if self.stale else [each for each, osd in self.osds.items() if not osd.up]
        if len({*down, *ids}) > 1:
            raise OrchestratorError("3 PGs would be inactive", errno=-errno.EBUSY)
        return json.dumps({"osds": ids[:1]})

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
        mons = [{"name": name, "crush_location": self._location(name)} for name in self.mons]
        quorum = [name for name in self.mons if name not in self.out_of_quorum]
        monmap: Dict[str, Any] = {"mons": mons, "election_strategy": 2 if self.barred else 1}
        monmap["disallowed_leaders"] = ",".join(self.barred)
        monmap.update(stretch_mode=bool(self.tiebreaker), tiebreaker_mon=self.tiebreaker)
        return json.dumps({"quorum_names": quorum, "monmap": monmap})

    def _location(self, name: str) -> List[Dict[str, str]]:
        return [dict(zip(("key", "val"), each.split("="))) for each in self.locations.get(name, [])]

    def _mon_dump(self, arguments: Dict[str, Any]) -> str:
        mons = [
            {
                "name": name,
                "public_addrs": {"addrvec": [{"addr": f"{self._addr(name)}:3300"}]},
                "crush_location": self._location(name),
            }
            for name in self.mons
        ]
        return json.dumps({"mons": mons})

    def _mon_metadata(self, arguments: Dict[str, Any]) -> str:
        rows = [
            {"name": name, "hostname": self.elsewhere.get(f"mon.{name}", name)}
            for name in self.mons
            if name not in self.out_of_quorum
        ]
        return json.dumps(rows)

    def _mgr_metadata(self, arguments: Dict[str, Any]) -> str:
        rows = [
            {"name": name, "hostname": self.elsewhere.get(f"mgr.{name}", name), "addr": "127.0.0.1"}
            for name in self.managers
        ]
        return json.dumps(rows)

    def _mds_metadata(self, arguments: Dict[str, Any]) -> str:
        rows = [
            {"name": daemon[4:], "hostname": host}
            for daemon, host in self.elsewhere.items()
            if daemon.startswith("mds.")
        ]
        return json.dumps(rows)

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
                said = {"hostname": host, "id": name, **self.told_more.get(daemon, {})}
                daemons[str(4100 + number)] = {"metadata": said}
        return {"services": services}

    def _addr(self, name: str) -> str:
        return self.addresses.get(name) or f"10.0.0.{name[1:]}"

    def _config_get(self, arguments: Dict[str, Any]) -> str:
        return self.config.get(f"{arguments['who']}/{arguments['key']}", "") + "\n"

    def _mon_ok_to_rm(self, arguments: Dict[str, Any]) -> str:
        left = [name for name in self.mons if name not in (arguments["id"], *self.out_of_quorum)]
        breaks = self.quorum_counts and len(left) <= (len(self.mons) - 1) // 2
        if len(self.mons) <= 2 or breaks:
            raise OrchestratorError("not enough monitors would be left", errno=-errno.EBUSY)
        return ""

    def _mon_rm(self, arguments: Dict[str, Any]) -> str:
        # As Ceph: one that is gone already is fine.
        self.mons = [each for each in self.mons if each != arguments["name"]]
        return self._change(f"mon rm {arguments['name']}")

    def _mon_ok_to_stop(self, arguments: Dict[str, Any]) -> str:
        gone = {*arguments["ids"], *self.out_of_quorum}
        left = [name for name in self.mons if name not in gone]
        if self.quorum_counts and len(left) <= len(self.mons) // 2:
            raise OrchestratorError(
                f"not enough monitors would be available ({', '.join(left)})", errno=-errno.EBUSY
            )
        return ""

    def _mds_ok_to_stop(self, arguments: Dict[str, Any]) -> str:
        gone = set(arguments["ids"])
        active = [name for names in self.filesystems.values() for name in names if name in gone]
        left = [name for name in self.standbys.values() if name not in gone]
        if len(left) < len(active):
            raise OrchestratorError(
                f"insufficient standby MDS daemons to stop active gids {active}", errno=-errno.EBUSY
            )
        return ""

    def _mgr_dump(self, arguments: Dict[str, Any]) -> str:
        rows = [{"name": name, "available_modules": self._modules(name)} for name in self.managers]
        active = {"active_name": rows[0]["name"], "available_modules": rows[0]["available_modules"]}
        return json.dumps({**active, "standbys": rows[1:], "modules": self.enabled_modules})

    def _modules(self, name: str) -> List[Dict[str, Any]]:
        modules = [{"name": "dashboard", "can_run": True, "error_string": ""}]
        modules = [row for row in modules if name not in self.without_dashboard]
        if name not in self.without_module:
            modules.append({"name": "ansible", "can_run": True, "error_string": ""})
        return modules

    def _mgr_fail(self, arguments: Dict[str, Any]) -> str:
        self.managers.append(self.managers.pop(0))
        return self._change(f"mgr fail {arguments['who']}")

    def _fs_dump(self, arguments: Dict[str, Any]) -> str:
        standbys = [{"name": name, "gid": gid} for gid, name in self.standbys.items()]
        filesystems = [
            {"mdsmap": {"fs_name": fs, "info": {f"gid_{name}": _rank(name) for name in names}}}
            for fs, names in self.filesystems.items()
        ]
        return json.dumps({"filesystems": filesystems, "standbys": standbys})

    def _mds_fail(self, arguments: Dict[str, Any]) -> str:
        # Who is not up is no error.
        self.standbys.pop(int(arguments["role_or_gid"]), None)
        return ""

    def _config_generate_minimal_conf(self, arguments: Dict[str, Any]) -> str:
        return f"[global]\nfsid = F51D\nmon_host = {' '.join(self.mons)}\n"

    def _mon_set_location(self, arguments: Dict[str, Any]) -> str:
        assert arguments["name"] in self.mons
        self.locations[arguments["name"]] = arguments["args"]
        return self._change(f"mon set_location {arguments['name']} {' '.join(arguments['args'])}")

    def _rgw_admin(self, arguments: Dict[str, Any]) -> str:
        words = arguments["params"]
        if not self.zonegroup:
            raise OrchestratorError("Module 'rgw' is not enabled", errno=-errno.EOPNOTSUPP)
        if words[:2] == ["zone", "modify"]:
            (given,) = [word for word in words if word.startswith("--endpoints=")]
            self.zonegroup["zones"][0]["endpoints"] = given.partition("=")[2].split(",")
        if words[:2] != ["zonegroup", "get"]:
            return self._change(f"radosgw-admin {' '.join(words)}")
        return json.dumps(self.zonegroup)

    def _rgw_zonegroup_modify(self, arguments: Dict[str, Any]) -> str:
        self.zonegroup["hostnames"] = arguments["hostnames"]
        return self._change(f"rgw zonegroup modify {arguments['zonegroup_name']}")


def _rank(name: str) -> Dict[str, Any]:
    return {"name": name, "gid": 4000 + len(name), "state": "up:active"}
