"""One request to AWX and its answer, over TLS that is verified.

The certificate is verified by the system's authorities, by those of a file, or it is the one whose
fingerprint is known. No redirection is followed: the login goes to the server that was named.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional
from urllib.parse import urlsplit

from adapter.awxapi.login import Login
from adapter.errors import AdapterError, InvalidValue, NotReady

# A page of 200 job templates has less than a hundredth of it.
_MOST_BYTES = 64 << 20
_SECONDS = 60.0
_FINGERPRINT = 64


@dataclass(frozen=True)
class Server:
    """Where AWX is.

    ``url`` is https://HOST[:PORT], ``base`` the path of the interface. ``ca_file`` names the
    authorities (empty: the system's), ``fingerprint`` is the SHA-256 of the server's own
    certificate, 64 hexadecimal digits, which then counts alone.
    """

    url: str
    base: str = "/api/v2"
    ca_file: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and the body as data (None where it is not JSON)."""

    status: int
    data: Any


class _CertificateRefused(Exception):
    """Say which fingerprint the server's certificate has."""


class _PinnedConnection(http.client.HTTPSConnection):
    """A connection to the one server whose certificate has the fingerprint."""

    fingerprint = ""

    def connect(self) -> None:
        """Connect, and look at the certificate before anything is sent."""
        super().connect()
        certificate = self.sock.getpeercert(binary_form=True) or b""
        found = hashlib.sha256(certificate).hexdigest()
        if not hmac.compare_digest(found, self.fingerprint):
            self.close()
            raise _CertificateRefused(found)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, server: Server) -> None:
        self.tls = _tls(server)
        super().__init__(context=self.tls)
        self._fingerprint = server.fingerprint

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open a connection; with a fingerprint one that compares it."""
        kind: Any = http.client.HTTPSConnection
        if self._fingerprint:
            kind = type("_Pinned", (_PinnedConnection,), {"fingerprint": self._fingerprint})
        return self.do_open(functools.partial(kind, context=self.tls), request)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class Connection:
    """Requests to one AWX; ``turn`` is called before each and may wait."""

    def __init__(
        self,
        server: Server,
        login: Login,
        seconds: float = _SECONDS,
        turn: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        self._turn = turn
        self._login = login
        self._seconds = seconds
        check_server(server)
        handlers = [_NoRedirection()]
        if server.url.startswith("https:"):
            handlers.append(_Https(server))  # type: ignore[arg-type]
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Answer:
        """Send a request; ``path`` begins with a slash.

        Raises ``NotReady`` where there is no answer. Every status that AWX gives is an answer.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise AdapterError(f"AWX names an address of another server: {path!r}.")
        headers = {"Accept": "application/json", "Authorization": self._login.header}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 -- https, or this very machine
            self.server.url + path, data=data, headers=headers, method=method
        )
        self._turn()
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                return Answer(response.status, _data(response.read(_MOST_BYTES + 1)))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _data(error.read(_MOST_BYTES + 1)))
        except _CertificateRefused as error:
            raise self._unknown(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from None

    def _unknown(self, found: str) -> NotReady:
        return NotReady(
            f"AWX at {self.server.url} has another certificate than the one that is pinned: its "
            f"SHA-256 is {found}.",
            "If it was renewed, compare with AWX's administrator and set certificate_sha256.",
        )

    def _silent(self, error: Exception) -> NotReady:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return NotReady(
                f"The certificate of AWX at {self.server.url} cannot be verified: "
                f"{reason.verify_message}.",
                "Give the certificate of its authority (ca_file in awx.yml, `ceph ansible awx "
                "set-ca -i FILE` of managers), or the fingerprint of its own (certificate_sha256).",
            )
        said = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
        return NotReady(f"AWX at {self.server.url} does not answer: {said}.", "Check url.")


def _tls(server: Server) -> ssl.SSLContext:
    if server.fingerprint:
        # The fingerprint takes the place of the chain: see _PinnedConnection.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except OSError as error:
        raise InvalidValue(
            "ca_file", server.ca_file, error.strerror or str(error), "Name a file with PEM texts."
        ) from None


def check_server(server: Server, field: str = "url") -> None:
    """Raise ``InvalidValue`` for a url that cannot be; ``field`` is what it is called there."""
    parts = urlsplit(server.url)
    if parts.username or parts.path or parts.query or parts.fragment or not parts.hostname:
        raise InvalidValue(
            field,
            server.url,
            "it is not https://HOST or https://HOST:PORT",
            "base_path has the path.",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
        raise InvalidValue(
            field, server.url, "the login would go over the network in clear", "Use https://."
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _data(body: bytes) -> Any:
    if len(body) > _MOST_BYTES:
        return None
    try:
        return json.loads(body) if body.strip() else ""
    except ValueError:
        return None
