"""Applying specs: one method for each type of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..result import OrchResult
    from ..specs.base import ServiceSpec
    from ..specs.gateways import MgmtGatewaySpec, OAuth2ProxySpec
    from ..specs.ingress import IngressSpec
    from ..specs.iscsi import IscsiServiceSpec
    from ..specs.mds import MDSSpec
    from ..specs.nfs import NFSServiceSpec
    from ..specs.nvmeof import NvmeofServiceSpec
    from ..specs.rgw import RGWSpec
    from ..specs.smb import SMBSpec
    from ..specs.snmp import SNMPGatewaySpec


class ApplyMethods:
    """Each keeps a spec and brings the service to it in the background; gives a text."""

    def apply_mon(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``mon`` service as the spec says."""
        raise NotImplementedError

    def apply_mgr(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``mgr`` service as the spec says."""
        raise NotImplementedError

    def apply_mds(self, spec: MDSSpec) -> OrchResult[str]:
        """Keep a ``mds`` service as the spec says."""
        raise NotImplementedError

    def apply_rgw(self, spec: RGWSpec) -> OrchResult[str]:
        """Keep a ``rgw`` service as the spec says."""
        raise NotImplementedError

    def apply_ingress(self, spec: IngressSpec) -> OrchResult[str]:
        """Keep a ``ingress`` service as the spec says."""
        raise NotImplementedError

    def apply_rbd_mirror(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``rbd-mirror`` service as the spec says."""
        raise NotImplementedError

    def apply_nfs(self, spec: NFSServiceSpec) -> OrchResult[str]:
        """Keep a ``nfs`` service as the spec says."""
        raise NotImplementedError

    def apply_iscsi(self, spec: IscsiServiceSpec) -> OrchResult[str]:
        """Keep a ``iscsi`` service as the spec says."""
        raise NotImplementedError

    def apply_nvmeof(self, spec: NvmeofServiceSpec) -> OrchResult[str]:
        """Keep a ``nvmeof`` service as the spec says."""
        raise NotImplementedError

    def apply_prometheus(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``prometheus`` service as the spec says."""
        raise NotImplementedError

    def apply_node_exporter(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``node-exporter`` service as the spec says."""
        raise NotImplementedError

    def apply_ceph_exporter(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``ceph-exporter`` service as the spec says."""
        raise NotImplementedError

    def apply_loki(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``loki`` service as the spec says."""
        raise NotImplementedError

    def apply_promtail(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``promtail`` service as the spec says."""
        raise NotImplementedError

    def apply_crash(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``crash`` service as the spec says."""
        raise NotImplementedError

    def apply_grafana(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``grafana`` service as the spec says."""
        raise NotImplementedError

    def apply_alertmanager(self, spec: ServiceSpec) -> OrchResult[str]:
        """Keep a ``alertmanager`` service as the spec says."""
        raise NotImplementedError

    def apply_snmp_gateway(self, spec: SNMPGatewaySpec) -> OrchResult[str]:
        """Keep a ``snmp-gateway`` service as the spec says."""
        raise NotImplementedError

    def apply_mgmt_gateway(self, spec: MgmtGatewaySpec) -> OrchResult[str]:
        """Keep a ``mgmt-gateway`` service as the spec says (20.2)."""
        raise NotImplementedError

    def apply_oauth2_proxy(self, spec: OAuth2ProxySpec) -> OrchResult[str]:
        """Keep a ``oauth2-proxy`` service as the spec says (20.2)."""
        raise NotImplementedError

    def apply_smb(self, spec: SMBSpec) -> OrchResult[str]:
        """Keep a ``smb`` service as the spec says (20.2)."""
        raise NotImplementedError
