"""What may stop or go: never the quorum, never the last manager, never a file system's last MDS."""

from __future__ import annotations

import re
from typing import List, Sequence, Set, Tuple

from adapter.cluster.daemon_identity import IN_SERVICES
from adapter.cluster.host_conf import PATH, only_way
from adapter.cluster.schedule import Running
from adapter.cluster.service_kinds import Kind
from adapter.core import Core
from adapter.errors import AdapterError, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.reconcile.successors import Successors

OSD_UNIT = re.compile(r"ceph-osd@(\d+)\.service")


class Guards:
    """Ask the monitors before daemons are stopped or removed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.successors = Successors(core)

    def may_remove(
        self, kind: Kind, daemons: Sequence[Running], kept: Sequence[Running] = ()
    ) -> Tuple[List[Running], str]:
        """Return the daemons to be removed now, or none and the reason.

        ``daemons`` are given in the order in which they are to go, ``kept`` are those of the
        service that stay. Raises ``ReportAwaited`` while a host is asked that decides.
        """
        check = getattr(self, f"_remove_{kind.service_type}", None)
        try:
            if kind.service_type in IN_SERVICES:
                return self._remove_gateways(kind.service_type, daemons, kept), ""
            return (check(daemons, kept) if check is not None else list(daemons)), ""
        except ReportAwaited:
            raise
        except OrchestratorError as error:
            return [], str(error)

    def _remove_mon(self, daemons: Sequence[Running], kept: Sequence[Running]) -> List[Running]:
        quorum, known = self._core.maps.quorum()
        for daemon in daemons:
            if daemon.daemon_id not in known:
                return [daemon]
        daemon = next((each for each in daemons if each.daemon_id not in quorum), daemons[0])
        self._check_confs(daemon.daemon_id)
        if len(known) <= 1:
            raise AdapterError(f"mon.{daemon.daemon_id} is the last one.")
        if daemon.daemon_id in quorum:
            self._core.maps.mon_can_go(daemon.daemon_id)
        return [daemon]

    def _check_confs(self, leaving: str) -> None:
        """Raise if a host would not find the cluster any more without a mon."""
        core = self._core
        addresses = core.maps.mon_addresses()
        staying = frozenset().union(*(where for mon, where in addresses.items() if mon != leaving))
        with core.lock:
            confs = core.host_confs()
        for address in sorted(addresses.get(leaving, ())):
            hosts = only_way(confs, address, staying)
            if hosts:
                raise AdapterError(
                    f"mon.{leaving} is the only monitor that {PATH} names on {', '.join(hosts)}.",
                    "Name the others there too: `ceph config generate-minimal-conf` prints them.",
                )

    def _remove_mgr(self, daemons: Sequence[Running], kept: Sequence[Running]) -> List[Running]:
        """Return a standby; where only the active one is left to go, another takes over first."""
        managers = self._core.maps.manager_map()
        active = managers.active
        for daemon in daemons:
            if daemon.daemon_id != active:
                return [daemon]
        self._check_known("mgr", daemons[0], kept)
        if not managers.standbys:
            raise AdapterError(f"mgr.{active} is the last one.")
        self.successors.check(managers)
        self._core.maps.fail_over(active)
        raise AdapterError(f"mgr.{active} is active; another manager takes over first.")

    def hand_over(self, name: str) -> None:
        """Let another manager take over; raises if one may that could not manage hosts."""
        self.successors.check(self._core.maps.manager_map())
        self._core.maps.fail_over(name)

    def _remove_mds(self, daemons: Sequence[Running], kept: Sequence[Running]) -> List[Running]:
        """Return one: a standby before one that has a rank."""
        ranked = self._core.maps.fs_map().ranked
        for daemon in daemons:
            if daemon.daemon_id not in ranked:
                return [daemon]
        self._check_known("mds", daemons[0], [k for k in kept if k.daemon_id not in ranked])
        return [daemons[0]]

    def _check_known(self, kind: str, daemon: Running, standbys: Sequence[Running]) -> None:
        """Raise for one that has become active since it was chosen: a standby is chosen instead.

        One that was known to be active is chosen only where the placement leaves no other.
        """
        if standbys and not daemon.active:
            self._core.look_at_maps()
            raise AdapterError(f"{kind}.{daemon.daemon_id} has become active; a standby goes.")

    def _remove_gateways(
        self, kind: str, daemons: Sequence[Running], kept: Sequence[Running]
    ) -> List[Running]:
        """Return those that may go: one that serves only while another one that stays does.

        Of object gateways one goes after the other. The cluster is asked who serves.
        """
        said = self._core.maps.daemon_names().hosts
        serving = [each for each in daemons if f"{kind}.{each.daemon_id}" in said]
        others = [each for each in daemons if each not in serving]
        if serving and kept and not any(f"{kind}.{each.daemon_id}" in said for each in kept):
            if not others and len(serving) == 1:
                names = ", ".join(f"{kind}.{each.daemon_id}" for each in kept)
                raise AdapterError(
                    f"{kind}.{serving[0].daemon_id} is the last one that serves, as far as the "
                    f"cluster knows: it waits for {names}."
                )
            return (others or serving)[:1]
        return [*others, *serving][:1] if kind == "rgw" else list(daemons)

    def check_stop(self, daemon_type: str, daemon_id: str, *, restart: bool = False) -> None:
        """Raise with the reason if a daemon cannot be stopped or restarted now.

        Before the active manager is restarted it hands over, and the standbys' hosts are asked
        then; to stop it is to hand over.
        """
        maps = self._core.maps
        if daemon_type == "osd":
            self.osds_ok_to_stop(int(daemon_id))
        elif daemon_type == "mon":
            maps.mon_can_stop(daemon_id)
        elif daemon_type == "mds":
            maps.mds_can_stop(daemon_id)
        elif daemon_type == "mgr":
            managers = maps.manager_map()
            if daemon_id == managers.active and not managers.standbys:
                raise AdapterError(f"mgr.{daemon_id} is active and there is no standby.")
            if daemon_id == managers.active and restart:
                self.successors.check_map(managers)
            elif daemon_id == managers.active:
                self.successors.check(managers)

    def osds_ok_to_stop(self, osd_id: int, most: int = 1) -> List[int]:
        """Return OSDs that can stop together now: this one and others, up to ``most`` in all.

        The monitors are asked about those that are down or being stopped as well: their PG
        statistics may be some seconds older. Raises ``OrchestratorError``.
        """
        osds = self._core.maps.osd_map().osds.values()
        down = {osd.osd_id for osd in osds if not osd.up and not osd.destroyed}
        known = {osd.osd_id for osd in osds}
        beside = sorted((down | self._stopping()) & known - {osd_id})
        return self._core.maps.ok_to_stop([osd_id, *beside], most=most + len(beside))

    def _stopping(self) -> Set[int]:
        """Return the OSDs that running jobs stop or restart."""
        found: Set[int] = set()
        for record in self._core.engine.jobs():
            variables = record.request.variables
            if record.status.final or variables.get("daemon_action_action") == "start":
                continue
            for units in (variables.get("daemon_action_units") or {}).values():
                found |= {int(match.group(1)) for match in map(OSD_UNIT.fullmatch, units) if match}
        return found
