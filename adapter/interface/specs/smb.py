"""SMB (Samba) gateways."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Dict, List, Optional, Type, TypeVar, Union

from ..checks import check_fields, checkers_for, declare, refuse, require_mapping
from ..errors import SpecValidationError
from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, reader_of_list, register

_PORTS = {"smb": 445, "smbmetrics": 9922, "ctdb": 4379, "remote-control": 54445}
_FEATURES = frozenset(["domain", "clustered", "cephfs-proxy", "remote-control"])
_LISTS = ("features", "join_sources", "user_sources", "custom_dns", "include_ceph_users")

AddressT = TypeVar("AddressT", bound="_AddressSpec")


class _AddressSpec:
    """What the two kinds of addresses share."""

    @classmethod
    def from_json(cls: Type[AddressT], spec: Any) -> AddressT:
        """Read the JSON form; raises ``SpecValidationError``."""
        if isinstance(spec, cls):
            return spec
        values = require_mapping(spec, cls.__name__)
        check_fields(values, _ADDRESS_FIELDS[cls.__name__], SpecValidationError, cls.__name__)
        return cls(**values)

    @classmethod
    def convert_list(cls: Type[AddressT], arg: Optional[List[Any]]) -> Optional[List[AddressT]]:
        """Read a list of JSON forms, or None."""
        return None if arg is None else [cls.from_json(item) for item in arg]

    def to_json(self) -> Dict[str, Any]:
        """Give what is set."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _AddressSpec):
            return NotImplemented
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_json()!r})"


class SMBClusterPublicIPSpec(_AddressSpec):
    """An address, with prefix length, that moves among the nodes of a cluster.

    ``destination`` is the network, or networks, whose interface takes it.
    """

    def __init__(self, address: str = "", destination: Union[str, List[str], None] = None) -> None:
        self.address = address
        self.destination = destination
        self.validate()

    def validate(self) -> None:
        """Raise ``SpecValidationError`` unless address and networks are possible ones."""
        if "/" not in self.address or not _parses(ipaddress.ip_interface, self.address):
            refuse("cluster_public_addrs: address", self.address, "ADDRESS/PREFIXLENGTH")
        for network in self._destinations():
            if not _parses(ipaddress.ip_network, network):
                refuse("cluster_public_addrs: destination", network, "a network: 10.0.0.0/24")

    def _destinations(self) -> List[str]:
        if not self.destination:
            return []
        return [self.destination] if isinstance(self.destination, str) else self.destination

    def to_strict(self) -> Dict[str, Any]:
        """Give the address and the networks as a list."""
        return {"address": self.address, "destinations": list(self._destinations())}


class SMBClusterBindIPSpec(_AddressSpec):
    """What to listen on: one ``address``, or the addresses in one ``network``."""

    def __init__(self, address: Optional[str] = None, network: Optional[str] = None) -> None:
        self.address = address
        self.network = network
        self.validate()

    def validate(self) -> None:
        """Raise ``SpecValidationError`` unless exactly one of the two is set, and possible."""
        if bool(self.address) == bool(self.network):
            refuse("bind_addrs", self.to_json(), "either address or network")
        if self.address and not _parses(ipaddress.ip_address, self.address):
            refuse("bind_addrs: address", self.address, "an IP address")
        if self.network and not _parses(ipaddress.ip_network, self.network):
            refuse("bind_addrs: network", self.network, "a network: 10.0.0.0/24")

    def as_networks(self) -> List[Union[ipaddress.IPv4Network, ipaddress.IPv6Network]]:
        """Give the network, or the address as the network of it alone."""
        return [ipaddress.ip_network(self.network or self.address or "")]

    def as_network_strs(self) -> List[str]:
        """Give ``as_networks`` as text."""
        return [str(network) for network in self.as_networks()]

    def to_simplified(self) -> Dict[str, Any]:
        """Give the JSON form."""
        return self.to_json()


_ADDRESS_FIELDS = {
    "SMBClusterPublicIPSpec": checkers_for(
        {"address": "str", "destination": "Union[None, str, List[str]]"}
    ),
    "SMBClusterBindIPSpec": checkers_for({"address": "Optional[str]", "network": "Optional[str]"}),
}
declare(SMBClusterPublicIPSpec, "an address of the cluster")
declare(SMBClusterBindIPSpec, "an address or network")


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


@register("smb")
@dataclass(eq=False, repr=False)
class SMBSpec(ServiceSpec):
    """SMB gateways of the cluster ``cluster_id``, configured by the object at ``config_uri``.

    ``features``: ``domain`` (member of an Active Directory domain), ``clustered`` (CTDB),
    ``cephfs-proxy``, ``remote-control``. ``join_sources`` and ``user_sources`` are URIs of
    credentials; ``custom_dns`` name servers; ``include_ceph_users`` further CephX users.
    ``cluster_meta_uri`` and ``cluster_lock_uri`` are the objects by which a cluster agrees, made
    from ``config_uri`` if not given. ``custom_ports`` changes the ports of ``smb``,
    ``smbmetrics``, ``ctdb`` and ``remote-control``. Checked when constructed, too.
    """

    _readers: ClassVar[Dict[str, Callable[[Any], Any]]] = {
        **ServiceSpec._readers,
        "cluster_public_addrs": reader_of_list(SMBClusterPublicIPSpec),
        "bind_addrs": reader_of_list(SMBClusterBindIPSpec),
    }

    _resting: ClassVar[Dict[str, Any]] = {name: [] for name in _LISTS}

    service_type: str = "smb"
    service_id: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    count: Optional[int] = None
    config: Optional[Dict[str, Any]] = None
    unmanaged: bool = False
    preview_only: bool = False
    networks: List[str] = NO_STRINGS
    cluster_id: str = ""
    features: Optional[List[str]] = None
    config_uri: str = ""
    join_sources: Optional[List[str]] = None
    user_sources: Optional[List[str]] = None
    custom_dns: Optional[List[str]] = None
    include_ceph_users: Optional[List[str]] = None
    cluster_meta_uri: Optional[str] = None
    cluster_lock_uri: Optional[str] = None
    cluster_public_addrs: Optional[List[SMBClusterPublicIPSpec]] = None
    custom_ports: Optional[Dict[str, int]] = None
    bind_addrs: Optional[List[SMBClusterBindIPSpec]] = None
    remote_control_ssl_cert: Optional[str] = None
    remote_control_ssl_key: Optional[str] = None
    remote_control_ca_cert: Optional[str] = None
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Read the addresses, name the cluster's objects, check."""
        super().__post_init__()
        for name in _LISTS:
            setattr(self, name, getattr(self, name) or [])
        self.cluster_public_addrs = SMBClusterPublicIPSpec.convert_list(self.cluster_public_addrs)
        self.bind_addrs = SMBClusterBindIPSpec.convert_list(self.bind_addrs)
        self._validate_cluster()
        if self._clustered():
            self.cluster_meta_uri = self.cluster_meta_uri or self._beside("cluster.meta.json")
            self.cluster_lock_uri = self.cluster_lock_uri or self._beside("cluster.meta.lock")

    def _clustered(self) -> bool:
        return "clustered" in (self.features or [])

    def _beside(self, name: str) -> str:
        """Name an object in the same place as the configuration."""
        if not self.config_uri.startswith("rados://"):
            self._refuse("config_uri", "rados://POOL/NAMESPACE/OBJECT for a clustered service")
        return f"{self.config_uri.rpartition('/')[0]}/{name}"

    def service_ports(self) -> Dict[str, int]:
        """Give the port of each part of the service."""
        return {**_PORTS, **(self.custom_ports or {})}

    def metrics_exporter_port(self) -> int:
        """Give the port of the metrics."""
        return self.service_ports()["smbmetrics"]

    def get_port_start(self) -> List[int]:
        """Give the ports of the service, its metrics and, for a cluster, of CTDB."""
        ports = self.service_ports()
        names = ["smb", "smbmetrics", *(["ctdb"] if self._clustered() else [])]
        return [ports[name] for name in names]

    def strict_cluster_ip_specs(self) -> List[Dict[str, Any]]:
        """Give the cluster's addresses, each with a list of networks."""
        return [address.to_strict() for address in self.cluster_public_addrs or []]

    def bind_networks(self) -> List[str]:
        """Give the networks to listen on."""
        return [text for spec in self.bind_addrs or [] for text in spec.as_network_strs()]

    def _validate_cluster(self) -> None:
        for name in ("cluster_id", "config_uri"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                self._missing(name, "a string that is not empty")
        for feature in self.features or []:
            if feature not in _FEATURES:
                self._refuse("features", ", ".join(sorted(_FEATURES)), feature)
        if not self._clustered():
            for name in ("cluster_meta_uri", "cluster_lock_uri"):
                if getattr(self, name):
                    self._refuse(name, "only with the feature clustered")
        self._validate_custom_ports()

    def _validate_custom_ports(self) -> None:
        for name, port in (self.custom_ports or {}).items():
            if name not in _PORTS:
                self._refuse("custom_ports", ", ".join(_PORTS), name)
            if not 0 <= port <= 65535:
                self._refuse(f"custom_ports: {name}", "a port, 1 to 65535", port)
