"""How the orchestrator reaches its hosts: the key, the pinned host keys, the probe.

``SshAccess`` is what the other packages hold; ``Ssh`` is its protocol, ``MemoryAccess`` its
in-memory fake.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Protocol, Tuple

from adapter.engine.model import Target
from adapter.engine.ssh import MemoryProber, ProbeResult, SshProber
from adapter.engine.ssh_files import PinnedHost, SshFiles


class Ssh(Protocol):
    """What is needed of ssh by those who manage hosts."""

    def ready(self) -> str:
        """Return what is missing before any host can be reached, or nothing."""
        ...

    def pin(self, hosts: Iterable[PinnedHost]) -> None:
        """Know exactly these hosts, each by its own keys."""
        ...

    def resolve(self, name: str) -> str:
        """Return the address that a name means here, an empty text where it means none."""
        ...

    def probe(
        self, target: Target, *, learn_keys: bool = False, as_root: bool = False
    ) -> ProbeResult:
        """Look whether a host can be used; never raises for what the network does.

        ``as_root`` also looks whether the user may become root there, or run the invoker.
        """
        ...

    def close(self, target: Target, *, gently: bool = False) -> None:
        """End the shared connection to a host; ``gently`` not what runs over it."""
        ...


class SshAccess:
    """ssh on the files of one state directory. ``user`` logs in where a host has no own.

    ``command`` is what an operator types to see to the key (``ceph ansible``).
    """

    def __init__(self, state_dir: Path, user: str, command: str = "") -> None:
        self.files = SshFiles(state_dir, user=user)
        if command:
            self.files.key_description = f"that `{command} get-pub-key` prints"
            self.files.how_to_get_a_key = (
                f"Make one with `{command} generate-key`, or set one with "
                f"`{command} set-priv-key -i FILE`."
            )
        self._own_identity = self.files.identity_path
        self._prober = SshProber(self.files)
        self._hosts: List[PinnedHost] = []
        self._identity: Tuple[Path, str] = (self._own_identity, _text(self._own_identity))

    def ready(self) -> str:
        """Return what is missing, or nothing."""
        return self.files.ready()

    def pin(self, hosts: Iterable[PinnedHost]) -> None:
        """Write the files, and close connections that were made with another key."""
        self._hosts = list(hosts)
        for target in self.files.write(self._hosts):
            self.close(target)

    def resolve(self, name: str) -> str:
        """Return the address that a name means here, IPv4 before IPv6, or an empty text."""
        try:
            rows = socket.getaddrinfo(name, 22, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ""
        rows.sort(key=lambda row: row[0] != socket.AF_INET)
        return str(rows[0][4][0]) if rows else ""

    def probe(
        self, target: Target, *, learn_keys: bool = False, as_root: bool = False
    ) -> ProbeResult:
        """Look whether a host can be used, within a few seconds."""
        return self._prober.probe(target, learn_keys=learn_keys, as_root=as_root)

    def close(self, target: Target, *, gently: bool = False) -> None:
        """End the shared connection to a host; ``gently`` not what runs over it."""
        self._prober.close(target, gently=gently)

    def use_identity(self, path: str) -> None:
        """Use a private key file that belongs to somebody else."""
        self._use(Path(path), _text(Path(path)))

    def keep_key(self, private: Optional[str]) -> None:
        """Keep a private key in the state directory and use it; None removes it."""
        before = _text(self._own_identity)
        if private is None:
            self._own_identity.unlink(missing_ok=True)
        elif before.strip() != private.strip():
            self.files.identity_path = self._own_identity
            self.files.set_identity(private)
        self._use(self._own_identity, private or "")

    def _use(self, path: Path, private: str) -> None:
        """Log in with this key from now on, also where a connection of another is still open."""
        changed = (path, private.strip()) != self._identity
        self._identity = (path, private.strip())
        self.files.identity_path = path
        self.pin(self._hosts)
        if changed:
            for target, _ in self._hosts:
                self.close(target, gently=True)

    def generate_key(self) -> Tuple[str, str]:
        """Make a new key pair: the private text and the public line. Nothing is kept."""
        pair = self.files.generate_key()
        return pair.private, pair.public

    def check_key(self, private: str) -> str:
        """Return the public line of a private key; raises ``InvalidValue``."""
        return self.files.check_key(private)

    def public_key(self) -> str:
        """Return the public line of the key in use, or nothing."""
        return self.files.public_key()

    def private_key(self) -> str:
        """Return the private key in use, or nothing."""
        return _text(self.files.identity_path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


class MemoryAccess:
    """The in-memory fake: hosts answer as ``answers`` says, by address; others well.

    ``names`` are the names that mean an address.
    """

    def __init__(self, answers: Optional[Dict[str, ProbeResult]] = None, problem: str = "") -> None:
        self.names: Dict[str, str] = {}
        self.prober = MemoryProber(answers or {})
        self.problem = problem
        self.pinned: List[PinnedHost] = []
        self.closed: List[Target] = []
        self.key: Optional[str] = None

    def check_key(self, private: str) -> str:
        """Take any text for a key."""
        return private

    def public_key(self) -> str:
        """Return the text that was kept."""
        return self.key or ""

    def private_key(self) -> str:
        """Return the text that was kept."""
        return self.key or ""

    def keep_key(self, private: Optional[str]) -> None:
        """Remember the key."""
        self.key = private

    def ready(self) -> str:
        """Return the problem given."""
        return self.problem

    def pin(self, hosts: Iterable[PinnedHost]) -> None:
        """Remember the hosts."""
        self.pinned = list(hosts)

    def resolve(self, name: str) -> str:
        """Return the address given for the name."""
        return self.names.get(name, "")

    def probe(
        self, target: Target, *, learn_keys: bool = False, as_root: bool = False
    ) -> ProbeResult:
        """Answer as told."""
        return self.prober.probe(target, learn_keys=learn_keys, as_root=as_root)

    def close(self, target: Target, *, gently: bool = False) -> None:
        """Remember that it was closed."""
        self.closed.append(target)
