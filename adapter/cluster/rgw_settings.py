"""What an object gateway is told, by its spec, id, port and address. Pure functions."""

from __future__ import annotations

import re
from typing import Any, List, Tuple

from adapter.cluster.certificates import certificate_problem, pair_problem
from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.interface.addresses import wrap_ipv6

Setting = Tuple[str, str, str]

PORT, TLS_PORT = 80, 443
# How long a stopping gateway waits if nothing else is said: Ceph's own value.
EXIT_TIMEOUT = 120
LONGEST_EXIT = 300
# systemd ends a gateway so many seconds after it should have ended itself.
EXIT_SPARE = 15
_ZONE = ("rgw_realm", "rgw_zonegroup", "rgw_zone")
_CACHES = ("rgw_user_counters_cache", "rgw_bucket_counters_cache")
_BLOCK = "-----BEGIN {}-----"
_ZONE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WORD = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9_.:/\[\]*-]*")

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
    prefix = "ssl_" if tls and not keys & {"ssl_port", "ssl_endpoint"} else ""
    if address:
        words = [f"{prefix}endpoint={wrap_ipv6(address)}:{port}"]
    else:
        words = [f"{prefix}port={port}"]
    if tls and "ssl_certificate" not in keys:
        words.append(f"ssl_certificate=config://{certificate_key(spec.service_name())}")
    return " ".join(["beast", *words, *extra])


def gateway_settings(spec: ServiceSpec, daemon_id: str, port: int, address: str) -> List[Setting]:
    """Return (section, option, value) that one gateway needs before it starts."""
    return [(f"client.rgw.{daemon_id}", "rgw_frontends", frontends(spec, port, address))]


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


def check_gateway(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for what a gateway from packages cannot do, and for half a wish."""
    _check_frontend(spec)
    _check_tls(spec)
    _check_zone(spec)
    seconds = exit_timeout(spec)
    if seconds is not None and not 0 <= seconds <= LONGEST_EXIT:
        raise InvalidValue(
            "rgw_exit_timeout_secs",
            seconds,
            "a restart would wait for longer than a job may last",
            f"0 to {LONGEST_EXIT}.",
        )


def _check_frontend(spec: Any) -> None:
    kind = spec.rgw_frontend_type
    if kind not in (None, "", "beast"):
        raise InvalidValue(
            "rgw_frontend_type",
            kind,
            f"the object gateways of Ceph have had no {kind} since Quincy (17), only beast",
            "Leave it out, together with the rgw_frontend_extra_args meant for it.",
        )
    if spec.only_bind_port_on_networks and not spec.networks:
        raise InvalidValue(
            "only_bind_port_on_networks",
            True,
            "the spec names no networks",
            "Add networks, e.g. networks: [10.0.0.0/24].",
        )


def _check_tls(spec: Any) -> None:
    text = certificate_of(spec)
    if spec.generate_cert or spec.wildcard_enabled:
        field = "generate_cert" if spec.generate_cert else "wildcard_enabled"
        raise InvalidValue(
            field,
            True,
            "this backend makes no certificates",
            "Leave it out, and give certificate and key in rgw_frontend_ssl_certificate; a "
            "self-signed one is made by `openssl req -x509 -nodes -newkey rsa:4096`.",
        )
    if text and not spec.ssl:
        raise InvalidValue(
            "rgw_frontend_ssl_certificate", "", "without ssl it has no effect", "Add ssl: true."
        )
    own = {word.partition("=")[0] for word in spec.rgw_frontend_extra_args or ()}
    if spec.ssl and not text and "ssl_certificate" not in own:
        raise InvalidValue(
            "ssl",
            True,
            "there is no certificate",
            "Give certificate and private key, one below the other, in "
            "rgw_frontend_ssl_certificate.",
        )
    if not text:
        return
    lacks = [] if _BLOCK.format("CERTIFICATE") in text else ["certificate (BEGIN CERTIFICATE)"]
    if "PRIVATE KEY-----" not in text and "ssl_private_key" not in own:
        lacks.append("private key (BEGIN PRIVATE KEY)")
    if lacks:
        raise InvalidValue(
            "rgw_frontend_ssl_certificate",
            "",
            f"it has no {' and no '.join(lacks)}",
            "Give both as PEM text, one below the other.",
        )
    problem = certificate_problem(text) if "PRIVATE KEY-----" not in text else pair_problem(text)
    if problem:
        raise InvalidValue(
            "rgw_frontend_ssl_certificate",
            "",
            problem,
            "Give the certificate, then those that signed it, and its private key without a "
            "password, as PEM text.",
        )


def _check_zone(spec: Any) -> None:
    for name in ("update_endpoints", "zone_endpoints", "rgw_realm_token"):
        given = getattr(spec, name)
        if given and not (spec.rgw_realm and spec.rgw_zone):
            raise InvalidValue(
                name,
                given,
                "it needs a zone, and the spec names none",
                "Add rgw_realm, rgw_zonegroup and rgw_zone.",
            )
    for name in ("rgw_realm", "rgw_zonegroup", "rgw_zone"):
        given = getattr(spec, name) or ""
        if given and not _ZONE_NAME.fullmatch(given):
            raise InvalidValue(
                name, given, "it is not a valid name", "Letters, digits, '.', '_' and '-'."
            )
    for name, words in (
        ("zonegroup_hostnames", spec.zonegroup_hostnames or ()),
        ("zone_endpoints", (spec.zone_endpoints or "").split(",")),
    ):
        for word in filter(None, map(str.strip, words)):
            if not _WORD.fullmatch(word):
                raise InvalidValue(name, word, "it is no name or URL", "Leave it out.")
    if spec.data_pool_attributes and not spec.rgw_realm_token:
        raise InvalidValue(
            "data_pool_attributes",
            spec.data_pool_attributes,
            "pools are made with the zone, not with its gateways",
            "Give this file to `ceph rgw realm bootstrap -i FILE`.",
        )
