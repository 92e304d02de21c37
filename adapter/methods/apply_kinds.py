"""The methods of the interface that apply a service of one kind, each by its name."""

from __future__ import annotations

from typing import Callable, List

from adapter.errors import InvalidValue
from adapter.interface import MDSSpec, OrchResult, RGWSpec, ServiceSpec, handle_orch_error
from adapter.interface import raise_if_exception as value_of


class KindMethods:
    """``apply_KIND`` is ``apply`` with one spec, and refuses another kind than its own."""

    # The class beside this one has it.
    apply: Callable[..., OrchResult[List[str]]]

    def _apply_kind(self, kind: str, spec: ServiceSpec) -> str:
        if spec.service_type != kind:
            raise InvalidValue(
                "service_type", spec.service_type, f"this applies {kind} services", "Use `apply`."
            )
        return str(value_of(self.apply([spec]))[0])

    @handle_orch_error
    def apply_mon(self, spec: ServiceSpec) -> str:
        """Keep the monitors."""
        return self._apply_kind("mon", spec)

    @handle_orch_error
    def apply_mgr(self, spec: ServiceSpec) -> str:
        """Keep the managers."""
        return self._apply_kind("mgr", spec)

    @handle_orch_error
    def apply_mds(self, spec: MDSSpec) -> str:
        """Keep the metadata servers of a file system."""
        return self._apply_kind("mds", spec)

    @handle_orch_error
    def apply_rgw(self, spec: RGWSpec) -> str:
        """Keep object gateways."""
        return self._apply_kind("rgw", spec)

    @handle_orch_error
    def apply_rbd_mirror(self, spec: ServiceSpec) -> str:
        """Keep daemons that mirror images to another cluster."""
        return self._apply_kind("rbd-mirror", spec)

    @handle_orch_error
    def apply_crash(self, spec: ServiceSpec) -> str:
        """Keep the collectors of crash reports."""
        return self._apply_kind("crash", spec)

    @handle_orch_error
    def apply_ceph_exporter(self, spec: ServiceSpec) -> str:
        """Keep the exporters of the daemons' counters."""
        return self._apply_kind("ceph-exporter", spec)
