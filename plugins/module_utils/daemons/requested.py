"""The daemons that a module was given, each once and as the unit that it may be."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..cluster.conf import cluster_fsid
from ..system.reading import Roots, clean
from .daemon import Daemon
from .kinds.base import DaemonRefused

_SECRET = re.compile(r"\[([^\]]+)\]\s+key\s*=\s*([A-Za-z0-9+/]*={0,2})\s*")
# A daemon with the options that were given for it.
Request = Tuple[Daemon, Mapping[str, Any]]


def unlike_each_other(roots: Roots, daemons: Iterable[Mapping[str, Any]]) -> List[Request]:
    """Return the daemons; raises ``DaemonRefused`` when one is named twice."""
    found: Dict[str, Request] = {}
    for options in daemons:
        daemon = Daemon(roots, options["daemon_type"], options["daemon_id"], options["unit"])
        if daemon.unit in found:
            raise DaemonRefused(f"{daemon.name} is named twice for this host ({daemon.unit}).")
        found[daemon.unit] = (daemon, options)
    return list(found.values())


def needs_cluster(daemons: Sequence[Request]) -> bool:
    """Tell whether one of the daemons reads the host's ceph.conf."""
    return any(daemon.kind.needs_conf for daemon, _ in daemons)


def starts_with_packages(daemons: Sequence[Request]) -> bool:
    """Tell whether the packages of a daemon may start what they bring: Ceph's start nothing."""
    return all(daemon.kind.is_ceph for daemon, _ in daemons)


def refuse_other_cluster(roots: Roots, wanted: str, *, may_be_unknown: bool) -> None:
    """Refuse a host whose configuration names another cluster, or none."""
    found = cluster_fsid(roots)
    if found != wanted and not (may_be_unknown and not found):
        raise DaemonRefused(
            f"No daemon of this host was touched: /etc/ceph/ceph.conf names the cluster "
            f"{found or '(none)'!r}, not {clean(wanted)!r}. Give the host its cluster's "
            "configuration (conf)."
        )


def refuse_units(daemons: Iterable[Daemon]) -> None:
    """Refuse to deploy a daemon as a unit that it has only where somebody made it by hand."""
    for daemon in daemons:
        if daemon.is_by_hand:
            raise DaemonRefused(
                f"{daemon.name} is not deployed as {daemon.unit}: unit is for state=absent. Leave "
                "it out."
            )


def keyring_of(keyrings: Mapping[str, Any], daemon: Daemon, options: Mapping[str, Any]) -> str:
    """Return the text of the keyring that was given for a daemon, empty when none was."""
    name = options["keyring_file"]
    text = str(keyrings.get(name) or "") if name else ""
    if name and not text.strip():
        raise DaemonRefused(
            f"{daemon.name}: the keyring {clean(name)!r} (keyring_file) is empty or was not given "
            f"(keyrings). Give what `ceph auth get {daemon.entity}` prints."
        )
    return text


def secret_files_of(
    keyrings: Mapping[str, Any], daemon: Daemon, options: Mapping[str, Any]
) -> Dict[str, str]:
    """Return the texts of the files that nobody else may read, by name.

    Each is in a keyring of its own, in base64 in place of the key. One that is empty is left out:
    the host keeps what it has.
    """
    found = {}
    for name, keyring in options["secret_files"].items():
        text = str(keyrings.get(keyring) or "")
        if not text.strip():
            continue
        found[str(name)] = _text_of(daemon, str(name), str(keyring), text)
    return found


def secret_entity(daemon: Daemon, name: str) -> str:
    """Return whose key the text of a file is called."""
    return f"{daemon.name}.{name}"


def _text_of(daemon: Daemon, name: str, keyring: str, text: str) -> str:
    """Return the text of a file that its keyring has."""
    entity = secret_entity(daemon, name)
    match = _SECRET.fullmatch(text.strip())
    # What stands for another one's is no base64.
    key = match.group(2) if match is not None and match.group(1) == entity else "-"
    try:
        return base64.b64decode(key, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise DaemonRefused(
            f"{daemon.name}: the keyring {clean(keyring)!r} (secret_files) has no text for "
            f"{clean(name)}. Give it in base64 as the key of [{entity}]."
        ) from None
