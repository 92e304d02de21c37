"""The SNMP gateway: alerts as SNMP notifications."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Optional, Type

from ..addresses import valid_addr
from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, register

_ENGINE_ID = re.compile(r"(?:[0-9a-fA-F]{2}){5,32}")


class SNMPVersion(str, enum.Enum):
    """Version of the protocol."""

    V2c = "V2c"
    V3 = "V3"

    def to_json(self) -> str:
        """Give the text."""
        return str(self.value)


class SNMPAuthType(str, enum.Enum):
    """How a V3 sender is authenticated."""

    MD5 = "MD5"
    SHA = "SHA"

    def to_json(self) -> str:
        """Give the text."""
        return str(self.value)


class SNMPPrivacyType(str, enum.Enum):
    """How V3 notifications are encrypted."""

    DES = "DES"
    AES = "AES"

    def to_json(self) -> str:
        """Give the text."""
        return str(self.value)


@register("snmp-gateway")
@dataclass(eq=False, repr=False)
class SNMPGatewaySpec(ServiceSpec):
    """A gateway that sends alerts to ``snmp_destination`` (``Name:Port`` or ``IPv4:Port``).

    ``credentials`` hold ``snmp_community`` for V2c; for V3 ``snmp_v3_auth_username`` and
    ``snmp_v3_auth_password``, with ``privacy_protocol`` also ``snmp_v3_priv_password``.
    ``engine_id`` (10 to 64 hex digits) is needed for V3. ``port`` is where alerts arrive, 9464.
    """

    SNMPVersion = SNMPVersion
    SNMPAuthType = SNMPAuthType
    SNMPPrivacyType = SNMPPrivacyType
    valid_destination_types: ClassVar[List[str]] = ["Name:Port", "IPv4:Port"]

    service_type: str = "snmp-gateway"
    snmp_version: Optional[str] = None
    snmp_destination: str = ""
    credentials: Dict[str, Any] = field(default_factory=dict)
    engine_id: Optional[str] = None
    auth_protocol: Optional[str] = None
    privacy_protocol: Optional[str] = None
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    port: Optional[int] = None
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Keep what has an enumeration as a member of it, so far as it is one."""
        super().__post_init__()
        self.snmp_version = _member(SNMPVersion, self.snmp_version)
        self.auth_protocol = _member(SNMPAuthType, self.auth_protocol)
        self.privacy_protocol = _member(SNMPPrivacyType, self.privacy_protocol)

    @property
    def ports(self) -> List[int]:
        """The port where alerts arrive."""
        return [self.port or 9464]

    def get_port_start(self) -> List[int]:
        """Give the port where alerts arrive."""
        return self.ports

    def _validate_values(self) -> None:
        super()._validate_values()
        if not self.credentials:
            self._missing("credentials", "a mapping of names and passwords")
        if self.snmp_version not in ("V2c", "V3"):
            self._refuse("snmp_version", "V2c, V3")
        self._validate_destination()
        if self.engine_id is not None and not _ENGINE_ID.fullmatch(self.engine_id):
            self._refuse("engine_id", "10 to 64 hex digits, an even number of them")
        if self.snmp_version == "V3":
            self._validate_v3()
        elif not self.credentials.get("snmp_community"):
            self._missing("credentials: snmp_community", "the community of V2c")

    def _validate_destination(self) -> None:
        host, _, port = self.snmp_destination.rpartition(":")
        name_ok = not host.startswith("[") and valid_addr(host)[0]
        port_ok = port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) <= 65535
        if not (name_ok and port_ok):
            self._refuse("snmp_destination", " or ".join(self.valid_destination_types))

    def _validate_v3(self) -> None:
        if not self.engine_id:
            self._missing("engine_id", "10 to 64 hex digits")
        self._one_of("auth_protocol", "MD5", "SHA")
        self._one_of("privacy_protocol", "DES", "AES")
        needed = ["snmp_v3_auth_username", "snmp_v3_auth_password"]
        if self.privacy_protocol:
            needed.append("snmp_v3_priv_password")
        for name in needed:
            if not self.credentials.get(name):
                self._missing(f"credentials: {name}", "what V3 needs")


def _member(kind: Type[Any], value: Optional[str]) -> Any:
    try:
        return None if value is None else kind(value)
    except ValueError:
        return value
