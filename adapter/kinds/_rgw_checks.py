"""What the spec of an object gateway may not say, because nothing would come of it, or half."""

from __future__ import annotations

import re
from typing import Any

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds._certificates import certificate_problem, pair_problem
from adapter.kinds._rgw_settings import certificate_of, exit_timeout

LONGEST_EXIT = 300
_BLOCK = "-----BEGIN {}-----"
_ZONE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WORD = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9_.:/\[\]*-]*")


def check_gateway(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for what a gateway from packages cannot do, or only in part."""
    _check_frontend(spec)
    _check_tls(spec)
    _check_zone(spec)
    seconds = exit_timeout(spec)
    if seconds is not None and not 0 <= seconds <= LONGEST_EXIT:
        raise InvalidValue(
            "rgw_exit_timeout_secs",
            seconds,
            "a restart would wait for longer than a job may last",
            f"Give 0 to {LONGEST_EXIT}.",
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
                name, given, "it is not a valid name", "Use letters, digits, '.', '_' and '-'."
            )
    for name, words in (
        ("zonegroup_hostnames", spec.zonegroup_hostnames or ()),
        ("zone_endpoints", (spec.zone_endpoints or "").split(",")),
    ):
        for word in filter(None, map(str.strip, words)):
            if not _WORD.fullmatch(word):
                raise InvalidValue(name, word, "it is neither a name nor a URL", "Leave it out.")
    if spec.data_pool_attributes and not spec.rgw_realm_token:
        raise InvalidValue(
            "data_pool_attributes",
            spec.data_pool_attributes,
            "pools are made with the zone, not with its gateways",
            "Give this file to `ceph rgw realm bootstrap -i FILE`.",
        )
