"""``Orchestrator``: every method that a backend can implement.

Source: reference/orchestrator_interface.txt and reference/ceph_contract.md, sections 1 and 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

from .errors import OrchestratorError, OrchestratorValidationError, SpecValidationError
from .methods.apply import ApplyMethods
from .methods.certificates import CertificateMethods
from .methods.hardware import HardwareMethods
from .methods.hosts import HostMethods
from .methods.monitoring import MonitoringMethods
from .methods.osds import OSDMethods
from .methods.services import ServiceMethods
from .methods.tuned_profiles import TunedProfileMethods
from .methods.upgrades import UpgradeMethods
from .result import handle_orch_error, raise_if_exception

if TYPE_CHECKING:
    from .result import OrchResult
    from .streams import GenericSpec

HIDDEN_FEATURES = ("available", "get_feature_set", "is_orchestrator_module", "upgrade_available")
"""Methods that are not listed by ``get_feature_set``."""

APPLY_METHODS: Dict[str, str] = {
    "alertmanager": "apply_alertmanager",
    "ceph-exporter": "apply_ceph_exporter",
    "crash": "apply_crash",
    "grafana": "apply_grafana",
    "host": "add_host",
    "ingress": "apply_ingress",
    "iscsi": "apply_iscsi",
    "loki": "apply_loki",
    "mds": "apply_mds",
    "mgmt-gateway": "apply_mgmt_gateway",
    "mgr": "apply_mgr",
    "mon": "apply_mon",
    "nfs": "apply_nfs",
    "node-exporter": "apply_node_exporter",
    "nvmeof": "apply_nvmeof",
    "oauth2-proxy": "apply_oauth2_proxy",
    "osd": "apply_drivegroups",
    "prometheus": "apply_prometheus",
    "promtail": "apply_promtail",
    "rbd-mirror": "apply_rbd_mirror",
    "rgw": "apply_rgw",
    "smb": "apply_smb",
    "snmp-gateway": "apply_snmp_gateway",
}
"""Which method ``Orchestrator.apply`` calls for which type of spec."""


class Orchestrator(
    HostMethods,
    HardwareMethods,
    OSDMethods,
    ServiceMethods,
    ApplyMethods,
    CertificateMethods,
    MonitoringMethods,
    TunedProfileMethods,
    UpgradeMethods,
):
    """The interface of an orchestrator backend.

    A backend overrides the methods that it can do, and decorates each with ``handle_orch_error``
    except ``available``, ``cancel_completions``, ``pause``, ``resume`` and ``set_unmanaged_flag``,
    which give their value as it is. Methods may not block: they answer from what is known, or
    schedule the work and say so. A result is never None. They may be called by several threads.
    """

    def is_orchestrator_module(self) -> bool:
        """Say that this is an orchestrator; not to be overridden."""
        return True

    def available(self) -> Tuple[bool, str, Dict[str, Any]]:
        """Say whether the orchestrator can be used: ``(yes, why not, details)``.

        Called very often, so it has to be cheap; a slightly old answer is fine. True does not
        mean that a given feature can be used.
        """
        raise NotImplementedError

    def get_feature_set(self) -> Dict[str, Dict[str, bool]]:
        """Say which methods are implemented: ``{method: {"available": bool}}``.

        Available means that the backend overrides the method, not that a call will succeed.
        """
        own = type(self)
        return {
            name: {"available": getattr(own, name, None) is not getattr(Orchestrator, name)}
            for name in FEATURES
        }

    def cancel_completions(self) -> None:
        """Cancel what is going on."""
        raise NotImplementedError

    def pause(self) -> None:
        """Stop the work in the background; explicit commands still run."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on with the work in the background."""
        raise NotImplementedError

    @handle_orch_error
    def apply(
        self,
        specs: Sequence[GenericSpec],
        no_overwrite: bool = False,
        continue_on_error: bool = False,
    ) -> List[str]:
        """Apply specs of any type, with the method for each; gives one line for each spec.

        Types that have no method are refused before anything is applied. The first error ends it,
        unless ``continue_on_error`` (20.2): then the error's text is the line. ``no_overwrite``
        leaves services and hosts that exist as they are.
        """
        methods = [(spec, self._apply_method(spec)) for spec in specs]
        existing = self._existing_names() if no_overwrite else frozenset()
        lines: List[str] = []
        for spec, method in methods:
            name = _spec_name(spec)
            if name in existing:
                kind = "host" if spec.service_type == "host" else "service"
                lines.append(
                    f"Skipped {_subject(spec)} {kind} spec."
                    f" To change it omit the --no-overwrite flag"
                )
                continue
            try:
                lines.extend(_apply_one(method, spec))
            except (OrchestratorError, SpecValidationError, NotImplementedError) as error:
                if not continue_on_error:
                    raise
                lines.append(f"Failed to apply spec for {_subject(spec)}: {error}")
        return lines

    def _apply_method(self, spec: GenericSpec) -> Callable[[Any], OrchResult[Any]]:
        name = APPLY_METHODS.get(getattr(spec, "service_type", None) or "")
        if name is None:
            raise OrchestratorValidationError(
                f"service_type: {getattr(spec, 'service_type', None)!r} cannot be applied by this"
                f" orchestrator; allowed: {', '.join(sorted(APPLY_METHODS))}"
            )
        method: Callable[[Any], OrchResult[Any]] = getattr(self, name)
        return method

    def _existing_names(self) -> frozenset[str]:
        services = raise_if_exception(self.describe_service())
        hosts = raise_if_exception(self.get_hosts())
        return frozenset(
            [service.spec.service_name() for service in services]
            + [f"host:{host.hostname}" for host in hosts]
        )


def _subject(spec: Any) -> str:
    name: str = spec.hostname if spec.service_type == "host" else spec.service_name()
    return name


def _spec_name(spec: Any) -> str:
    return f"host:{spec.hostname}" if spec.service_type == "host" else _subject(spec)


def _apply_one(method: Callable[[Any], OrchResult[Any]], spec: GenericSpec) -> List[str]:
    argument = [spec] if spec.service_type == "osd" else spec
    result = raise_if_exception(method(argument))
    return [str(line) for line in result] if isinstance(result, list) else [str(result)]


FEATURES: Tuple[str, ...] = tuple(
    name
    for family in (*reversed(Orchestrator.__mro__[:-1]),)
    for name in vars(family)
    if not name.startswith("_") and name not in HIDDEN_FEATURES
)
"""The methods that ``get_feature_set`` tells about."""
