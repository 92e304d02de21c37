"""What the adapter knows of each kind of daemon that it deploys: key, capabilities, settings."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Tuple

from adapter.cluster import rgw_settings
from adapter.cluster.container_fields import check_no_container
from adapter.cluster.names import NEW_ID
from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.interface.addresses import is_ip

Caps = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class Kind:
    """A kind of daemon.

    ``entity`` is the name of its key, with ``{id}``; ``caps`` are what the key may do.
    ``one_by_one`` says that daemons are added singly. ``section`` is where its settings stand in
    the monitors' configuration, with ``{service_id}``. ``fields`` are those of a spec that mean
    something here.
    """

    service_type: str
    entity: str
    caps: Caps
    section: str = ""
    one_by_one: bool = False
    fields: FrozenSet[str] = frozenset()

    @property
    def operation(self) -> str:
        """Return the operation that deploys it."""
        return f"apply_{self.service_type.replace('-', '_')}"

    def entity_of(self, daemon_id: str) -> str:
        """Return the name of a daemon's key, which is also its own section."""
        return self.entity.format(id=daemon_id)


_KINDS = (
    Kind(
        "mon",
        "mon.",
        (),
        section="mon",
        one_by_one=True,
        fields=frozenset(("networks", "crush_locations")),
    ),
    Kind(
        "mgr",
        "mgr.{id}",
        (("mon", "profile mgr"), ("osd", "allow *"), ("mds", "allow *")),
        section="mgr",
    ),
    Kind(
        "mds",
        "mds.{id}",
        (
            ("mon", "profile mds"),
            ("osd", "allow rw tag cephfs *=*"),
            ("mds", "allow"),
            ("mgr", "profile mds"),
        ),
        section="mds.{service_id}",
    ),
    Kind(
        "rgw",
        "client.rgw.{id}",
        (("mon", "allow *"), ("mgr", "allow rw"), ("osd", "allow rwx tag rgw *=*")),
        section="client.rgw.{service_id}",
        fields=rgw_settings.FIELDS,
    ),
    Kind(
        "rbd-mirror",
        "client.rbd-mirror.{id}",
        (("mon", "profile rbd-mirror"), ("osd", "profile rbd")),
        section="client.rbd-mirror",
    ),
    Kind(
        "cephfs-mirror",
        "client.cephfs-mirror.{id}",
        (
            ("mon", "profile cephfs-mirror"),
            ("mds", "allow r"),
            ("osd", "allow rw tag cephfs metadata=*, allow r tag cephfs data=*"),
            ("mgr", "allow r"),
        ),
        section="client.cephfs-mirror",
    ),
    Kind(
        "crash",
        "client.crash.{id}",
        (("mon", "profile crash"), ("mgr", "profile crash")),
        section="client.crash",
    ),
    Kind(
        "ceph-exporter",
        "client.ceph-exporter.{id}",
        (("mon", "profile ceph-exporter"), ("osd", "allow r"), ("mgr", "allow r")),
        section="client.ceph-exporter",
        fields=frozenset(("prio_limit", "stats_period", "port", "addrs")),
    ),
)

KINDS: Dict[str, Kind] = {kind.service_type: kind for kind in _KINDS}
# What every spec may say. ``count`` is an older way to write a placement.
_COMMON = frozenset(
    ("service_type", "service_id", "placement", "unmanaged", "preview_only", "config", "count")
)
# Whose placement may say at which address or in which network a daemon is.
_ADDRESSED = ("mon", "rgw")
# What an exporter is told: the option of each field, where it says something else than Ceph.
_EXPORTER_OPTIONS = {
    "addrs": "exporter_addr",
    "port": "exporter_http_port",
    "prio_limit": "exporter_prio_limit",
    "stats_period": "exporter_stats_period",
}


# The id of a daemon of these names its service; of the others a placement may choose it.
_NAMED_FREELY = ("mon", "mgr", "rbd-mirror", "cephfs-mirror")


def check_names(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a daemon's name in a placement that cannot be given."""
    seen = set()
    for host in spec.placement.hosts or ():
        if not host.name:
            continue
        reason, remedy = "", "Leave it out."
        if spec.service_type not in _NAMED_FREELY:
            reason = f"the id of a {spec.service_type} daemon follows from service and host"
        elif not NEW_ID.fullmatch(host.name):
            reason, remedy = (
                "it is no name of a daemon",
                "Letters, digits, '-', '_' and inner dots.",
            )
        elif host.name in seen or (spec.placement.count_per_host or 1) > 1:
            reason, remedy = "more than one daemon would have it", "Give each its own."
        seen.add(host.name)
        if reason:
            raise InvalidValue("placement", str(host), reason, remedy)


def check_fields(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a field of a spec that has no meaning for packages here."""
    check_no_container(spec)
    if spec.service_type == "rgw":
        rgw_settings.check_gateway(spec)
    if spec.service_type == "ceph-exporter":
        _check_exporter(spec)
    known = _COMMON | KINDS[spec.service_type].fields
    resting = vars(ServiceSpec.from_json(_least(spec)))
    for name, value in vars(spec).items():
        if name not in known and value and value != resting.get(name):
            raise InvalidValue(
                name,
                value,
                f"a {spec.service_type} service from packages has no such setting",
                "Leave it out, or use `config` for options of the daemon.",
            )
    check_names(spec)
    for host in spec.placement.hosts or ():
        if host.network and spec.service_type not in _ADDRESSED:
            raise InvalidValue(
                "placement",
                str(host),
                f"{spec.service_type} daemons take no network",
                "Leave it out.",
            )


def _least(spec: ServiceSpec) -> Dict[str, Any]:
    """Return the JSON of a spec of the same type that says nothing more."""
    data: Dict[str, Any] = {"service_type": spec.service_type}
    return {**data, "service_id": spec.service_id} if spec.service_id else data


def _check_exporter(spec: Any) -> None:
    """Raise ``InvalidValue`` for what an exporter would not start with."""
    if spec.addrs and not is_ip(spec.addrs):
        raise InvalidValue(
            "addrs", spec.addrs, "it is no IP address", "One address, e.g. 10.0.0.5; or :: for all."
        )
    for name in ("prio_limit", "stats_period"):
        least = 1 if name == "stats_period" else 0
        value = getattr(spec, name)
        if value is not None and value < least:
            raise InvalidValue(name, value, f"it is less than {least}", f"{least} or more.")


def rgw_port(spec: ServiceSpec) -> int:
    """Return the first of the ports that a service's daemons on a host have."""
    return rgw_settings.port_of(spec)


# Options of a daemon's own section that are set when it is deployed, by kind.
DAEMON_OPTIONS: Dict[str, Tuple[str, ...]] = {"rgw": ("rgw_frontends",)}


def daemon_settings(
    spec: ServiceSpec, daemon_id: str, port: int, address: str
) -> List[Tuple[str, str, str]]:
    """Return (section, option, value) that one daemon needs before it starts.

    ``address`` is the one that it listens on, empty for all.
    """
    if spec.service_type != "rgw":
        return []
    return rgw_settings.gateway_settings(spec, daemon_id, port, address)


def service_settings(spec: ServiceSpec) -> List[Tuple[str, str, str]]:
    """Return (section, option, value) that all daemons of a service need."""
    section = KINDS[spec.service_type].section.format(service_id=spec.service_id or "")
    found: List[Tuple[str, str, str]] = []
    if spec.service_type == "mds":
        found.append((section, "mds_join_fs", str(spec.service_id)))
    if spec.service_type == "rgw":
        found += rgw_settings.service_settings(spec, section)
    if spec.service_type == "ceph-exporter":
        found += _exporter_settings(spec, section)
    for name, value in (spec.config or {}).items():
        found.append((section, str(name), str(value)))
    return found


# Options that are made of fields of a spec, by kind.
_GENERATED = {
    "mds": {"mds_join_fs": "service_id"},
    "rgw": {
        "rgw_frontends": "rgw_frontend_port and rgw_frontend_extra_args",
        "rgw_realm": "rgw_realm",
        "rgw_zonegroup": "rgw_zonegroup",
        "rgw_zone": "rgw_zone",
    },
}


_FIELD_OF = {
    "mds_join_fs": "service_id",
    "rgw_run_sync_thread": "disable_multisite_sync_traffic",
    "rgw_dns_name": "zonegroup_hostnames",
    "rgw_graceful_stop": "rgw_exit_timeout_secs",
    "exporter_http_port": "port",
    "exporter_addr": "addrs",
    "exporter_prio_limit": "prio_limit",
    "exporter_stats_period": "stats_period",
}


def generated_options(spec: ServiceSpec) -> Dict[str, str]:
    """Return the options that are made of a spec's own fields, each with the field."""
    found = dict(_GENERATED.get(spec.service_type, {}))
    alone = copy.copy(spec)
    alone.config = None
    found.update({name: _FIELD_OF.get(name, name) for _, name, _ in service_settings(alone)})
    return found


def service_secrets(spec: ServiceSpec) -> List[Tuple[str, str]]:
    """Return (config-key, text) that all daemons of a service read from the monitors."""
    text = rgw_settings.certificate_of(spec) if spec.service_type == "rgw" else ""
    return [(key, text) for key in secret_keys(spec)] if text else []


def secret_keys(spec: ServiceSpec) -> List[str]:
    """Return the config-keys that go with a service."""
    rgw = spec.service_type == "rgw"
    return [rgw_settings.certificate_key(spec.service_name())] if rgw else []


def host_settings(spec: ServiceSpec) -> Dict[str, Any]:
    """Return what the host is told of each daemon of a service, beside its key and port.

    ``stop_timeout`` is how many seconds systemd gives it to stop.
    """
    seconds = rgw_settings.exit_timeout(spec) if spec.service_type == "rgw" else None
    return {} if seconds is None else {"stop_timeout": seconds + rgw_settings.EXIT_SPARE}


def _exporter_settings(spec: Any, section: str) -> List[Tuple[str, str, str]]:
    resting: Any = ServiceSpec.from_json({"service_type": "ceph-exporter"})
    return [
        (section, option, str(getattr(spec, name)))
        for name, option in _EXPORTER_OPTIONS.items()
        if getattr(spec, name, None) not in (None, "", getattr(resting, name))
    ]
