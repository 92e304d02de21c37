"""SMB services: Samba before CephFS, as the managers' module smb asks for it."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from adapter.interface import ServiceSpec
from adapter.kinds._kind import Kind
from adapter.kinds._smb_checks import check_smb
from adapter.kinds._smb_files import port_of, smb_files, sources_of
from adapter.kinds._view import ClusterView, ViewedDaemon


class SmbServices(Kind):
    """Samba: one of a service. What it serves follows what the module keeps."""

    service_type = "smb"
    is_ceph = False
    plural = "SMB services"
    has_own_key = False
    unit = "ceph-orch-smb@{id}"
    needs_osds = True
    fields = frozenset(
        (
            *("cluster_id", "config_uri", "user_sources", "include_ceph_users", "features"),
            *("custom_ports", "bind_addrs", "cluster_meta_uri", "cluster_lock_uri"),
        )
    )
    needed = ("cluster_id", "config_uri")
    reads = frozenset()
    port_field = "custom_ports"
    has_files = True
    files_are_secret = True
    kept_by = "smb"

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what cannot be carried out."""
        check_smb(spec)

    def sources(self, spec: ServiceSpec) -> Sequence[str]:
        """Return where the module keeps shares and users, and whose keys Samba uses."""
        return sources_of(spec)

    def check_sources(self, spec: ServiceSpec, view: ClusterView) -> None:
        """Raise ``InvalidValue`` for shares and users that cannot be served."""
        smb_files(spec, view, str(spec.service_id))

    def host_settings(self, spec: Any) -> Dict[str, Any]:
        """Return the port for clients."""
        return {"port": port_of(spec)}

    def ports(self, spec: Any, count: int) -> Tuple[int, ...]:
        """Return the port for clients."""
        return (port_of(spec),)

    def listed_ports(self, spec: Any) -> Sequence[int]:
        """Return the port for clients: the exporter of Samba's metrics is in no package."""
        return (port_of(spec),)

    def files(self, spec: Any, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return what Samba reads."""
        return smb_files(spec, view, daemon.daemon_id)


KIND = SmbServices()
