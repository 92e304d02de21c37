"""What an object gateway is told, by its spec, id, port and address. Pure functions."""

from __future__ import annotations

from typing import Any, List, Tuple

from adapter.interface import ServiceSpec
from adapter.interface.addresses import wrap_ipv6

Setting = Tuple[str, str, str]

PORT, TLS_PORT = 80, 443
# How long a stopping gateway waits if nothing else is said: Ceph's own value.
EXIT_TIMEOUT = 120
# systemd ends a gateway so many seconds after it should have ended itself.
EXIT_SPARE = 15
_ZONE = ("rgw_realm", "rgw_zonegroup", "rgw_zone")
_CACHES = ("rgw_user_counters_cache", "rgw_bucket_counters_cache")

FIELDS = frozenset(
    (
        *_ZONE,
        *_CACHES,
        *(f"{name}_size" for name in _CACHES),
        "data_pool_attributes",
        "disable_multisite_sync_traffic",
        "networks",
        "only_bind_port_on_networks",
        "rgw_exit_timeout_secs",
        "rgw_frontend_extra_args",
        "rgw_frontend_port",
        "rgw_frontend_ssl_certificate",
        "rgw_frontend_type",
        "rgw_realm_token",
        "ssl",
        "update_endpoints",
        "zone_endpoints",
        "zonegroup_hostnames",
    )
)


def port_of(spec: ServiceSpec) -> int:
    """Return the port of the first of a service's daemons on a host."""
    usual = TLS_PORT if getattr(spec, "ssl", False) else PORT
    return int(getattr(spec, "rgw_frontend_port", None) or usual)


def certificate_key(service_name: str) -> str:
    """Return the monitors' config-key under which Ceph keeps a service's certificate."""
    return f"rgw/cert/{service_name}"


def certificate_of(spec: ServiceSpec) -> str:
    """Return a spec's certificate with its key as one text, empty where it has none."""
    given: Any = getattr(spec, "rgw_frontend_ssl_certificate", None)
    if not given:
        return ""
    lines = given.splitlines() if isinstance(given, str) else [str(line) for line in given]
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"


def frontends(spec: ServiceSpec, port: int, address: str = "") -> str:
    """Return the value of ``rgw_frontends``: what a gateway listens on.

    With ``ssl`` it is TLS, beside plain HTTP where the extra arguments name a port for TLS.
    """
    extra = [str(word) for word in getattr(spec, "rgw_frontend_extra_args", None) or ()]
    tls = bool(getattr(spec, "ssl", False))
    keys = {word.partition("=")[0] for word in extra}
    prefix = "ssl_" if speaks_tls(spec) else ""
    if address:
        words = [f"{prefix}endpoint={wrap_ipv6(address)}:{port}"]
    else:
        words = [f"{prefix}port={port}"]
    if tls and "ssl_certificate" not in keys:
        words.append(f"ssl_certificate=config://{certificate_key(spec.service_name())}")
    return " ".join(["beast", *words, *extra])


def speaks_tls(spec: Any) -> bool:
    """Tell whether gateways speak TLS at the port of their spec; without a spec they do not."""
    extra = [str(word) for word in getattr(spec, "rgw_frontend_extra_args", None) or ()]
    keys = {word.partition("=")[0] for word in extra}
    return bool(getattr(spec, "ssl", False)) and not keys & {"ssl_port", "ssl_endpoint"}


def service_settings(spec: ServiceSpec, section: str) -> List[Setting]:
    """Return (section, option, value) that all gateways of a service need."""
    values = [(name, str(getattr(spec, name, None) or "")) for name in _ZONE]
    if getattr(spec, "disable_multisite_sync_traffic", None):
        values.append(("rgw_run_sync_thread", "false"))
    for name in _CACHES:
        values.append((name, "true" if getattr(spec, name, None) else ""))
        values.append((f"{name}_size", str(getattr(spec, f"{name}_size", None) or "")))
    values.append(("rgw_dns_name", ", ".join(getattr(spec, "zonegroup_hostnames", None) or ())))
    seconds = exit_timeout(spec)
    if seconds is not None:
        values.append(("rgw_exit_timeout_secs", str(seconds)))
        values.append(("rgw_graceful_stop", "true" if seconds else "false"))
    return [(section, name, value) for name, value in values if value]


def exit_timeout(spec: ServiceSpec) -> Any:
    """Return how many seconds a stopping gateway may finish requests; None is what Ceph does."""
    seconds = getattr(spec, "rgw_exit_timeout_secs", EXIT_TIMEOUT)
    return None if seconds in (None, EXIT_TIMEOUT) else int(seconds)
