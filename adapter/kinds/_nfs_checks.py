"""What the spec of an NFS service may not say, because nothing would come of it, or half."""

from __future__ import annotations

import re
from typing import Any

from adapter.errors import InvalidValue

_LAST_PORT = 65535
_SECTION = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,79}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# How idmapd's library finds users; each is a file that it loads.
_METHODS = ("nsswitch", "static", "umich_ldap", "regex")

_WITH_HAPROXY = (
    "Leave it out, or create the cluster with `--ingress --ingress-mode haproxy-standard`."
)
_NOT_HERE = {
    "networks": (
        "NFS-Ganesha listens on all addresses of its host, whatever it is told",
        "Leave it out, and choose hosts by their names or labels.",
    ),
    "monitoring_port": (
        "the distributions' NFS-Ganesha gives no metrics",
        "Leave it out.",
    ),
    "enable_nfsv3": (
        "this backend deploys NFS 4 only",
        "Leave it out; clients mount with `-t nfs4`, or `-o vers=4`.",
    ),
    "enable_nlm": (
        "locks by NLM are for NFS 3, and this backend deploys NFS 4 only",
        "Leave it out.",
    ),
    # These two come before the ingress is asked for, which would be refused as well.
    "enable_haproxy_protocol": (
        "NFS gateways are told nothing of whom they may believe",
        _WITH_HAPROXY,
    ),
    "virtual_ip": (
        "a gateway stays on the host that it is on, and an address of its own would go down with "
        "that",
        _WITH_HAPROXY,
    ),
}


def check_nfs(spec: Any) -> None:
    """Raise ``InvalidValue`` for what cannot be carried out, or only in part."""
    for field, (reason, remedy) in _NOT_HERE.items():
        given = getattr(spec, field, None)
        if given:
            raise InvalidValue(field, given, reason, remedy)
    port = spec.port
    if port is not None and (not isinstance(port, int) or not 1 <= port <= _LAST_PORT):
        raise InvalidValue("port", port, "it is not a port", f"Give 1 to {_LAST_PORT}.")
    _check_idmap(spec.idmap_conf)


def _check_idmap(given: Any) -> None:
    if not given:
        return
    for section, rows in given.items() if isinstance(given, dict) else ((given, None),):
        if not isinstance(rows, dict) or not _SECTION.fullmatch(str(section)):
            raise InvalidValue(
                "idmap_conf",
                str(section),
                "it is not a section of idmapd.conf",
                "Give sections, each with its settings, e.g. General: {Domain: example.com}.",
            )
        for name, value in rows.items():
            _check_setting(str(section), str(name), value)


def _check_setting(section: str, name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidValue(
            "idmap_conf", name, f"it is not a setting of [{section}]", "Leave it out."
        )
    if not isinstance(value, (str, int, float)) or _CONTROL.search(str(value)):
        raise InvalidValue(
            "idmap_conf",
            name,
            f"its value in [{section}] is no text of one line",
            "Give texts and numbers.",
        )
    words = [each.strip() for each in str(value).split(",")]
    if name.lower() in ("method", "gss-methods") and not {*words} <= {*_METHODS}:
        raise InvalidValue(
            "idmap_conf",
            f"{name} = {value}",
            "libnfsidmap has no such method",
            f"Use {', '.join(_METHODS)}.",
        )


def idmapd_conf(spec: Any) -> str:
    """Return the text of idmapd.conf, empty where the spec says nothing of it."""
    lines = []
    for section, rows in (spec.idmap_conf or {}).items():
        lines += [f"[{section}]", *(f"{name} = {value}" for name, value in rows.items())]
    return "\n".join([*lines, ""]) if lines else ""
