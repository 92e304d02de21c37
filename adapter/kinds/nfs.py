"""NFS services: NFS-Ganesha on each host, with the exports that `ceph nfs export` makes."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Tuple

from adapter.interface import ServiceSpec
from adapter.kinds._kind import Kind
from adapter.kinds._nfs_checks import check_nfs, idmapd_conf

# Where clients look for it, if a spec names no other one.
PORT = 2049
# The pool in which exports and the state of gateways are kept.
POOL = ".nfs"
# What `ceph nfs cluster create --ingress` adds to the port of clients for that of the gateways, and
# for that of haproxy's state.
BEHIND_INGRESS, MONITOR = 10000, 7000


class Gateways(Kind):
    """NFS gateways: those of a service share its exports, and agree on grace periods."""

    service_type = "nfs"
    plural = "NFS gateways"
    # Of another package, and with a version of its own; a client of the cluster all the same.
    is_ceph = False
    entity = "client.nfs.{id}"
    unit = "ceph-orch-nfs@{id}"
    caps = (
        ("mon", "allow r"),
        ("osd", f"allow rw pool={POOL} namespace={{service_id}}, allow rwx tag rgw *=*"),
    )
    needs_osds = True
    has_ranks = True
    is_asked = True
    fields: FrozenSet[str] = frozenset(("port", "idmap_conf"))
    reads: FrozenSet[str] = frozenset()
    pools = ((POOL, "nfs"),)

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what cannot be carried out."""
        check_nfs(spec)

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return the port, where exports and state are kept, and how users are called."""
        settings = {"namespace": str(spec.service_id), "idmap_conf": idmapd_conf(spec)}
        return {
            "port": int(spec.port or PORT),
            "settings": {name: text for name, text in settings.items() if text},
        }

    def ports(self, spec: Any, count: int) -> Tuple[int, ...]:
        """Return the port of clients."""
        return (int(spec.port or PORT),)

    def asked_with(self, spec: Any, port: int) -> Tuple[Tuple[int, ...], str]:
        """Return the ports of an ingress before it, where Ceph's module wants the spec with one."""
        clients = port - BEHIND_INGRESS
        if int(spec.port or PORT) <= BEHIND_INGRESS or clients < 1:
            return (port,), ""
        return (port, clients, clients + MONITOR), f"With `--ingress` that is `--port {clients}`."


KIND = Gateways()
