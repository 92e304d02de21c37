"""The stand-in for AWX as a server: HTTP, TLS, logins, pages and filters."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.awx.access import User
from tests.awx.jobs import Runner
from tests.awx.plans import Planned
from tests.awx.projects import Syncs
from tests.awx.routes import Reply, Routes
from tests.awx.store import Store
from tests.awx.troubles import AFTER, BAD_GATEWAY, BEFORE, CUT, LATE, NO_LOGIN, SLOW

Answer = tuple[int, bytes, dict[str, str]]

_MOST_ROWS = 200
_NO_LOGIN = (
    "Authentication credentials were not provided. To establish a login session, visit /api/login/."
)


class AwxServer:
    """A running stand-in.

    ``trees`` are what repositories hold, see ``Syncs``. ``tokens`` are users and whether they
    write, by token; ``log`` is every request, with its body. ``instead`` takes a reply that is
    given to the next request. ``troubles`` says of a method and a path what goes wrong with the
    request, see ``troubles.py``; ``slowness`` is how many seconds a slow or late one takes. It
    listens at ``address``.
    """

    def __init__(
        self,
        trees: dict[tuple[str, str], Path],
        *,
        base: str = "/api/v2/",
        certificate: tuple[Path, Path] | None = None,
        runner: Runner | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.store = Store()
        self.syncs = Syncs(trees)
        self.base, self.address = base, address
        runner = runner or Planned(lambda job: ("good", "none"))
        self.routes = Routes(self.store, self.syncs, base, runner)
        self.log: list[tuple[str, str, Any]] = []
        self.instead: list[Answer] = []
        self.troubles: Callable[[str, str], str] | None = None
        self.slowness = 1.0
        self._lock = threading.Lock()
        self.admin = self.user("admin", "admin-password", superuser=True)
        self.tokens: dict[str, User] = {"admin-token": User(self.admin)}
        machine = {"name": "Machine", "kind": "ssh", "inputs": _MACHINE_INPUTS}
        self.store.add("credential_types", machine).update(managed=True, namespace="ssh")
        self.http = ThreadingHTTPServer((address, 0), self._handler())
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handshake is that of the connection's own thread: whoever hangs in it holds up
            # nobody, not even the end of the server.
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"{self.scheme}://{self.address}:{self.http.server_port}"

    def keep(self, store: Store) -> None:
        """Take the objects of another AWX."""
        self.store = self.routes.store = self.routes.jobs.store = self.routes.access.store = store

    def user(self, name: str, password: str, *, superuser: bool = False) -> dict[str, Any]:
        """Make a user; return its row."""
        row = {"username": name, "password": password, "is_superuser": superuser}
        return self.store.add("users", row)

    def start(self) -> None:
        """Serve."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()

    def changes(self) -> list[str]:
        """Return the requests that change something, as METHOD PATH."""
        return [f"{method} {path}" for method, path, _ in self.log if method != "GET"]

    def answer(self, method: str, path: str, text: bytes, headers: Any) -> Answer | None:
        """Return what is sent for a request, None where the connection is cut."""
        if self.instead:
            return self.instead.pop(0)
        trouble = self.troubles(method, path) if self.troubles else ""
        if trouble == BEFORE:
            return BAD_GATEWAY
        try:
            body = json.loads(text) if text else None
        except ValueError:
            return 400, b'{"detail":"JSON parse error"}', {}
        if trouble == LATE:
            time.sleep(self.slowness)
        login = "" if trouble == NO_LOGIN else headers.get("Authorization", "")
        status, data = self.reply(method, path, body, login)
        if trouble == CUT:
            return None
        if trouble == AFTER:
            return BAD_GATEWAY
        if trouble == SLOW:
            time.sleep(self.slowness)
        raw = b"" if data == "" else json.dumps(data).encode()
        extra = {"WWW-Authenticate": "Bearer realm=api"} if status == 401 else {}
        return status, raw, {"Content-Type": "application/json", **extra}

    def reply(self, method: str, target: str, body: Any, login: str) -> Reply:
        """Return the answer to a request."""
        parts = urlsplit(target)
        with self._lock:
            self.log.append((method, target, body))
            user = self._login(login)
            if user is None:
                return 401, {"detail": _NO_LOGIN}
            if not parts.path.startswith(self.base):
                return 404, {"detail": "The requested resource could not be found."}
            words = [each for each in parts.path[len(self.base) :].split("/") if each]
            if not words:
                return 200, self.routes.root()
            query = dict(parse_qsl(parts.query))
            rows = self.routes.rows(words, user, query) if method == "GET" else None
            if rows is not None:
                return self._page(parts.path, query, rows)
            if body is not None and not isinstance(body, dict):
                return 400, {"detail": "JSON parse error - not a JSON object"}
            return self.routes.answer(method, words, body or {}, user)

    def _login(self, header: str) -> User | None:
        kind, _, value = header.partition(" ")
        if kind == "Bearer":
            return self.tokens.get(value)
        if kind != "Basic":
            return None
        name, _, password = base64.b64decode(value).decode().partition(":")
        for row in self.store.objects["users"].values():
            if (row["username"], row["password"]) == (name, password):
                return User(row)
        return None

    def _page(self, path: str, query: dict[str, str], rows: list[dict[str, Any]]) -> Reply:
        size = min(int(query.pop("page_size", "25")), _MOST_ROWS)
        number = int(query.pop("page", "1"))
        order = query.pop("order_by", "id")
        for name, value in query.items():
            if rows and not any(_has(row, name) for row in rows):
                return 400, {"detail": f"{path.split('/')[-2]} has no field named '{name}'"}
            rows = [row for row in rows if self._matches(row, name, value)]
        rows = sorted(rows, key=lambda row: row.get(order) or 0)
        pages = max(1, -(-len(rows) // size))
        if not 1 <= number <= pages:
            return 404, {"detail": "Invalid page."}

        def link(page: int) -> str:
            return (
                f"{path}?{urlencode({**query, 'order_by': order, 'page': page, 'page_size': size})}"
            )

        return 200, {
            "count": len(rows),
            "next": link(number + 1) if number < pages else None,
            "previous": link(number - 1) if number > 1 else None,
            "results": rows[(number - 1) * size : number * size],
        }

    def _matches(self, row: dict[str, Any], name: str, value: str) -> bool:
        field, _, how = name.rpartition("__")
        if how == "gte":
            return str(row.get(field) or "") >= value
        if how == "startswith":
            return str(row.get(field) or "").startswith(value)
        there = row.get(name)
        if name == "inventory__organization":
            there = self.store.objects["inventories"].get(row["inventory"], {}).get("organization")
        if isinstance(there, bool):
            return there == (value.lower() == "true")
        return str(there) == value

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = server.answer(self.command, self.path, text, self.headers)
                if answer is None:
                    self.close_connection = True
                else:
                    self._send(*answer)

            def _send(self, status: int, raw: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "X-API-Product-Version": "24.6.1"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                # Who has asked may have gone, as where the answer was slow.
                with contextlib.suppress(OSError):
                    self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        for verb in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler._any)
        return Handler


def _has(row: dict[str, Any], name: str) -> bool:
    return name in row or name.partition("__")[0] in row


_MACHINE_INPUTS = {
    "fields": [
        {"id": "username", "label": "Username", "type": "string"},
        {"id": "password", "label": "Password", "type": "string", "secret": True},
        {"id": "ssh_key_data", "label": "SSH Private Key", "type": "string", "secret": True},
    ]
}
