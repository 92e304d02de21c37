"""Grafana on a host: its command, its secret, its certificate, and when it is restarted."""

from __future__ import annotations

import os
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Iterator, Tuple

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.program_parts import read_told
from plugins.module_utils.daemons.kinds.registry import KINDS, extras_of
from plugins.module_utils.system.http_answer import http_status
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.daemons.kinds.test_program import SYSTEMCTL
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
DROP_IN = "etc/systemd/system/grafana-server.service.d/ceph-orch.conf"
FOLDER = "etc/ceph-orch-ansible/grafana"
FILES = {
    "grafana.ini": "[users]\n",
    "provisioning/datasources/ceph.yml": "{}\n",
    "dashboards/orchestrator.json": "{}\n",
    "admin_password": "S3cret\n",
}
TLS = {"protocol": "https"}


class Answers(BaseHTTPRequestHandler):
    """A server that is well."""

    def do_GET(self) -> None:
        """Answer as Grafana's health does."""
        self.send_response(200 if self.path == KINDS["grafana"].path else 404)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def serve(roots: Roots, tls: bool = False) -> Tuple[HTTPServer, int]:
    """Answer as a Grafana that is well, with the certificate of the host if so wished."""
    server = HTTPServer(("127.0.0.1", 0), Answers)
    if tls:
        folder = Path(roots.etc) / "ceph-orch-ansible/grafana"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, int(server.server_address[1])


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl writes down what it is asked, with a real openssl."""
    openssl = next(each for each in ("/usr/bin/openssl", "/bin/openssl") if os.path.exists(each))
    programs = only_programs_of(tmp_path, monkeypatch)
    (programs / "systemctl").write_text(SYSTEMCTL.replace("TOP", str(tmp_path)))
    (programs / "systemctl").chmod(0o755)
    (programs / "openssl").symlink_to(openssl)
    (tmp_path / "proc").mkdir()
    monkeypatch.setenv("STATE", "active running")
    monkeypatch.setenv("STARTED", str(int((time.monotonic() + 60) * 1e6)))
    return Roots(dev="none", **{name: str(tmp_path / name) for name in ("etc", "var", "proc")})


@pytest.fixture
def port(roots: Roots) -> Iterator[int]:
    """Return where one answers without TLS."""
    server, found = serve(roots)
    yield found
    server.shutdown()
    server.server_close()


def wanted(roots: Roots, **fields: Any) -> Wanted:
    given = {"port": 3000, "files": FILES, **fields}
    return Wanted(Daemon(roots, "grafana", "h1"), cluster=FSID, **given)


def verdict(roots: Roots, one: Wanted) -> str:
    deployment = Deployment(roots, [one], extras_of(roots), 1)
    deployment.refuse(False)
    deployment.predict()
    return str(deployment.rows[0]["state"])


def test_its_command_says_where_everything_is(roots: Roots, tmp_path: Path) -> None:
    one = wanted(roots, addr="fd00::1", args=["cfg:users.default_theme=dark"])
    extras_of(roots)["grafana"].setup(one)
    command = (tmp_path / DROP_IN).read_text().splitlines()[-1]
    words = command.replace('"', "").split()
    assert words[:2] == ["ExecStart=/usr/share/grafana/bin/grafana", "server"]
    assert words[-1] == "cfg:users.default_theme=dark"
    for each in ("server.protocol=http", "server.http_addr=fd00::1", "server.http_port=3000"):
        assert f"cfg:{each}" in words
    flags = [word.startswith("--") for word in words[2:]]
    assert flags == sorted(flags, reverse=True), "flags behind settings are not read"
    assert "S3cret" not in command
    assert read_told(str(tmp_path / DROP_IN)) == (FSID, "fd00::1", 3000, False)


def test_a_password_is_for_its_user_alone(roots: Roots, tmp_path: Path) -> None:
    extras_of(roots)["grafana"].setup(wanted(roots))
    modes = {name: (tmp_path / FOLDER / name).stat().st_mode & 0o777 for name in FILES}
    assert modes.pop("admin_password") == 0o600
    assert set(modes.values()) == {0o644}
    (tmp_path / FOLDER / "admin_password").chmod(0o644)
    assert extras_of(roots)["grafana"].needs_setup(wanted(roots)), "anybody may read it"


def test_a_file_that_changes_restarts_it_also_where_that_was_cut_off(
    roots: Roots, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, one = extras_of(roots)["grafana"], wanted(roots, port=port)
    files.setup(one)
    assert verdict(roots, one) == "present"
    sources = {"provisioning/datasources/ceph.yml": "{a: 1}\n"}
    other = wanted(roots, port=port, files={**FILES, **sources})
    assert verdict(roots, other) == "would be restarted"
    os.utime(tmp_path / DROP_IN, (1, 1))
    monkeypatch.setenv("STARTED", str(int((time.monotonic() - 5) * 1e6)))
    assert verdict(roots, one) == "present"
    files.setup(other)
    # The files are there, and nobody has restarted it yet.
    assert not files.needs_setup(other)
    assert verdict(roots, other) == "would be restarted"


def test_it_makes_a_certificate_once(roots: Roots, tmp_path: Path) -> None:
    files = extras_of(roots)["grafana"]
    files.setup(wanted(roots, settings=TLS, addr="127.0.0.1"))
    certificate, key = (tmp_path / FOLDER / each for each in ("tls.crt", "tls.key"))
    assert key.stat().st_mode & 0o777 == 0o600
    before = certificate.read_text()
    server, port = serve(roots, tls=True)
    one = wanted(roots, settings=TLS, addr="127.0.0.1", port=port)
    files.setup(one)
    assert certificate.read_text() == before, "an administrator's own one would be written over"
    assert verdict(roots, one) == "present"
    assert http_status("", port, "/api/health", 1) == 0, "it answers without TLS"
    told = read_told(str(tmp_path / DROP_IN))
    assert told is not None
    assert told.tls
    key.unlink()
    assert verdict(roots, one) == "would be restarted"
    server.shutdown()
    server.server_close()


def test_nothing_of_it_stays_but_its_database(roots: Roots, tmp_path: Path) -> None:
    files = extras_of(roots)["grafana"]
    one = wanted(roots, settings=TLS)
    files.setup(one)
    files.cleanup(one.daemon)
    assert not (tmp_path / FOLDER).parent.exists()
    assert not (tmp_path / DROP_IN).exists()
    assert Path(files.data_of(one.daemon)) == tmp_path / "var/lib/grafana/ceph-orch"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"files": {}}, "grafana.ini is missing"),
        ({"settings": {"protocol": "h2"}}, "protocol of settings is neither http nor https"),
        ({"files": {**FILES, "../../passwd": ""}}, "it has no such file"),
        ({"files": {**FILES, "tls.key": ""}}, "it has no such file"),
    ],
)
def test_what_it_could_not_use_is_refused(roots: Roots, fields: Any, says: str) -> None:
    with pytest.raises(DaemonRefused, match=says):
        verdict(roots, wanted(roots, **fields))


def test_a_certificate_that_cannot_be_made_is_told(roots: Roots, tmp_path: Path) -> None:
    openssl = tmp_path / "bin/openssl"
    openssl.unlink()
    openssl.write_text("#!/bin/sh\necho 'unknown option -addext' >&2\nexit 1\n")
    openssl.chmod(0o755)
    with pytest.raises(DaemonRefused, match="openssl makes no certificate: unknown option -addext"):
        extras_of(roots)["grafana"].setup(wanted(roots, settings=TLS))
    assert not list((tmp_path / FOLDER).glob("tls.*"))
