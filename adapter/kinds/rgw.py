"""Object gateways."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Dict, List, Mapping, Tuple

from adapter.interface import ServiceSpec
from adapter.kinds import _rgw_settings as own
from adapter.kinds._kind import SERVING, Kind, Setting
from adapter.kinds._rgw_checks import check_gateway

_PORT_ARGUMENT = re.compile(r"(?:ssl_)?(?:port=|endpoint=.*:)(\d{1,5})")
# Options that a gateway always has, whatever its spec says.
_ALWAYS = {
    "rgw_frontends": "rgw_frontend_port and rgw_frontend_extra_args",
    "rgw_realm": "rgw_realm",
    "rgw_zonegroup": "rgw_zonegroup",
    "rgw_zone": "rgw_zone",
}


class Gateways(Kind):
    """Object gateways: each listens on a port of its own."""

    service_type = "rgw"
    plural = "object gateways"
    entity = "client.rgw.{id}"
    unit = "ceph-radosgw@rgw.{id}"
    caps = (("mon", "allow *"), ("mgr", "allow rw"), ("osd", "allow rwx tag rgw *=*"))
    section = "client.rgw.{service_id}"
    count = 2
    many_on_a_host = True
    addressed = True
    needs_osds = True
    guard = SERVING
    goes_singly = True
    in_service_map = True
    fields = own.FIELDS
    reads = frozenset(("common", "rgw"))
    field_of: ClassVar[Mapping[str, str]] = {
        "rgw_run_sync_thread": "disable_multisite_sync_traffic",
        "rgw_dns_name": "zonegroup_hostnames",
        "rgw_graceful_stop": "rgw_exit_timeout_secs",
    }
    daemon_options = ("rgw_frontends",)
    port_field = "rgw_frontend_port"
    has_own_port = True
    is_asked = True

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what a gateway from packages cannot do."""
        check_gateway(spec)

    def settings(self, spec: ServiceSpec) -> List[Setting]:
        """Return zone, caches, names and how long a stopping gateway waits."""
        return own.service_settings(spec, self.section_of(spec))

    def daemon_settings(
        self, spec: ServiceSpec, daemon_id: str, port: int, address: str
    ) -> List[Setting]:
        """Return what one gateway listens on."""
        frontends = own.frontends(spec, port, address)
        return [(self.entity_of(daemon_id), "rgw_frontends", frontends)]

    def secrets(self, spec: ServiceSpec) -> List[Tuple[str, str]]:
        """Return the certificate with its private key, where the spec has one."""
        text = own.certificate_of(spec)
        return [(key, text) for key in self.secret_keys(spec)] if text else []

    def secret_keys(self, spec: ServiceSpec) -> List[str]:
        """Return where Ceph keeps the certificate."""
        return [own.certificate_key(spec.service_name())]

    def host_settings(self, spec: ServiceSpec) -> Dict[str, Any]:
        """Return how long systemd waits for a gateway that stops."""
        seconds = own.exit_timeout(spec)
        return {} if seconds is None else {"stop_timeout": seconds + own.EXIT_SPARE}

    def first_port(self, spec: ServiceSpec) -> int:
        """Return the spec's port, or Ceph's own."""
        return own.port_of(spec)

    def ports(self, spec: ServiceSpec, count: int) -> Tuple[int, ...]:
        """Return one port for each, and what the frontend's extra arguments name."""
        first = self.first_port(spec)
        return tuple(sorted({*range(first, first + count), *self.more_ports(spec)}))

    def more_ports(self, spec: ServiceSpec) -> Tuple[int, ...]:
        """Return the ports that the frontend's extra arguments name."""
        words = " ".join(getattr(spec, "rgw_frontend_extra_args", None) or ()).split()
        return tuple(int(found.group(1)) for found in map(_PORT_ARGUMENT.fullmatch, words) if found)

    def made_of_fields(self, spec: ServiceSpec) -> Dict[str, str]:
        """Return the options that are made of a spec's fields, each with the field."""
        return {**_ALWAYS, **super().made_of_fields(spec)}


KIND = Gateways()
