"""Services and daemons: listing, actions, removal, plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional, Sequence

if TYPE_CHECKING:
    from ..daemons import DaemonDescription
    from ..result import HandleCommandResult, OrchResult
    from ..services import ServiceDescription
    from ..specs.base import ServiceSpec
    from ..streams import GenericSpec


class ServiceMethods:
    """The services and daemons that run, and what is done with them."""

    def describe_service(
        self,
        service_type: Optional[str] = None,
        service_name: Optional[str] = None,
        refresh: bool = False,
    ) -> OrchResult[List[ServiceDescription]]:
        """Report the services, as known; ``refresh`` asks for a new look."""
        raise NotImplementedError

    def list_daemons(
        self,
        service_name: Optional[str] = None,
        daemon_type: Optional[str] = None,
        daemon_id: Optional[str] = None,
        host: Optional[str] = None,
        refresh: bool = False,
    ) -> OrchResult[List[DaemonDescription]]:
        """Report the daemons that match all that is given; ``refresh`` asks for a new look."""
        raise NotImplementedError

    def service_discovery_dump_cert(self) -> OrchResult[str]:
        """Give the root certificate of service discovery (18.2 only)."""
        raise NotImplementedError

    def set_unmanaged(self, service_name: str, value: bool) -> OrchResult[str]:
        """Let a service be (True), or manage it again (False)."""
        raise NotImplementedError

    def set_unmanaged_flag(
        self,
        unmanaged_flag: bool,
        service_type: str = "osd",
        service_name: Optional[str] = None,
    ) -> HandleCommandResult:
        """Set the unmanaged flag of services (no known caller; see ``set_unmanaged``)."""
        raise NotImplementedError

    def plan(self, spec: Sequence[GenericSpec]) -> OrchResult[List[Any]]:
        """Say what applying the specs would do (shapes: reference/ceph_contract.md 1.B)."""
        raise NotImplementedError

    def add_daemon(self, spec: ServiceSpec) -> OrchResult[List[str]]:
        """Create daemons of an unmanaged service where the placement says."""
        raise NotImplementedError

    def remove_daemons(self, names: List[str]) -> OrchResult[List[str]]:
        """Remove daemons by name (``type.id``); gives one line for each."""
        raise NotImplementedError

    def remove_service(self, service_name: str, force: bool = False) -> OrchResult[str]:
        """Remove a service and its daemons; ``force`` is needed for one that has OSDs."""
        raise NotImplementedError

    def service_action(self, action: str, service_name: str) -> OrchResult[List[str]]:
        """Start, stop, restart, redeploy or reconfig all daemons of a service."""
        raise NotImplementedError

    def daemon_action(
        self,
        action: str,
        daemon_name: str,
        image: Optional[str] = None,
        force: bool = False,
    ) -> OrchResult[str]:
        """Start, stop, restart, redeploy or reconfig one daemon.

        ``image`` is a container image for redeploy; ``force`` (20.2) skips the question whether
        the daemon may stop.
        """
        raise NotImplementedError

    def update_service(self, service_type: str, service_image: str, image: str) -> OrchResult[str]:
        """Move the daemons of a type to another image (20.2)."""
        raise NotImplementedError
