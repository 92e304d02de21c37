"""Ingress services: haproxy, and keepalived for the virtual addresses."""

from __future__ import annotations

import contextlib
import copy
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import _ingress_files as texts
from adapter.kinds._ingress_checks import (
    check_hosts,
    check_ingress,
    check_services,
    free_router_id,
)
from adapter.kinds._ingress_settings import FIELDS, bare, certificate_of, is_nfs, virtual_ips
from adapter.kinds._ingress_vrrp import Place, interfaces_of, places_of, vrrp_instances_of
from adapter.kinds._kind import Kind
from adapter.kinds._rgw_settings import speaks_tls
from adapter.kinds._view import ClusterView, ViewedDaemon

# Where the files of a service's daemon are on its host.
FOLDER = "/etc/ceph-orch-ansible/ingress"


class Ingresses(Kind):
    """Ingress: on each host haproxy, with a keepalived that goes with it."""

    service_type = "ingress"
    is_ceph = False
    daemons_are = "haproxy"
    companions = ("keepalived",)
    plural = "haproxy and keepalived"
    has_own_key = False
    unit = "ceph-orch-haproxy@{id}"
    count = 2
    fields = FIELDS
    needed = (
        *("backend_service", "frontend_port", "monitor_port", "keepalive_only"),
        *("virtual_ip", "virtual_ips_list"),
    )
    reads = frozenset()
    port_field = "frontend_port"
    has_files = True
    has_peers = True
    files_are_secret = True
    generated = ("monitor_password", "keepalived_password")

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what cannot be carried out."""
        check_ingress(spec)

    def check_in_cluster(
        self, spec: ServiceSpec, others: Mapping[str, ServiceSpec], hosts: Mapping[str, Any]
    ) -> None:
        """Raise ``InvalidValue`` for a missing backend, and for what another service has."""
        check_services(spec, others)
        check_hosts(spec, hosts, self.virtual_addresses(spec))

    def chosen(
        self, spec: ServiceSpec, known: Optional[ServiceSpec], others: Mapping[str, ServiceSpec]
    ) -> ServiceSpec:
        """Return the spec with VRRP ids that no other service has, where it names none."""
        first = free_router_id(spec, known, others)
        if first == getattr(spec, "first_virtual_router_id", None):
            return spec
        changed: Any = copy.copy(spec)
        changed.first_virtual_router_id = first
        found: ServiceSpec = changed
        return found

    def left_without(self, spec: Any, kept: Collection[str]) -> str:
        """Return what `ceph nfs cluster create --ingress` has asked for before."""
        name = str(spec.backend_service)
        if spec.service_id != name or not is_nfs(spec) or name not in kept:
            return ""
        cluster = name.partition(".")[2]
        return f"{name} is made without it: `ceph nfs cluster rm {cluster}` takes it away."

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return the port at which haproxy says whether it is well."""
        return {"port": int(spec.monitor_port)}

    def ports(self, spec: Any, count: int) -> Tuple[int, ...]:
        """Return the ports of clients and of the monitoring."""
        return tuple(sorted({int(spec.frontend_port or 0), int(spec.monitor_port or 0)} - {0}))

    def virtual_addresses(self, spec: Any) -> Tuple[str, ...]:
        """Return the addresses, without the lengths of their prefixes."""
        return tuple(map(bare, virtual_ips(spec)))

    def files(self, spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return what haproxy and keepalived of a host read."""
        places = {daemon.hostname: _places(spec, view, daemon.hostname)}
        for host in {each.hostname for each in view.of_service(daemon.service)} - {*places}:
            # One that cannot have the addresses is deployed nowhere, and no peer.
            with contextlib.suppress(InvalidValue):
                places[host] = _places(spec, view, host)
        servers = [
            texts.Server(f"{each.kind}.{each.daemon_id}", each.address, each.port, each.rank)
            for each in view.expected_of(spec.backend_service)
            if each.port
        ]
        tls = speaks_tls(view.specs.get(spec.backend_service))
        found = {
            texts.CONFIG: texts.haproxy_cfg(spec, servers, spec.monitor_password, tls=tls),
            texts.KEEPALIVED: texts.keepalived_conf(
                spec,
                vrrp_instances_of(spec, daemon.hostname, places),
                spec.keepalived_password,
                f"{FOLDER}/{daemon.daemon_id}",
            ),
        }
        certificate = certificate_of(spec)
        return {**found, texts.CERTIFICATE: certificate} if certificate else found


def _places(spec: Any, view: ClusterView, host: str) -> List[Tuple[Place, Place]]:
    return places_of(spec, host, interfaces_of(view.interfaces.get(host, {})), view.virtual)


KIND = Ingresses()
