"""Hardware: lights, power and health of chassis, through the hosts' management controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ..inventory import DeviceLightLoc
    from ..result import OrchResult


class HardwareMethods:
    """What is done with the hosts' hardware."""

    def hardware_light(
        self, light_type: str, action: str, hostname: str, device: Optional[str] = None
    ) -> OrchResult[Dict[str, Any]]:
        """Switch or read the light of a chassis or device.

        ``light_type`` is ``chassis`` or ``device`` (then ``device`` is its id), ``action`` is
        ``on``, ``off`` or ``get``; ``get`` gives ``{"LocationIndicatorActive": bool}``.
        """
        raise NotImplementedError

    def hardware_powercycle(
        self, hostname: str, yes_i_really_mean_it: bool = False
    ) -> OrchResult[str]:
        """Switch a host off and on."""
        raise NotImplementedError

    def hardware_shutdown(
        self, hostname: str, force: Optional[bool] = False, yes_i_really_mean_it: bool = False
    ) -> OrchResult[str]:
        """Switch a host off; ``force`` without asking its operating system."""
        raise NotImplementedError

    def hardware_status(
        self, hostname: Optional[str] = None, category: Optional[str] = "summary"
    ) -> OrchResult[str]:
        """Describe the hardware as text (no known caller)."""
        raise NotImplementedError

    def node_proxy_summary(self, hostname: Optional[str] = None) -> OrchResult[Dict[str, Any]]:
        """Report the health: ``{host: {"sn": ..., "status": {component: health}}}``."""
        raise NotImplementedError

    def node_proxy_fullreport(self, hostname: Optional[str] = None) -> OrchResult[Dict[str, Any]]:
        """Report everything that is known, a mapping for each host."""
        raise NotImplementedError

    def node_proxy_firmware(self, hostname: Optional[str] = None) -> OrchResult[Dict[str, Any]]:
        """Report firmware versions (20.2)."""
        raise NotImplementedError

    def node_proxy_firmwares(self, hostname: Optional[str] = None) -> OrchResult[Dict[str, Any]]:
        """Report firmware versions (18.2): ``{host: {part: {name, version, status, ...}}}``."""
        raise NotImplementedError

    def node_proxy_criticals(self, hostname: Optional[str] = None) -> OrchResult[Dict[str, Any]]:
        """Report what is not healthy: ``{host: {system: {component: {member: {...}}}}}``."""
        raise NotImplementedError

    def node_proxy_common(
        self, category: str, hostname: Optional[str] = None
    ) -> OrchResult[Dict[str, Any]]:
        """Report one category: memory, storage, processors, network, power or fans."""
        raise NotImplementedError

    def blink_device_light(
        self, ident_fault: str, on: bool, locations: List[DeviceLightLoc]
    ) -> OrchResult[List[str]]:
        """Switch the ``ident`` or ``fault`` light of devices on or off."""
        raise NotImplementedError
