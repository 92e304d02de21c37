"""Answer Prometheus: the backend's figures at /metrics, and nothing else."""

from __future__ import annotations

import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Optional, Tuple

log = logging.getLogger(__name__)

PATH = "/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Who is slow holds a thread: for so long (seconds), and so many at a time.
PATIENCE = 5.0
MOST = 8


class FiguresServer:
    """One server at most, where the options say; ``text`` makes the figures.

    ``problem`` says why it does not listen although it shall.
    """

    def __init__(self, text: Callable[[], str], patience: float = PATIENCE) -> None:
        self._text, self._patience = text, patience
        self._at: Optional[Tuple[str, int]] = None
        self._server: Optional[_Server] = None
        self.problem = ""

    def follow(self, addr: str, port: int) -> None:
        """Listen at an address, empty for all, and a port; 0 for no port."""
        shall = (addr, port) if port else None
        if shall == self._at and not self.problem:
            return
        self.close()
        self._at = shall
        if shall is None:
            return
        try:
            self._server = _Server(addr, port, self._text, self._patience)
        except (OSError, OverflowError) as error:
            said = getattr(error, "strerror", None) or str(error)
            problem = (
                f"metrics_port {port}: nobody can listen at {addr or 'all addresses'}: {said}. "
                "Set metrics_port to one that is free, or to 0"
            )
            if problem != self.problem:
                log.error("the figures are not given: %s", problem)
            self.problem = problem
            return
        threading.Thread(target=self._server.serve_forever, name="figures", daemon=True).start()

    @property
    def port(self) -> int:
        """Return the port at which it listens, 0 for none."""
        return self._server.server_address[1] if self._server is not None else 0

    def close(self) -> None:
        """Listen no more."""
        self.problem = ""
        server, self._server, self._at = self._server, None, None
        if server is not None:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, addr: str, port: int, text: Callable[[], str], patience: float) -> None:
        self.text, self._patience = text, patience
        self._room = threading.BoundedSemaphore(MOST)
        self._all = not addr
        self.address_family = socket.AF_INET if addr and ":" not in addr else socket.AF_INET6
        if self._all and not socket.has_dualstack_ipv6():
            self.address_family = socket.AF_INET
        everywhere = "::" if self.address_family == socket.AF_INET6 else ""
        super().__init__((addr or everywhere, port), _Handler)

    def server_bind(self) -> None:
        if self._all and self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Not that of HTTPServer: it looks for the host's name, which can take long.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        request.settimeout(self._patience)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("an answer to %s was not taken", client_address[0], exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        try:
            body = self.server.text().encode()
        except Exception:
            log.exception("the figures cannot be made")
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Say who answers, and not which Python."""
        return "ceph-orch-ansible"

    def log_message(self, *args: Any) -> None:
        """Log nothing: each of them is one scrape."""
