"""Read a keyring that was given, and bring it into the one form that is written."""

from __future__ import annotations

from ..cluster.keyring_file import SECTION, key_of
from ..system.reading import clean, read_lines
from .daemon import Daemon
from .kinds.base import DaemonRefused


def keyring_text(daemon: Daemon, given: str) -> str:
    """Return the text of a daemon's keyring, made from what was given.

    Only the key is taken over, so the text is the same whatever capabilities stand beside it.
    Raises ``DaemonRefused``; the message has nothing of the key.
    """
    key = key_of(given.splitlines(), daemon.entity)
    if not key:
        found = [match.group(1) for match in map(SECTION.fullmatch, given.splitlines()) if match]
        has = f"is one of {clean(', '.join(found))}" if found else "names nobody"
        raise DaemonRefused(
            f"{daemon.name}: the given keyring {has}, or has no key for {daemon.entity}. Give a "
            f"file with what `ceph auth get {daemon.entity}` prints."
        )
    return f"[{daemon.entity}]\n\tkey = {key}\n{daemon.kind.caps}"


def has_key(daemon: Daemon) -> bool:
    """Tell whether the host has a key for the daemon."""
    return bool(key_of(read_lines(daemon.keyring_path), daemon.entity))
