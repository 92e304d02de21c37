"""Access to Prometheus and Alertmanager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict

if TYPE_CHECKING:
    from ..result import OrchResult


class MonitoringMethods:
    """Credentials, targets and alerts of the monitoring stack."""

    def get_prometheus_access_info(self) -> OrchResult[Dict[str, str]]:
        """Give ``{"user", "password", "certificate"}`` of Prometheus."""
        raise NotImplementedError

    def get_alertmanager_access_info(self) -> OrchResult[Dict[str, str]]:
        """Give ``{"user", "password", "certificate"}`` of Alertmanager."""
        raise NotImplementedError

    def get_security_config(self) -> OrchResult[Dict[str, bool]]:
        """Say what is protected: ``security_enabled``, ``mgmt_gw_enabled``, ... (20.2)."""
        raise NotImplementedError

    def set_alertmanager_access_info(self, user: str, password: str) -> OrchResult[str]:
        """Set user and password of Alertmanager."""
        raise NotImplementedError

    def set_prometheus_access_info(self, user: str, password: str) -> OrchResult[str]:
        """Set user and password of Prometheus."""
        raise NotImplementedError

    def set_custom_prometheus_alerts(self, alerts_file: str) -> OrchResult[str]:
        """Add custom alert rules, given as the text of a rules file (20.2)."""
        raise NotImplementedError

    def set_prometheus_target(self, url: str) -> OrchResult[str]:
        """Add another cluster's Prometheus as a target."""
        raise NotImplementedError

    def remove_prometheus_target(self, url: str) -> OrchResult[str]:
        """Remove a target that ``set_prometheus_target`` added."""
        raise NotImplementedError
