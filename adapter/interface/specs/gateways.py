"""The way in to the dashboard and monitoring: the management gateway and its login proxy."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Union
from urllib.parse import urlparse

from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, register

_SWITCHES = (
    "ssl_prefer_server_ciphers",
    "ssl_session_tickets",
    "ssl_stapling",
    "ssl_stapling_verify",
)
_TIMEOUT = re.compile(r"[0-9]{1,9}[smhd]")
_CACHES = ("none", "off", "builtin", "shared")


@register("mgmt-gateway")
@dataclass(eq=False, repr=False)
class MgmtGatewaySpec(ServiceSpec):
    """One entrance (nginx) to dashboard, Prometheus, Grafana and Alertmanager.

    ``ssl_*`` and ``server_tokens`` are nginx's settings of these names; switches are ``on`` or
    ``off``. ``enable_auth`` asks for a login through the ``oauth2-proxy`` service.
    """

    service_type: str = "mgmt-gateway"
    service_id: Optional[str] = None
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    placement: PlacementSpec = NO_PLACEMENT
    ssl: Optional[bool] = True
    enable_auth: Optional[bool] = False
    port: Optional[int] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    ssl_prefer_server_ciphers: Union[bool, str, None] = None
    ssl_session_tickets: Union[bool, str, None] = None
    ssl_session_timeout: Optional[str] = None
    ssl_session_cache: Optional[str] = None
    server_tokens: Union[bool, str, None] = None
    ssl_stapling: Union[bool, str, None] = None
    ssl_stapling_verify: Union[bool, str, None] = None
    ssl_protocols: Optional[List[str]] = None
    ssl_ciphers: Union[str, List[str], None] = None
    enable_health_check_endpoint: bool = False
    virtual_ip: Optional[str] = None
    preview_only: bool = False
    unmanaged: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None

    def __post_init__(self) -> None:
        """Bring switches back into words: YAML reads ``on`` and ``off`` as true and false."""
        super().__post_init__()
        for name in (*_SWITCHES, "server_tokens"):
            value = getattr(self, name)
            if isinstance(value, bool):
                setattr(self, name, "on" if value else "off")

    def get_port_start(self) -> List[int]:
        """Give the port, if the spec names one."""
        return [self.port] if self.port else []

    def _validate_values(self) -> None:
        super()._validate_values()
        if self.port == 0:
            self._refuse("port", "a port, 1 to 65535")
        for name in _SWITCHES:
            self._one_of(name, "on", "off")
        self._one_of("server_tokens", "on", "off", "build", "string")
        for protocol in self.ssl_protocols or []:
            if protocol not in ("TLSv1.2", "TLSv1.3"):
                self._refuse("ssl_protocols", "TLSv1.2, TLSv1.3", protocol)
        if self.ssl_session_timeout and not _TIMEOUT.fullmatch(self.ssl_session_timeout):
            self._refuse("ssl_session_timeout", "a number and s, m, h or d, such as 5m")
        if self.ssl_session_cache and not self.ssl_session_cache.startswith(_CACHES):
            self._refuse("ssl_session_cache", "none, off, builtin[:SIZE], shared:NAME:SIZE")


@register("oauth2-proxy")
@dataclass(eq=False, repr=False)
class OAuth2ProxySpec(ServiceSpec):
    """A login through an OpenID Connect provider, in front of the management gateway.

    ``https_address`` (``ADDRESS:PORT``) is where it listens. ``oidc_issuer_url`` is the
    provider, ``client_id`` and ``client_secret`` are the registration there, ``redirect_url`` is
    where the provider sends the user back to. ``cookie_secret`` is 16, 24 or 32 bytes, best in
    base64; whoever deploys the service makes one if there is none (Ceph's class makes one itself,
    so that reading the same JSON twice gives two different specs).
    """

    service_type: str = "oauth2-proxy"
    service_id: Optional[str] = None
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    placement: PlacementSpec = NO_PLACEMENT
    https_address: Optional[str] = None
    provider_display_name: Optional[str] = None
    client_id: Optional[str] = None
    client_secret: Optional[str] = None
    oidc_issuer_url: Optional[str] = None
    redirect_url: Optional[str] = None
    cookie_secret: Optional[str] = None
    ssl_cert: Optional[str] = None
    ssl_key: Optional[str] = None
    allowlist_domains: Optional[List[str]] = None
    unmanaged: bool = False
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    preview_only: bool = False

    def get_port_start(self) -> List[int]:
        """Give the port."""
        return [4180]

    def generate_random_secret(self) -> str:
        """Make a cookie secret: 32 random bytes in base64."""
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()

    def _validate_values(self) -> None:
        super()._validate_values()
        for name in ("provider_display_name", "client_id", "client_secret"):
            if not getattr(self, name):
                self._missing(name, "a string that is not empty")
        if not self.oidc_issuer_url:
            self._missing("oidc_issuer_url", "a URL")
        for name in ("oidc_issuer_url", "redirect_url"):
            url = getattr(self, name)
            if url and not _is_url(url):
                self._refuse(name, "a URL such as https://login.example.com/realm")
        if self.https_address and not _is_endpoint(self.https_address):
            self._refuse("https_address", "ADDRESS:PORT, the port 0 to 65535")
        if self.cookie_secret and _secret_length(self.cookie_secret) not in (16, 24, 32):
            self._refuse("cookie_secret", "16, 24 or 32 bytes, best in base64")


def _is_url(text: str) -> bool:
    try:
        parts = urlparse(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _is_endpoint(text: str) -> bool:
    host, _, port = text.rpartition(":")
    digits = port.isascii() and port.isdecimal() and len(port) < 6
    return bool(host) and digits and int(port) <= 65535


def _secret_length(secret: str) -> int:
    """Count the bytes of a secret, in base64 (either alphabet) if it can be that."""
    raw = secret.encode()
    try:
        return len(base64.urlsafe_b64decode(raw))
    except (ValueError, binascii.Error):
        return len(raw)
