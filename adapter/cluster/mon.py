"""The cluster's monitors as what asks them sees them, and what stands where there are none."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Protocol, Sequence, Set

from adapter.cluster.osd_answers import Address
from adapter.errors import NotReady


class Mon(Protocol):
    """The cluster's monitors, where there is a cluster to talk to."""

    def command(self, **arguments: Any) -> str:
        """Run a mon command and return its output; raises ``OrchestratorError``.

        ``inbuf`` is what the command reads; it is in no log of the monitors.
        """
        ...

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS; raises ``OrchestratorError``."""
        ...

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return pgid, state, up and acting of all placement groups."""
        ...

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return osd (its id) and num_pgs of all OSDs."""
        ...

    def service_map(self) -> Dict[str, Any]:
        """Return what daemons outside the maps, such as gateways, said of themselves."""
        ...

    def silent_osds(self, addresses: Mapping[int, Address]) -> Set[int]:
        """Return the OSDs that do not answer at their addresses now."""
        ...

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Ask OSDs to say now how their placement groups are; nothing is waited for or raised.

        By themselves they say it every five seconds.
        """
        ...


class NoMon:
    """Stand where no cluster can be asked."""

    def command(self, **arguments: Any) -> str:
        """Raise ``NotReady``."""
        raise NotReady(
            "There is no cluster to ask here.", "Use `ceph orch`, or the playbook by hand."
        )

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Raise ``NotReady``."""
        return self.command()

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return nothing."""
        return []

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return nothing."""
        return []

    def service_map(self) -> Dict[str, Any]:
        """Return nothing."""
        return {}

    def silent_osds(self, addresses: Mapping[int, Address]) -> Set[int]:
        """Return nothing."""
        return set()

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Do nothing."""
