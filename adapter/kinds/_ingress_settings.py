"""What the spec of an ingress service says, as values. Pure functions."""

from __future__ import annotations

from typing import Any, List

MONITOR_USER = "admin"
CHECK_INTERVAL = "2s"
# What a spec has that names none.
FIRST_ROUTER_ID = 50

FIELDS = frozenset(
    (
        "backend_service",
        "enable_stats",
        "first_virtual_router_id",
        "frontend_port",
        "health_check_interval",
        "keepalived_password",
        "monitor_password",
        "monitor_port",
        "monitor_user",
        "ssl",
        "ssl_cert",
        "ssl_ciphers",
        "ssl_dh_param",
        "ssl_key",
        "ssl_options",
        "use_keepalived_multicast",
        "virtual_interface_networks",
        "virtual_ip",
        "virtual_ips_list",
        "vrrp_interface_network",
    )
)


def is_nfs(spec: Any) -> bool:
    """Tell whether clients speak NFS, and HTTP otherwise."""
    return str(spec.backend_service).startswith("nfs.")


def virtual_ips(spec: Any) -> List[str]:
    """Return the addresses of a service, each with the prefix length, in the spec's order."""
    return [str(spec.virtual_ip)] if spec.virtual_ip else [*map(str, spec.virtual_ips_list or ())]


def bare(address: str) -> str:
    """Return an address without its prefix length; it need not be one yet."""
    return address.partition("/")[0]


def router_ids(spec: Any) -> List[int]:
    """Return the VRRP id of each address."""
    first = int(spec.first_virtual_router_id or 0)
    return [first + index for index in range(len(virtual_ips(spec)))]


def certificate_of(spec: Any) -> str:
    """Return certificate and private key as one text, empty where the spec has no certificate."""
    cert, key = (_text(getattr(spec, name)) for name in ("ssl_cert", "ssl_key"))
    return f"{cert}{key}" if cert else ""


def _text(given: Any) -> str:
    if not given:
        return ""
    lines = given.splitlines() if isinstance(given, str) else [str(line) for line in given]
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"
