"""Tell whether a host has the administrator's keyring, and whether we put it there."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict, Optional, Sequence

from ..system.reading import Roots, read_lines

KEYRING = "ceph/ceph.client.admin.keyring"
ENTITY = "client.admin"
MARK = "# Put here by ceph-orch-ansible for the label _admin. Remove this line to keep the file."


def read_admin(roots: Roots) -> Optional[Dict[str, Any]]:
    """Return ``ours`` and a digest of the ``key`` of the host's keyring; None without a file."""
    path = os.path.join(roots.etc, KEYRING)
    if not os.path.lexists(path):
        return None
    # Imported where it is needed: Python compiles what a module imports on every call.
    from ..cluster.keyring_file import key_of

    lines = read_lines(path)
    return {"ours": is_ours(lines), "key": digest_of(key_of(lines, ENTITY))}


def is_ours(lines: Sequence[str]) -> bool:
    """Tell whether a keyring with these lines was put there by us."""
    return bool(lines) and lines[0].strip() == MARK


def digest_of(key: str) -> str:
    """Return a text that is another one when the key is, and tells nothing of it."""
    return hashlib.sha256(key.encode("ascii", "replace")).hexdigest()[:8] if key else ""
