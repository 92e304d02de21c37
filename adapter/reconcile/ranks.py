"""Which metadata servers can be missed: a rank is taken over, and who stands by for it stays."""

from __future__ import annotations

from typing import Any, Callable, List, Sequence

from adapter.cluster.schedule import Daemon
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.interface import OrchestratorError
from adapter.kinds import Kind
from adapter.reconcile.fresh_reports import FreshReports, check_answer


class Ranks:
    """Ask the file systems' map, and by ``check_stop`` the monitors."""

    def __init__(self, core: Core, reports: FreshReports, check_stop: Callable[..., Any]) -> None:
        self._core, self._reports, self._check_stop = core, reports, check_stop

    def of_others(self, service: str, daemons: Sequence[Daemon]) -> List[Daemon]:
        """Return the metadata servers that have a rank of another file system."""
        fs_map, own = self._core.maps.fs_map(), service.partition(".")[2]
        return [each for each in daemons if fs_map.serves_another(each.daemon_id, own)]

    def check(self, kind: Kind, daemon: Daemon, but: str = "") -> None:
        """Raise if no other metadata server can take over the rank that one has."""
        name = f"{kind.daemon_type}.{daemon.daemon_id}"
        filesystem = self._core.maps.fs_map().of.get(daemon.daemon_id, "")
        try:
            self._check_stop(kind.daemon_type, daemon.daemon_id, but=but)
        except OrchestratorError as error:
            text = " ".join(str(error).split()).rstrip(".")
            raise AdapterError(
                f"{name} serves file system {filesystem}, and no other one could take over: "
                f"{text}.",
                "Let another metadata server start, or lower what the file system needs (`ceph fs "
                f"set {filesystem} max_mds N`).",
            ) from error

    def check_standby(
        self, kind: Kind, daemon: Daemon, going: Sequence[str], but: str = ""
    ) -> None:
        """Raise for one that stands by for those that are being stopped, or that hang.

        One that hangs has its rank in the map until its time is up. Raises ``ReportAwaited`` while
        hosts are asked whether theirs answer.
        """
        fs_map, name = self._core.maps.fs_map(), kind.daemon_type
        if daemon.daemon_id not in fs_map.states:
            return
        if going:
            self._check_stop(name, daemon.daemon_id, but=but)
        others = fs_map.states.keys() - {*fs_map.ranked, *going, daemon.daemon_id}
        for ranked in sorted(fs_map.ranked) if not others else ():
            with self._core.lock:
                hosts = self._core.places.hosts_of(f"{name}.{ranked}")
            if hosts:
                staying = [(hosts[0], f"{name}.{ranked}")]
                check_answer(self._core, self._reports, f"{name}.{daemon.daemon_id}", staying)
