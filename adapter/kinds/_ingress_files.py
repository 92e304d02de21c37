"""What haproxy and keepalived of an ingress service read, as texts. Pure functions.

All that stands in them was checked before: names of hosts and daemons, addresses, and the fields of
the spec by ``check_ingress``. haproxy ends where a word is none of its own, so nothing is quoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, List, Sequence, Tuple

from adapter.interface.addresses import is_ip, wrap_ipv6
from adapter.kinds._ingress_settings import (
    CHECK_INTERVAL,
    MONITOR_USER,
    bare,
    certificate_of,
    is_nfs,
    virtual_ips,
)

CONFIG, CERTIFICATE, CHECK = "haproxy.cfg", "haproxy.pem", "check"
KEEPALIVED = "keepalived.conf"
# The first host of an address has the highest priority.
HIGHEST, LOWEST = 200, 1

_GLOBAL = """\
global
  log stdout format raw daemon notice
  chroot /var/lib/haproxy
  user haproxy
  group haproxy
  maxconn 8000
"""
_DEFAULTS = """\
defaults
  mode http
  log global
  option dontlognull
  option redispatch 1
  retries 3
  timeout queue 20s
  timeout connect 5s
  timeout http-request 10s
  timeout http-keep-alive 5s
  timeout client 60s
  timeout server 60s
  timeout check 5s
"""
_HTTP_GATEWAYS = ("  balance static-rr", "  option httpchk HEAD /")
# Clients of NFS keep one connection, and say at least each minute that they are there.
_NFS_CLIENTS = ("  mode tcp", "  option clitcpka", "  timeout client 10m")
_NFS_GATEWAYS = (
    *("  mode tcp", "  balance source", "  hash-type consistent"),
    *("  option srvtcpka", "  timeout server 10m"),
)


@dataclass(frozen=True)
class Server:
    """A daemon that requests are handed to; ``address`` is a name where its host has no other.

    ``rank`` is its number among those of its service, -1 where it has none.
    """

    name: str
    address: str
    port: int
    rank: int = -1


@dataclass(frozen=True)
class VrrpInstance:
    """The VRRP instance of one host for one virtual address.

    ``address`` has the prefix length. ``interface`` gets it, ``vrrp_interface`` is where the hosts
    hear each other; ``own`` and ``peers`` are their addresses there.
    """

    address: str
    interface: str
    vrrp_interface: str
    own: str
    peers: Tuple[str, ...]
    priority: int
    router_id: int


def haproxy_cfg(spec: Any, servers: Sequence[Server], password: str, *, tls: bool) -> str:
    """Return haproxy's configuration, which is the same on all hosts of a service.

    ``tls`` says that the servers speak TLS. The certificate is a file beside this one. Addresses
    that another host may hold are bound as ``transparent``, which asks for no kernel setting.
    """
    user = spec.monitor_user or MONITOR_USER
    hosts = [bare(each) for each in virtual_ips(spec)]
    cert = f" ssl crt {CERTIFICATE}" if certificate_of(spec) else ""
    lines = [
        *_tls_lines(spec),
        "",
        *_DEFAULTS.splitlines(),
        "",
        "frontend stats",
        f"  bind :{spec.monitor_port}",
        "  stats enable",
        "  stats uri /stats",
        "  stats refresh 10s",
        f"  stats auth {user}:{password}",
        "  http-request use-service prometheus-exporter if { path /metrics }",
        "  monitor-uri /health",
        "",
        "frontend clients",
        *(f"  bind {each}:{spec.frontend_port} transparent{cert}" for each in hosts),
        *(_NFS_CLIENTS if is_nfs(spec) else _http_clients(bool(cert))),
        "  default_backend gateways",
        "",
        "backend gateways",
        *(_NFS_GATEWAYS if is_nfs(spec) else _HTTP_GATEWAYS),
        *_server_lines(spec, servers, tls=tls),
    ]
    return _GLOBAL + "\n".join(lines) + "\n"


def _http_clients(tls: bool) -> Iterable[str]:
    yield "  option forwardfor"
    if tls:
        yield "  http-request set-header X-Forwarded-Proto https"


def _tls_lines(spec: Any) -> Iterable[str]:
    if not certificate_of(spec):
        return
    if spec.ssl_dh_param:
        yield f"  tune.ssl.default-dh-param {spec.ssl_dh_param}"
    if spec.ssl_ciphers:
        yield f"  ssl-default-bind-ciphers {':'.join(spec.ssl_ciphers)}"
    if spec.ssl_options:
        yield f"  ssl-default-bind-options {' '.join(spec.ssl_options)}"


def _server_lines(spec: Any, servers: Sequence[Server], *, tls: bool) -> List[str]:
    interval = spec.health_check_interval or CHECK_INTERVAL
    lines = []
    for each in sorted(servers, key=lambda each: each.name):
        # A name that nobody can look up is asked for again, and does not end haproxy.
        late = "" if is_ip(each.address) else " init-addr last,libc,none"
        more = " ssl verify none" if tls else ""
        if is_nfs(spec):
            # Where a client is sent to follows from these numbers: all hosts send it to the same
            # gateway, and one that comes or goes changes it for its own clients alone.
            number = f" id {each.rank + 1}" if each.rank >= 0 else ""
            more = f" fastinter 1s on-marked-down shutdown-sessions{number}"
        where = f"{wrap_ipv6(each.address)}:{each.port}"
        lines.append(f"  server {each.name} {where} check inter {interval}{more}{late}")
    return lines


def keepalived_conf(
    spec: Any, instances: Sequence[VrrpInstance], password: str, folder: str
) -> str:
    """Return keepalived's configuration on a host; ``folder`` is where its files are."""
    lines = [
        "global_defs {",
        "  script_user root",
        "  enable_script_security",
        "}",
        "",
        # Without a weight the host gives its addresses up at once, and says so to the others.
        "vrrp_script haproxy {",
        f'  script "{folder}/{CHECK}"',
        "  interval 1",
        "  timeout 2",
        "  fall 2",
        "  rise 2",
        "}",
    ]
    for each in instances:
        lines += ["", *_instance(spec, each, password)]
    return "\n".join(lines) + "\n"


def _instance(spec: Any, one: VrrpInstance, password: str) -> List[str]:
    unicast = [
        f"  unicast_src_ip {one.own}",
        "  unicast_peer {",
        *(f"    {peer}" for peer in one.peers),
        "  }",
    ]
    # A host alone has nobody to tell, and keepalived tells everybody then.
    alone = spec.use_keepalived_multicast or not one.peers
    return [
        f"vrrp_instance address_{one.router_id} {{",
        "  state BACKUP",
        f"  interface {one.vrrp_interface}",
        f"  virtual_router_id {one.router_id}",
        f"  priority {one.priority}",
        "  advert_int 1",
        "  authentication {",
        "    auth_type PASS",
        f"    auth_pass {password}",
        "  }",
        *([] if alone else unicast),
        "  virtual_ipaddress {",
        f"    {one.address} dev {one.interface}",
        "  }",
        "  track_script {",
        "    haproxy",
        "  }",
        "}",
    ]
