"""What may stop or go: never the quorum, never the last manager, never a file system's last MDS."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence, Tuple

from adapter.cluster.schedule import Running
from adapter.cluster.service_kinds import Kind
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.interface import OrchestratorError


class Guards:
    """Ask the monitors before daemons are stopped or removed."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def may_remove(self, kind: Kind, daemons: Sequence[Running]) -> Tuple[List[Running], str]:
        """Return the daemons to be removed now, or none and the reason."""
        check = getattr(self, f"_remove_{kind.service_type.replace('-', '_')}", None)
        if check is None:
            return list(daemons), ""
        try:
            return check(daemons), ""
        except OrchestratorError as error:
            return [], str(error)

    def _remove_mon(self, daemons: Sequence[Running]) -> List[Running]:
        quorum, known = self._core.maps.quorum()
        for daemon in daemons:
            if daemon.daemon_id not in known:
                return [daemon]
        daemon = daemons[0]
        if len(known) <= 1:
            raise AdapterError(f"mon.{daemon.daemon_id} is the last one.")
        if daemon.daemon_id in quorum:
            self._core.maps.mon_can_go(daemon.daemon_id)
        return [daemon]

    def _remove_mgr(self, daemons: Sequence[Running]) -> List[Running]:
        """Return a standby; where only the active one is left to go, another takes over first."""
        active, standbys = self._core.maps.managers()
        for daemon in daemons:
            if daemon.daemon_id != active:
                return [daemon]
        staying = [name for name in standbys if name not in {each.daemon_id for each in daemons}]
        if not staying:
            raise AdapterError(f"mgr.{active} is the last one.")
        self._core.maps.fail_over(active)
        raise AdapterError(f"mgr.{active} is active; {staying[0]} takes over first.")

    def _remove_mds(self, daemons: Sequence[Running]) -> List[Running]:
        """Return one: a standby before one that has a rank."""
        active = set(self._core.maps.active_mds())
        known = [replace(each, active=each.daemon_id in active) for each in daemons]
        return [min(known, key=lambda each: (each.active, each.daemon_id))]

    def _remove_rgw(self, daemons: Sequence[Running]) -> List[Running]:
        return [daemons[0]]

    def check_stop(self, daemon_type: str, daemon_id: str) -> None:
        """Raise with the reason if a daemon cannot be stopped or restarted now."""
        maps = self._core.maps
        if daemon_type == "osd":
            maps.ok_to_stop([int(daemon_id)])
        elif daemon_type == "mon":
            maps.mon_can_stop(daemon_id)
        elif daemon_type == "mds":
            maps.mds_can_stop(daemon_id)
        elif daemon_type == "mgr":
            active, standbys = maps.managers()
            if daemon_id == active and not standbys:
                raise AdapterError(f"mgr.{daemon_id} is active and there is no standby.")
