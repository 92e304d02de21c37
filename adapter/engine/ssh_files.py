"""The files that every ssh of this project reads: its configuration, pinned host keys, the key.

The probe of a host, Ansible's connections and an operator who debugs (``ssh -F STATE/ssh_config
HOST``) use the same configuration, so they see the same thing and share connections.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from adapter.engine.files import (
    PRIVATE_FILE,
    PathLike,
    private_dir,
    write_if_changed,
    write_private,
)
from adapter.engine.model import Target
from adapter.errors import InvalidValue
from adapter.interface.confidential import HIDDEN
from adapter.programs import TimeoutExpired, run_program

# sun_path has 108 bytes; ssh binds "PATH.<16 random characters>" first, and %C is 40 characters.
_SOCKET_LENGTH = 104 - 17
_HASH_LENGTH = 40
_KEYGEN_TIMEOUT = 30.0

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:]{2,39}(?:(?<=:)[0-9.]{7,15})?")
_PYTHON = re.compile(r"/[A-Za-z0-9/._+-]+")
_GROUPS = ("all", "ungrouped")
_KEY_LINE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@._-]+ [A-Za-z0-9+/]+={0,3}")

PinnedHost = Tuple[Target, Sequence[str]]


@dataclass(frozen=True)
class KeyPair:
    """A private key and its public line, as texts."""

    private: str
    public: str


def check_target(target: Target) -> Target:
    """Return the target if ssh and Ansible may be given its parts; raises ``InvalidValue``.

    Names and addresses cannot begin with a dash nor hold anything that a shell, a pattern or
    ssh's configuration reads as more than a letter.
    """
    remedy = "Use a login name of letters, digits, '_', '.', '-'."
    if not _USER.fullmatch(target.user):
        raise InvalidValue("ssh user", target.user, "it is not a login name", remedy)
    if not _NAME.fullmatch(target.name):
        raise InvalidValue("host name", target.name, "it is not a host name")
    if target.name in _GROUPS:
        raise InvalidValue("host name", target.name, "in Ansible it is the name of a group")
    if target.connection not in ("ssh", "local"):
        raise InvalidValue("connection", target.connection, "it is neither ssh nor local")
    if not is_python(target.python):
        raise InvalidValue("python", target.python, "it is not the path of an interpreter")
    if not (_NAME.fullmatch(target.addr) or _IPV6.fullmatch(target.addr)):
        raise InvalidValue("address", target.addr, "it is neither an IP address nor a host name")
    if isinstance(target.port, bool) or not 0 < target.port < 65536:
        raise InvalidValue("port", target.port, "it is not a port number")
    return target


def is_python(path: str) -> bool:
    """Tell whether a path can be given to Ansible as an interpreter."""
    return bool(_PYTHON.fullmatch(path))


def known_host_name(target: Target) -> str:
    """Return the name under which known_hosts has a target."""
    return target.addr if target.port == 22 else f"[{target.addr}]:{target.port}"


class SshFiles:
    """Keep ``ssh_config``, ``known_hosts`` and the key of one state directory.

    ``identity_path`` is an existing private key to be used instead of ``STATE/identity``.
    ``user`` is the login name where a target has none of its own.
    """

    def __init__(
        self,
        state_dir: PathLike,
        identity_path: Optional[PathLike] = None,
        user: str = "root",
        *,
        connect_timeout: int = 5,
        control_persist: int = 600,
    ) -> None:
        self.state_dir = private_dir(Path(state_dir).absolute())
        self.identity_path = Path(identity_path or self.state_dir / "identity")
        self.config_path = self.state_dir / "ssh_config"
        self.known_hosts_path = self.state_dir / "known_hosts"
        self.control_dir: Optional[Path] = None
        self.user = user
        # Words of the door that keeps the key, for messages.
        self.key_description = ""
        self.how_to_get_a_key = "Generate one, or set one."
        self._connect_timeout = connect_timeout
        self._control_persist = control_persist
        self._hosts: Tuple[PinnedHost, ...] = ()
        self._pinned: Dict[str, Tuple[str, ...]] = {}
        if not self.config_path.exists():
            self.write(())

    def ready(self) -> str:
        """Return what is missing before ssh can be used, or nothing."""
        if not shutil.which("ssh"):
            return "There is no ssh client on this machine. Install the package openssh-client."
        if not os.access(self.identity_path, os.R_OK):
            return f"There is no ssh key ({self.identity_path}). {self.how_to_get_a_key}"
        return self._close_key()

    def _close_key(self) -> str:
        """Return what is wrong where others may use the key; the copy of our own is mended."""
        try:
            mode = stat.S_IMODE(self.identity_path.stat().st_mode)
            if not mode & 0o077:
                return ""
            if self.identity_path == self.state_dir / "identity":
                self.identity_path.chmod(PRIVATE_FILE)
                return ""
        except OSError as error:
            return f"The ssh key {self.identity_path} cannot be kept from others: {error.strerror}."
        return (
            f"Other users may read the ssh key {self.identity_path} (mode {mode:04o}). "
            "Give it the mode 0600."
        )

    def write(self, hosts: Iterable[PinnedHost]) -> List[Target]:
        """Write both files for exactly these hosts, if they changed.

        ``hosts`` are pairs of a target and its pinned keys (lines ``type base64``); local targets
        are left out. Returns the targets that were pinned before with other keys: a connection
        that is still open to one of them was made with the old key. Raises ``InvalidValue``.
        """
        pairs = [
            (check_target(target), tuple(check_key_line(key) for key in keys))
            for target, keys in hosts
            if target.connection == "ssh"
        ]
        if pairs:
            self.prepare()
        lines: List[str] = []
        pinned: Dict[str, Tuple[str, ...]] = {}
        changed: List[Target] = []
        for target, keys in pairs:
            name = known_host_name(target)
            pinned[name] = keys
            lines.extend(f"{name} {key}" for key in keys)
            before = self._pinned.get(name)
            if before and before != keys:
                changed.append(target)
        write_if_changed(self.known_hosts_path, "".join(f"{line}\n" for line in lines))
        write_if_changed(self.config_path, self._config([target for target, _ in pairs]))
        self._hosts, self._pinned = tuple(pairs), pinned
        return changed

    def prepare(self) -> None:
        """Make the directory of the shared connections; ssh does not work when it is missing.

        One below /tmp may have been removed by those who clean there.
        """
        self.control_dir = _control_dir(self.state_dir)

    def rewrite(self) -> None:
        """Write both files again, after ``user`` or ``identity_path`` was set."""
        self.write(self._hosts)

    def set_identity(self, private_key: str) -> str:
        """Keep a private key (after ``check_key``) as the identity; return its public line."""
        public = self.check_key(private_key)
        write_private(self.identity_path, private_key.rstrip("\n") + "\n")
        return public

    def generate_key(self, comment: str = "ceph-orch-ansible") -> KeyPair:
        """Make a new ed25519 key pair. Nothing of it is kept here.

        Raises ``InvalidValue`` if ssh-keygen cannot.
        """
        with tempfile.TemporaryDirectory(prefix="key-", dir=self.state_dir) as directory:
            path = Path(directory) / "key"
            _keygen("-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
            public = path.with_name("key.pub").read_text(encoding="ascii")
            return KeyPair(path.read_text(encoding="ascii"), public.strip())

    def check_key(self, private_key: str) -> str:
        """Return the public line of a private key's text.

        Raises ``InvalidValue``, without the key, where it has a passphrase or is not one.
        """
        with tempfile.TemporaryDirectory(prefix="key-", dir=self.state_dir) as directory:
            path = Path(directory) / "key"
            write_private(path, private_key.rstrip("\n") + "\n")
            return _keygen("-y", "-P", "", "-f", str(path)).strip()

    def public_key(self) -> str:
        """Return the identity's public line, or nothing if there is no identity."""
        if not os.access(self.identity_path, os.R_OK):
            return ""
        return _keygen("-y", "-P", "", "-f", str(self.identity_path)).strip()

    def _config(self, targets: Sequence[Target]) -> str:
        lines = ["# Written by ceph-orch-ansible; what is changed here will be overwritten.", ""]
        for target in targets:
            if (target.name, target.port, target.user) != (target.addr, 22, self.user):
                lines.append(f"Host {target.name} {target.addr}")
                lines.append(f"  HostName {target.addr}")
                lines.append(f"  Port {target.port}")
                lines.append(f"  User {target.user}")
        lines.append("Host *")
        lines.extend(f"  {line}" for line in self._defaults())
        return "\n".join(lines) + "\n"

    def _defaults(self) -> List[str]:
        lines = [
            f"User {self.user}",
            f"IdentityFile {_quoted(self.identity_path)}",
            "IdentitiesOnly yes",
            "IdentityAgent none",
            f"UserKnownHostsFile {_quoted(self.known_hosts_path)}",
            "GlobalKnownHostsFile /dev/null",
            "StrictHostKeyChecking yes",
            "UpdateHostKeys no",
            "HashKnownHosts no",
            "CheckHostIP no",
            "BatchMode yes",
            "PasswordAuthentication no",
            "PreferredAuthentications publickey",
            "ForwardAgent no",
            "ForwardX11 no",
            "PermitLocalCommand no",
            f"ConnectTimeout {self._connect_timeout}",
            "ConnectionAttempts 1",
            "ServerAliveInterval 5",
            "ServerAliveCountMax 3",
        ]
        if self.control_dir is not None:
            lines += [
                "ControlMaster auto",
                f"ControlPersist {self._control_persist}",
                f"ControlPath {_quoted(self.control_dir)}/%C",
            ]
        return lines


def check_key_line(line: str) -> str:
    """Return a host key as ``type base64``; raises ``InvalidValue``."""
    parts = line.split()
    key = " ".join(parts[:2])
    if not _KEY_LINE.fullmatch(key):
        raise InvalidValue("ssh host key", line, "it is not of the form 'type base64'")
    return key


def _quoted(path: Path) -> str:
    text = str(path)
    if re.search(r'["\n$]', text):
        raise InvalidValue("path", text, "ssh's configuration cannot hold it")
    text = text.replace("%", "%%")
    # A quoted ControlPath could not be followed by its %C, and most paths need no quotes.
    return f'"{text}"' if re.search(r"\s|#|'", text) else text


def _control_dir(state_dir: Path) -> Optional[Path]:
    """Return a directory of our own that is short enough for a socket, or None."""
    wanted = state_dir / "cp"
    if _fits(wanted):
        return private_dir(wanted)
    digest = hashlib.sha256(str(state_dir).encode()).hexdigest()[:8]
    fallback = Path(tempfile.gettempdir()) / f"ceph-orch-{os.getuid()}-{digest}"
    try:
        fallback.mkdir(mode=0o700, exist_ok=True)
        found = fallback.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return fallback if ours and not found.st_mode & 0o077 and _fits(fallback) else None


def _fits(directory: Path) -> bool:
    text = str(directory)
    return len(os.fsencode(text)) + 1 + _HASH_LENGTH <= _SOCKET_LENGTH and " " not in text


def _keygen(*arguments: str) -> str:
    """Run ssh-keygen and return what it printed; raises ``InvalidValue`` with its reason."""
    try:
        done = run_program(["ssh-keygen", *arguments], _KEYGEN_TIMEOUT)
    except (OSError, TimeoutExpired) as error:
        raise InvalidValue("ssh key", HIDDEN, f"ssh-keygen did not run ({error})") from error
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = re.sub(r'(?:Load key )?"?/\S+key"?:? ?', "", lines[-1]) if lines else "it is none"
        raise InvalidValue("ssh key", HIDDEN, reason, "Give a private key without a passphrase.")
    return done.stdout
