"""Many hosts on one machine: addresses of 127.0.0.0/16 behind a few sshd processes.

To Ansible they look like many hosts; what a host costs the controller can be measured. The sshd
side shares the machine's cores, so wall times are only compared with each other.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import List

PER_SSHD = 16
PORT = 2222


class Loopback:
    """``count`` hosts, as a context: their sshd processes end with it.

    ``identity`` is the private key that logs in as the user who runs this, ``keys`` the host key
    that all of them show.
    """

    def __init__(self, count: int) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="loopback-"))
        self.addresses = [f"127.0.{1 + n // 250}.{1 + n % 250}" for n in range(count)]
        self.identity = self._keygen("identity")
        self._host_key = self._keygen("host_key")
        self._processes: List[subprocess.Popen[bytes]] = []

    @property
    def keys(self) -> List[str]:
        """Return the host key as ``type base64``."""
        text = self._host_key.with_suffix(".pub").read_text(encoding="ascii")
        return [" ".join(text.split()[:2])]

    def _keygen(self, name: str) -> Path:
        path = self.directory / name
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
        subprocess.run(argv, check=True)
        return path

    def __enter__(self) -> Loopback:
        Path("/run/sshd").mkdir(exist_ok=True)
        public = self.identity.with_suffix(".pub").read_text(encoding="ascii")
        authorized = self.directory / "authorized_keys"
        authorized.write_text(public, encoding="ascii")
        for start in range(0, len(self.addresses), PER_SSHD):
            self._start(self.addresses[start : start + PER_SSHD], authorized)
        time.sleep(1.0)
        return self

    def _start(self, addresses: List[str], authorized: Path) -> None:
        config = self.directory / f"sshd_config_{len(self._processes)}"
        lines = [f"ListenAddress {address}:{PORT}" for address in addresses]
        lines += [
            f"HostKey {self._host_key}",
            f"AuthorizedKeysFile {authorized}",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            "MaxStartups 1000",
            "MaxSessions 100",
            "Subsystem sftp internal-sftp",
            "PermitRootLogin prohibit-password",
            # bash reads ~/.bashrc for every command of sshd's unless it is a nested shell.
            "SetEnv SHLVL=2",
        ]
        config.write_text("\n".join(lines) + "\n", encoding="ascii")
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        argv = [sshd, "-D", "-q", "-f", str(config)]
        self._processes.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL))

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
