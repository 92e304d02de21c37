"""Make a certificate for a program of this host that answers with TLS: it signs itself."""

from __future__ import annotations

import os
import socket
import tempfile
from typing import Tuple

from ...system.atomic_write import read_whole, write_text
from ...system.command import find_program, last_line, run
from .base import DaemonRefused

# As long as the certificates that Ceph makes for its dashboard.
_DAYS = 3650
_TIMEOUT = 60.0


def make_certificate(paths: Tuple[str, str], addr: str, owner: Tuple[int, int]) -> None:
    """Write a certificate of this host and its key; raises ``DaemonRefused``.

    ``addr`` is the address that is bound, empty for all. The key is the owner's alone.
    """
    program = find_program("openssl")
    if not program:
        raise DaemonRefused(
            "The host has no program openssl, which makes the certificate. Install the package "
            "openssl, or let the service answer without TLS (protocol: http)."
        )
    name = socket.gethostname()
    names = [f"DNS:{name}", *([f"IP:{addr}"] if addr else [])]
    certificate, key = paths
    with tempfile.TemporaryDirectory(prefix="ceph-orch-") as folder:
        made = [os.path.join(folder, each) for each in ("crt", "key")]
        argv = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"]
        argv += ["-days", str(_DAYS), "-subj", f"/CN={name[:64]}"]
        argv += ["-addext", f"subjectAltName={','.join(names)}"]
        answer = run([*argv, "-out", made[0], "-keyout", made[1]], _TIMEOUT)
        if answer.status != 0:
            said = last_line(answer.err) or answer.problem
            raise DaemonRefused(f"openssl makes no certificate: {said}.")
        # The key first: a certificate without its key is made anew.
        write_text(key, read_whole(made[1]), 0o600, owner)
        write_text(certificate, read_whole(made[0]), 0o644)
