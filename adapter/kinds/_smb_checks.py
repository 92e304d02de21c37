"""What the spec of an SMB service may not say, because nothing would come of it, or half."""

from __future__ import annotations

import re
from typing import Any

from adapter.errors import InvalidValue
from adapter.kinds._sources import CONFIG_KEY, OBJECT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_OBJECT = re.compile(r"rados://[^/\s]+/[^/\s]*/[^\s]+")
_CONFIG_KEY = re.compile(r"rados:mon-config-key:[A-Za-z0-9][A-Za-z0-9._/+-]*")
_ENTITY = re.compile(r"client\.[A-Za-z0-9._-]+")
_CTDB = "this backend runs no CTDB"
# Why a feature is missing, and what helps.
_FEATURES = {
    "domain": (
        "this backend joins no domain of Active Directory",
        "Create the cluster with users of its own (`ceph smb cluster create NAME user`).",
    ),
    "remote-control": (
        "no package has the program for it (sambacc)",
        "Leave `remote_control` out.",
    ),
}
# What would be of use with something alone that is missing.
_WITHOUT = {
    **dict.fromkeys(("join_sources", "custom_dns"), _FEATURES["domain"][0]),
    "cluster_public_addrs": f"{_CTDB}, which moves addresses",
    **dict.fromkeys(
        ("remote_control_ssl_cert", "remote_control_ssl_key", "remote_control_ca_cert"),
        _FEATURES["remote-control"][0],
    ),
}
# Parts of a service with a port, and why they are not there.
_NO_PART = {
    "smbmetrics": "no package has the exporter of Samba's metrics (smbmetrics)",
    "ctdb": _CTDB,
    "remote-control": _FEATURES["remote-control"][0],
}
_PORTS = {"smbmetrics": 9922, "ctdb": 4379, "remote-control": 54445}


def check_smb(spec: Any) -> None:
    """Raise ``InvalidValue`` for what cannot be carried out, or only in part."""
    for name in ("service_id", "cluster_id"):
        if not _NAME.fullmatch(str(getattr(spec, name))):
            raise InvalidValue(
                name,
                getattr(spec, name),
                "directories on hosts are called by it",
                "Use at most 40 letters, digits, '-' and '_'.",
            )
    _check_features(spec)
    _check_places(spec)
    _check_ports(spec)
    _check_one_host(spec)


def _check_features(spec: Any) -> None:
    for feature in spec.features or ():
        if feature in _FEATURES:
            raise InvalidValue("features", feature, *_FEATURES[feature])
    for name, reason in _WITHOUT.items():
        given = getattr(spec, name)
        if given:
            shown = given if isinstance(given, str) else ", ".join(map(_as_written, given))
            raise InvalidValue(name, shown, reason, "Leave it out.")


def _as_written(given: Any) -> str:
    return str(getattr(given, "address", given))


def _check_places(spec: Any) -> None:
    for name, places in (
        ("config_uri", [spec.config_uri]),
        ("user_sources", spec.user_sources or ()),
    ):
        for place in places:
            if not (_OBJECT.fullmatch(str(place)) or _CONFIG_KEY.fullmatch(str(place))):
                raise InvalidValue(
                    name,
                    place,
                    "this backend reads no such place",
                    f"Use {OBJECT}POOL/NAMESPACE/OBJECT or {CONFIG_KEY}KEY.",
                )
    for entity in spec.include_ceph_users or ():
        if not _ENTITY.fullmatch(str(entity)) or entity == "client.admin":
            raise InvalidValue(
                "include_ceph_users",
                entity,
                "no such key is given to Samba",
                "Name one of its own, as `ceph fs authorize` makes them.",
            )


def _check_ports(spec: Any) -> None:
    for part, port in (spec.custom_ports or {}).items():
        if part in _NO_PART and port != _PORTS[part]:
            raise InvalidValue("custom_ports", part, _NO_PART[part], "Leave it out.")
        if part == "smb" and not 1 <= int(port) <= 65535:
            raise InvalidValue("custom_ports", port, "it is not a port", "Give 1 to 65535.")


def _check_one_host(spec: Any) -> None:
    """Refuse several hosts: clients of two Sambas would overwrite each other's changes.

    Each Samba lets a client keep changes of a file to itself. One alone needs no CTDB, whether the
    spec says ``clustered`` or not: the module says it wherever no ``count: 1`` is given.
    """
    placement = spec.placement
    several = placement.count is None and (
        len(placement.hosts or ()) > 1 or placement.label or placement.host_pattern
    )
    if several or (placement.count or 1) > 1 or (placement.count_per_host or 1) > 1:
        raise InvalidValue(
            "placement",
            placement.pretty_str(),
            f"{_CTDB}, and without it Sambas on several hosts know nothing of each other's locks",
            "Name one host, or give `count: 1` (`--placement '1 h1 h2'`).",
        )
