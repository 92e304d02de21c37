"""A cluster whose hosts are offered a newer version, for tests of upgrades."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Set

from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group
from tests.unit.reconcile.fake_monitors import Monitors

OLD, NEW = "20.2.4", "20.2.5"
OLD_PACKAGES, NEW_PACKAGES = "20.2.4+ds-2", "20.2.5+ds-1"


def _name(unit: str) -> str:
    """Return the daemon of a unit."""
    return unit.removeprefix("ceph-").removesuffix(".service").replace("@", ".")


class VersionedMonitors(Monitors):
    """Monitors that tell which version each daemon runs; ``versions`` are by daemon."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: Dict[str, str] = {}
        self.required = "squid"
        self.settings: Dict[str, Dict[str, Any]] = {}
        self.raised: Set[str] = set()
        self.muted: Set[str] = set()
        self.keys: Dict[str, str] = {}

    def _config_key_dump(self, arguments: Dict[str, Any]) -> str:
        there = {key: text for key, text in self.keys.items() if key.startswith(arguments["key"])}
        return json.dumps(there)

    def _config_key_set(self, arguments: Dict[str, Any]) -> str:
        self.keys[arguments["key"]] = arguments["val"]
        return ""

    def _config_key_rm(self, arguments: Dict[str, Any]) -> str:
        self.keys.pop(arguments["key"], None)
        return ""

    def _health(self, arguments: Dict[str, Any]) -> str:
        checks = {code: {"muted": code in self.muted} for code in sorted(self.raised)}
        return json.dumps({"checks": checks, "mutes": [{"code": code} for code in self.muted]})

    def _health_mute(self, arguments: Dict[str, Any]) -> str:
        assert arguments["sticky"] is True
        self.muted.add(arguments["code"])
        return self._change(f"mute {arguments['code']}")

    def _health_unmute(self, arguments: Dict[str, Any]) -> str:
        self.muted.remove(arguments["code"])
        return self._change(f"unmute {arguments['code']}")

    def _told(self, kind: str, answer: str) -> str:
        rows = json.loads(answer)
        for row in rows:
            name = f"{kind}.{row['id'] if kind == 'osd' else row['name']}"
            row["ceph_version_short"] = self.versions.get(name, OLD)
        return json.dumps(rows)

    def _mon_metadata(self, arguments: Dict[str, Any]) -> str:
        return self._told("mon", super()._mon_metadata(arguments))

    def _mgr_metadata(self, arguments: Dict[str, Any]) -> str:
        return self._told("mgr", super()._mgr_metadata(arguments))

    def _osd_metadata(self, arguments: Dict[str, Any]) -> str:
        return self._told("osd", super()._osd_metadata(arguments))

    def _mds_metadata(self, arguments: Dict[str, Any]) -> str:
        return self._told("mds", super()._mds_metadata(arguments))

    def _quorum_status(self, arguments: Dict[str, Any]) -> str:
        found = json.loads(super()._quorum_status(arguments))
        return json.dumps({**found, "quorum_leader_name": (found["quorum_names"] or [""])[0]})

    def _osd_dump(self, arguments: Dict[str, Any]) -> str:
        found = json.loads(super()._osd_dump(arguments))
        return json.dumps({**found, "require_osd_release": self.required})

    def _osd_require_osd_release(self, arguments: Dict[str, Any]) -> str:
        self.required = arguments["release"]
        return self._change(f"require {arguments['release']}")

    def _fs_dump(self, arguments: Dict[str, Any]) -> str:
        found = json.loads(super()._fs_dump(arguments))
        for row in found["filesystems"]:
            mds_map = row["mdsmap"]
            said = self.settings.setdefault(mds_map["fs_name"], {"max_mds": 1, "replay": False})
            ranks = range(min(said["max_mds"], len(mds_map["info"])))
            for number, info in enumerate(mds_map["info"].values()):
                info.update(rank=number, state="up:active" if number in ranks else "up:standby")
            mds_map.update(max_mds=said["max_mds"], **{"in": list(ranks)})
            mds_map["flags_state"] = {"allow_standby_replay": said["replay"]}
        return json.dumps(found)

    def _fs_set(self, arguments: Dict[str, Any]) -> str:
        key, value = arguments["var"], arguments["val"]
        said = self.settings[arguments["fs_name"]]
        said.update({"max_mds": int(value)} if key == "max_mds" else {"replay": value == "true"})
        return self._change(f"fs set {arguments['fs_name']} {key} {value}")


class Upgraded(Cluster):
    """Hosts with packages. ``stuck`` daemons run the old version whatever is done to them."""

    def __init__(self) -> None:
        self.installed: Dict[str, str] = {}
        self.stuck: List[str] = []
        self.lost_packages: Dict[str, str] = {}
        self.halfway: List[str] = []
        super().__init__()

    def prepare(self) -> None:
        """Have OSDs, and monitors and managers on all hosts."""
        raise_if_exception(self.orchestrator.apply([drive_group("all")]))
        self.settle()
        for host in ("h1", "h2", "h3"):
            for kind in ("mon", "mgr", "crash"):
                self.daemons[host, kind, host] = "running"
        monitors = VersionedMonitors()
        monitors.osds, monitors.epoch = self.monitors.osds, self.monitors.epoch
        self.monitors = monitors
        monitors.mons = ["h1", "h2", "h3"]
        monitors.managers = ["h1", "h2", "h3"]
        monitors.pool_size = 3
        monitors.quorum_counts = True
        monitors.can_stop = {*monitors.osds}
        self.start_anew(self.store)
        self.report(3)
        self.requests.clear()
        monitors.log.clear()
        self.now += 100.0

    def _report(self, host: str) -> Dict[str, Any]:
        report = super()._report(host)
        there = self.installed.get(host, OLD_PACKAGES)
        report["packages"] = {
            "installed": {"ceph-osd": there} if host not in self.lost_packages else {},
            "offered": {"ceph-osd": [NEW_PACKAGES, OLD_PACKAGES]},
            "lists_read": 1764460800,
            "unfinished": {"ceph-osd": "unpacked"} if host in self.halfway else {},
            "problem": self.lost_packages.get(host, ""),
        }
        for row in report["daemons"]:
            if row["daemon_type"] == "crash":
                row["version"] = there.partition("+")[0]
        return report

    def _on_upgrade_packages(self, host: str, variables: Any) -> Dict[str, Any]:
        units = variables["host_upgrade_units"].get(host, [])
        if variables["host_upgrade_step"] == "install":
            self.installed[host] = NEW_PACKAGES
            self.halfway = [each for each in self.halfway if each != host]
            self._start_again(host, units)
        said = {"packages": {}, "kept_files": [], "put_back": False, "restarted": units}
        return {"upgrade": said}

    def _on_daemon_action(self, host: str, variables: Any) -> Dict[str, Any]:
        found = super()._on_service_action(host, variables)
        self._start_again(host, variables["daemon_action_units"][host])
        return found

    def _start_again(self, host: str, units: List[str]) -> None:
        for name in map(_name, units):
            if name not in self.stuck and self.installed.get(host) == NEW_PACKAGES:
                self.monitors.versions[name] = NEW  # type: ignore[attr-defined]

    def restarted(self) -> List[List[str]]:
        """Return which daemons were restarted together, in order."""
        found = []
        for request in self.requests:
            given = {
                "daemon_action": "daemon_action_units",
                "upgrade_packages": "host_upgrade_units",
            }.get(request.operation, "")
            names = [
                _name(unit) for units in request.variables.get(given, {}).values() for unit in units
            ]
            if names:
                found.append(names)
        return found

    def kept(self) -> Dict[str, Any]:
        """Return the record of the upgrade."""
        return dict(self.store.get("upgrade.current") or {})
