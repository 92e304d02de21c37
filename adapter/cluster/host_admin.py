"""Which hosts are for administrators, and what of it they have. Hosts are not trusted."""

from __future__ import annotations

import hashlib
from typing import Any, Mapping, Optional, Sequence

from adapter.cluster.reports import HostReport

LABEL = "_admin"
# On a host with this label the files of administrators are somebody else's work.
WITHOUT = "_no_conf_keyring"
ENTITY = "client.admin"


def is_admin(labels: Sequence[str]) -> bool:
    """Tell whether a host with these labels shall have the administrator's keyring."""
    return LABEL in labels and WITHOUT not in labels


def digest_of(keyring: str) -> str:
    """Return what hosts say of a key that they have, from a keyring's text."""
    for line in keyring.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "key":
            return hashlib.sha256(value.strip().encode("ascii", "replace")).hexdigest()[:8]
    return ""


def lacks(labels: Sequence[str], report: Optional[HostReport], key: str) -> str:
    """Return what is to be done on a host: present, absent or nothing.

    ``key`` is the digest of the key that there is, empty where it is not known.
    """
    if report is None or "admin" not in report.identity:
        return ""
    said: Any = report.identity["admin"]
    ours = isinstance(said, Mapping) and said.get("ours") is True
    if not is_admin(labels):
        return "absent" if ours else ""
    no_conf = "conf" in report.identity and report.identity["conf"] is None
    old = ours and bool(key) and said.get("key") != key
    return "present" if said is None or no_conf or old else ""
