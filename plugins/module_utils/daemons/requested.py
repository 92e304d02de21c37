"""The daemons that a module was given, each once and as the unit that it may be."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ..system.reading import Roots, clean
from .daemon import Daemon
from .kinds.base import DaemonRefused

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
