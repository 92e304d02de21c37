"""What the spec of an ingress service may not say, because nothing would come of it, or half."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, ip_interface, ip_network
from typing import Any, List, Mapping, Sequence, Set

from adapter.errors import InvalidValue
from adapter.kinds._certificates import certificate_problem, pair_problem
from adapter.kinds._ingress_settings import (
    FIRST_ROUTER_ID,
    bare,
    certificate_of,
    is_nfs,
    router_ids,
    virtual_ips,
)
from adapter.kinds._ingress_vrrp import interfaces_of, places_of

# What keepalived takes of a password; it cuts a longer one off.
LONGEST_PASSWORD = 8
LAST_ROUTER_ID = 255
LAST_PORT = 65535
# What haproxy.cfg and keepalived.conf need no quotes for.
_WORD = re.compile(r"[A-Za-z0-9_.+@=~^-]{1,64}")
_CIPHER = re.compile(r"[A-Za-z0-9_.:!+@=-]{1,400}")
_TLS_VERSION = "(SSLv3|TLSv1\\.[0-3])"
_OPTION = re.compile(
    "no-(sslv3|tlsv1[0-3]|tls-tickets)|force-(sslv3|tlsv1[0-3])|prefer-client-ciphers"
    f"|ssl-(min|max)-ver {_TLS_VERSION}"
)
_TLS = ("ssl", "ssl_cert", "ssl_key", "ssl_dh_param", "ssl_ciphers", "ssl_options")
_DH_BITS = re.compile(r"1024|2048|3072|4096|8192")
# Services whose daemons answer what haproxy asks them.
BACKENDS = ("nfs", "rgw")
_WITH_HAPROXY = "Leave it out, or create the cluster with `--ingress-mode haproxy-standard`."
# What is for NFS, with why it is not carried out there either.
_OF_NFS = {
    "keepalive_only": (
        "the address would go down with its host: a gateway stays on the host that it is on, and "
        "without haproxy nobody hands connections on to another one"
    ),
    "enable_haproxy_protocol": "NFS gateways are told nothing of whom they may believe",
}


def check_ingress(spec: Any) -> None:
    """Raise ``InvalidValue`` for what cannot be carried out, or only in part."""
    _check_backend(spec)
    _check_ports(spec)
    _check_addresses(spec)
    _check_networks(spec)
    _check_words(spec)
    _check_tls(spec)


def _check_backend(spec: Any) -> None:
    kind, _, name = str(spec.backend_service).partition(".")
    if kind not in BACKENDS or not name:
        raise InvalidValue(
            "backend_service",
            spec.backend_service,
            "this backend puts an ingress before object gateways and NFS gateways only",
            "Name a service of them, such as rgw.web or nfs.share.",
        )
    for field, reason in _OF_NFS.items():
        if getattr(spec, field) and not is_nfs(spec):
            raise InvalidValue(
                field, True, "it is for NFS, and the backend service is rgw", "Leave it out."
            )
        if getattr(spec, field):
            raise InvalidValue(field, True, reason, _WITH_HAPROXY)
    if spec.config:
        raise InvalidValue(
            "config",
            ", ".join(sorted(spec.config)),
            "haproxy and keepalived read no options of Ceph",
            "Leave it out.",
        )
    if spec.enable_stats is False:
        raise InvalidValue(
            "enable_stats",
            False,
            "haproxy always shows its state at monitor_port, to who has the password",
            "Leave it out.",
        )


def _check_ports(spec: Any) -> None:
    for field in ("frontend_port", "monitor_port"):
        port = getattr(spec, field)
        if not isinstance(port, int) or not 1 <= port <= LAST_PORT:
            raise InvalidValue(field, port, "it is not a port", f"Give 1 to {LAST_PORT}.")
    if spec.frontend_port == spec.monitor_port:
        raise InvalidValue(
            "monitor_port", spec.monitor_port, "it is frontend_port too", "Give another one."
        )


def _check_addresses(spec: Any) -> None:
    field = "virtual_ip" if spec.virtual_ip else "virtual_ips_list"
    seen: List[str] = []
    for text in virtual_ips(spec):
        try:
            address = ip_interface(text)
        except ValueError:
            raise InvalidValue(
                field, text, "it is not an IP address", "Give it as 10.0.0.9/24."
            ) from None
        if "/" not in text:
            raise InvalidValue(
                field, text, "it has no prefix length", f"Give the network's, as in {text}/24."
            )
        if not isinstance(address, IPv4Interface):
            raise InvalidValue(
                field,
                text,
                "this backend has keepalived hold IPv4 addresses only",
                "Give an IPv4 address.",
            )
        if not _is_of_host(address):
            raise InvalidValue(
                field, text, "no host can have this address", "Give one inside of the network."
            )
        if str(address.ip) in seen:
            raise InvalidValue(field, text, "it is there twice", "Leave one out.")
        seen.append(str(address.ip))
    first = spec.first_virtual_router_id
    if not isinstance(first, int) or first < 1 or max(router_ids(spec)) > LAST_ROUTER_ID:
        raise InvalidValue(
            "first_virtual_router_id",
            first,
            f"the service has {len(seen)} address(es), each with an id, and ids are 1 to "
            f"{LAST_ROUTER_ID}",
            f"Give 1 to {LAST_ROUTER_ID + 1 - len(seen)}.",
        )


def _is_of_host(address: IPv4Interface) -> bool:
    ip, network = address.ip, address.network
    if ip.is_multicast or ip.is_unspecified or ip.is_loopback or ip.is_reserved:
        return False
    ends = (network.network_address, network.broadcast_address)
    return network.prefixlen >= 31 or ip not in ends


def _check_networks(spec: Any) -> None:
    named = [("virtual_interface_networks", each) for each in spec.virtual_interface_networks]
    if spec.vrrp_interface_network:
        named.append(("vrrp_interface_network", spec.vrrp_interface_network))
    for field, text in named:
        if not _is_ipv4_network(text):
            raise InvalidValue(field, text, "it is not an IPv4 network", "Give it as 10.0.0.0/24.")


def _is_ipv4_network(text: Any) -> bool:
    try:
        return ip_network(text).version == 4
    except ValueError:
        return False


def _check_words(spec: Any) -> None:
    for field in ("monitor_user", "monitor_password", "keepalived_password"):
        text = getattr(spec, field)
        if text and not _WORD.fullmatch(text):
            raise InvalidValue(
                field,
                "",
                "it has a character that the configuration files do not take, or more than 64",
                "Use letters, digits and _ . + @ = ~ ^ -.",
            )
    if len(spec.keepalived_password or "") > LONGEST_PASSWORD:
        raise InvalidValue(
            "keepalived_password",
            "",
            f"VRRP has passwords of {LONGEST_PASSWORD} characters",
            "Give a shorter one, or leave it out: one is made then.",
        )


def _check_tls(spec: Any) -> None:
    text = certificate_of(spec)
    if is_nfs(spec):
        for field in _TLS:
            if getattr(spec, field):
                raise InvalidValue(
                    field, "", "NFS gateways and their clients speak no TLS", "Leave it out."
                )
        return
    if not text:
        for field in ("ssl_key", "ssl_dh_param", "ssl_ciphers", "ssl_options"):
            if getattr(spec, field):
                raise InvalidValue(
                    field, "", "without ssl_cert it has no effect", "Add ssl: true and ssl_cert."
                )
        if spec.ssl:
            raise InvalidValue(
                "ssl",
                True,
                "there is no certificate, and this backend makes none",
                "Give ssl_cert and ssl_key.",
            )
        return
    problem = certificate_problem(text)
    if not problem and "PRIVATE KEY-----" not in text:
        problem = "there is no private key"
    problem = problem or pair_problem(text)
    if problem:
        raise InvalidValue(
            "ssl_cert",
            "",
            problem,
            "Give the certificate, then those that signed it, as PEM text, and in ssl_key its "
            "private key without a password.",
        )
    _check_tls_words(spec)


def _check_tls_words(spec: Any) -> None:
    if spec.ssl_dh_param and not _DH_BITS.fullmatch(str(spec.ssl_dh_param)):
        raise InvalidValue(
            "ssl_dh_param",
            spec.ssl_dh_param,
            "haproxy takes the number of bits here",
            "Give 1024, 2048, 3072, 4096 or 8192.",
        )
    for cipher in spec.ssl_ciphers or ():
        if not _CIPHER.fullmatch(str(cipher)):
            raise InvalidValue(
                "ssl_ciphers",
                cipher,
                "it is not the name of a cipher",
                "Use those that `openssl ciphers` prints.",
            )
    for option in spec.ssl_options or ():
        if not _OPTION.fullmatch(str(option)):
            raise InvalidValue(
                "ssl_options",
                option,
                "haproxy has no such option for its TLS ports",
                "Use no-tlsv10, ssl-min-ver TLSv1.2, no-tls-tickets and the like.",
            )


def check_services(spec: Any, others: Mapping[str, Any]) -> None:
    """Raise for a backend that is not there, and for addresses and VRRP ids of another service."""
    if spec.backend_service not in others:
        there = sorted(name for name in others if name.partition(".")[0] in BACKENDS)
        raise InvalidValue(
            "backend_service",
            spec.backend_service,
            "there is no such service",
            f"Apply it first, or name one of {', '.join(there)}." if there else "Apply it first.",
        )
    mine = {bare(each) for each in virtual_ips(spec)}
    ids = {*router_ids(spec)}
    for name, other in sorted(others.items()):
        if other.service_type != spec.service_type:
            continue
        both = sorted(mine & {bare(each) for each in virtual_ips(other)})
        if both:
            field = "virtual_ip" if spec.virtual_ip else "virtual_ips_list"
            raise InvalidValue(field, both[0], f"{name} has it", "Give another one.")
    taken = _taken_ids(spec, others)
    if ids & taken:
        raise InvalidValue(
            "first_virtual_router_id",
            spec.first_virtual_router_id,
            "another ingress service has one of its VRRP ids, and hosts of one network must not "
            "use an id for two addresses",
            f"Give {_free(len(ids), taken)}.",
        )


def free_router_id(spec: Any, known: Any, others: Mapping[str, Any]) -> Any:
    """Return the first VRRP id of a service: what it names, what it has, or the first free one.

    Ceph's module for NFS can name none, and each spec without one has the same.
    """
    if spec.first_virtual_router_id != FIRST_ROUTER_ID:
        return spec.first_virtual_router_id
    count, taken = len(router_ids(spec)), _taken_ids(spec, others)
    first = getattr(known, "first_virtual_router_id", None)
    if isinstance(first, int) and not taken & {*range(first, first + count)}:
        return first
    return FIRST_ROUTER_ID if count > LAST_ROUTER_ID else _free(count, taken)


def _taken_ids(spec: Any, others: Mapping[str, Any]) -> Set[int]:
    """Return the VRRP ids of the other services."""
    found: Set[int] = set()
    for other in others.values():
        if other.service_type == spec.service_type:
            found.update(router_ids(other))
    return found


def _free(count: int, taken: Set[int]) -> int:
    """Return the first VRRP id from which so many are free."""
    last = LAST_ROUTER_ID + 1 - count
    usual = [*range(FIRST_ROUTER_ID, last + 1), *range(1, min(FIRST_ROUTER_ID - 1, last) + 1)]
    free = (each for each in usual if not taken & {*range(each, each + count)})
    return next(free, FIRST_ROUTER_ID)


def check_hosts(spec: Any, hosts: Mapping[str, Any], virtual: Sequence[str]) -> None:
    """Raise where no host of a placement can have the addresses."""
    problem = None
    able = not hosts
    for hostname in sorted(hosts):
        try:
            places_of(spec, hostname, interfaces_of(hosts[hostname]), virtual)
            able = True
        except InvalidValue as error:
            problem = problem or error
    if problem is not None and not able:
        raise problem
