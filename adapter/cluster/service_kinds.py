"""What the adapter knows of each kind of daemon that it deploys: key, capabilities, settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Tuple

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec

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
    Kind("mon", "mon.", (), section="mon", one_by_one=True),
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
        fields=frozenset(
            (
                "rgw_realm",
                "rgw_zonegroup",
                "rgw_zone",
                "rgw_frontend_port",
                "rgw_frontend_type",
                "rgw_frontend_extra_args",
                "rgw_exit_timeout_secs",
                "zonegroup_hostnames",
            )
        ),
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
RGW_PORT = 80


# The id of a daemon of these names its service; of the others a placement may choose it.
_NAMED_FREELY = ("mon", "mgr", "rbd-mirror", "cephfs-mirror")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


def check_names(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a daemon's name in a placement that cannot be given."""
    seen = set()
    for host in spec.placement.hosts or ():
        if not host.name:
            continue
        reason, remedy = "", "Leave it out."
        if spec.service_type not in _NAMED_FREELY:
            reason = f"the id of a {spec.service_type} daemon follows from service and host"
        elif not _NAME.fullmatch(host.name):
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
        if host.network and spec.service_type != "mon":
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


def rgw_port(spec: ServiceSpec) -> int:
    """Return the first of the ports that a service's daemons on a host have."""
    return int(getattr(spec, "rgw_frontend_port", None) or RGW_PORT)


# Options of a daemon's own section that are set when it is deployed, by kind.
DAEMON_OPTIONS: Dict[str, Tuple[str, ...]] = {"rgw": ("rgw_frontends",)}


def daemon_settings(spec: ServiceSpec, daemon_id: str, port: int) -> List[Tuple[str, str, str]]:
    """Return (section, option, value) that one daemon needs before it starts."""
    if spec.service_type != "rgw":
        return []
    extra = " ".join(getattr(spec, "rgw_frontend_extra_args", None) or ())
    return [(f"client.rgw.{daemon_id}", "rgw_frontends", f"beast port={port} {extra}".strip())]


def service_settings(spec: ServiceSpec) -> List[Tuple[str, str, str]]:
    """Return (section, option, value) that all daemons of a service need."""
    section = KINDS[spec.service_type].section.format(service_id=spec.service_id or "")
    found: List[Tuple[str, str, str]] = []
    if spec.service_type == "mds":
        found.append((section, "mds_join_fs", str(spec.service_id)))
    if spec.service_type == "rgw":
        for name in ("rgw_realm", "rgw_zonegroup", "rgw_zone"):
            if getattr(spec, name, None):
                found.append((section, name, str(getattr(spec, name))))
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


def generated_options(spec: ServiceSpec) -> Dict[str, str]:
    """Return the options that are made of a spec's own fields, each with the field."""
    return _GENERATED.get(spec.service_type, {})
