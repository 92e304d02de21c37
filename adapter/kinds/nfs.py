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


KIND = Gateways()
