"""What jobs do on the fakes of hosts, by operation."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional

from adapter.engine.model import Request
from adapter.interface.times import datetime_now
from adapter.kinds import kind_of
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.fake_hosts import FakeHosts, Refusal


class FakeJobs(FakeHosts):
    """Hosts that do what jobs ask of them, and tell the monitors."""

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
        at_work = host in self.wiping
        return {
            "removed": [{"osd_id": row["osd_id"], **act(host, row)} for row in rows],
            "at_work": at_work,
        }

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
        if osd is not None and not osd.destroyed:
            assert row["osd_id"] in self.refuses, "an OSD of the map is cleaned away"
            return {"state": "failed", "problem": f"osd.{row['osd_id']} is in the cluster's map"}
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
        known = kind_of(kind)
        for row in rows[host]:
            if known.entity:
                assert row["keyring_file"] in request.secrets
            assert set(row.get("secret_files", {}).values()) <= set(request.secrets)
            for each in (known.daemon_type, *known.companions):
                self.daemons[host, each, row["id"]] = "running"
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
            for each in kind_of(row["daemon_type"]).companions:
                self.daemons.pop((host, each, row["daemon_id"]), None)
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
