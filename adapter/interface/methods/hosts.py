"""Hosts: adding, removing, labels, maintenance, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ..hosts import HostSpec
    from ..result import OrchResult


class HostMethods:
    """The hosts that the orchestrator manages."""

    def add_host(self, host_spec: HostSpec) -> OrchResult[str]:
        """Add a host, or update address and labels of one that is known."""
        raise NotImplementedError

    def remove_host(
        self, host: str, force: bool, offline: bool, rm_crush_entry: bool
    ) -> OrchResult[str]:
        """Remove a host.

        It must be empty of daemons unless ``force``. ``offline`` (only with ``force``) removes
        one that cannot be reached, purging its OSDs. ``rm_crush_entry`` removes its CRUSH bucket.
        Implement it with defaults of False: the dashboard gives the host alone.
        """
        raise NotImplementedError

    def drain_host(
        self,
        hostname: str,
        force: bool = False,
        keep_conf_keyring: bool = False,
        zap_osd_devices: bool = False,
    ) -> OrchResult[str]:
        """Move all daemons off a host, and place no new ones there.

        ``keep_conf_keyring`` keeps configuration and keyrings there, ``zap_osd_devices`` erases
        the devices of its OSDs (DESTROYS DATA). Goes on in the background.
        """
        raise NotImplementedError

    def stop_drain_host(self, hostname: str) -> OrchResult[str]:
        """Stop draining a host (20.2)."""
        raise NotImplementedError

    def update_host_addr(self, host: str, addr: str) -> OrchResult[str]:
        """Change the address (DNS name or IP) of a host."""
        raise NotImplementedError

    def get_hosts(self) -> OrchResult[List[HostSpec]]:
        """Report the hosts; ``status`` is ``""``, ``maintenance`` or ``Offline``."""
        raise NotImplementedError

    def get_facts(self, hostname: Optional[str] = None) -> OrchResult[List[Dict[str, Any]]]:
        """Report facts of all hosts or of one, a mapping for each host.

        Keys and units: reference/ceph_contract.md 4.5.
        """
        raise NotImplementedError

    def add_host_label(self, host: str, label: str) -> OrchResult[str]:
        """Add a label to a host."""
        raise NotImplementedError

    def remove_host_label(self, host: str, label: str, force: bool = False) -> OrchResult[str]:
        """Remove a label from a host; ``force`` where that would leave no admin host."""
        raise NotImplementedError

    def host_ok_to_stop(self, hostname: str) -> OrchResult[str]:
        """Say that a host can be stopped without reducing availability, or raise why not."""
        raise NotImplementedError

    def enter_host_maintenance(
        self, hostname: str, force: bool = False, yes_i_really_mean_it: bool = False
    ) -> OrchResult[str]:
        """Stop the daemons of a host and keep them stopped.

        ``force`` overrides warnings, ``yes_i_really_mean_it`` (only with ``force``) alerts too.
        """
        raise NotImplementedError

    def exit_host_maintenance(
        self, hostname: str, force: bool = False, offline: bool = False
    ) -> OrchResult[str]:
        """Start the daemons of a host again.

        ``force`` and ``offline`` (20.2) are for a host that cannot be reached.
        """
        raise NotImplementedError

    def rescan_host(self, hostname: str) -> OrchResult[str]:
        """Let the host's adapters look for disks that were plugged in.

        The command shows the text up to the first full stop.
        """
        raise NotImplementedError
