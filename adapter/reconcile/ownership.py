"""Ask the monitors which host a daemon is on, right before something is done to it by its name."""

from __future__ import annotations

from typing import Iterable, Tuple

from adapter.core import Core
from adapter.errors import AdapterError

# A host and a daemon on it, as in ``("h1", "mon.h1")``.
HostDaemon = Tuple[str, str]


def read_places(core: Core) -> None:
    """Read where the cluster has its daemons now; raises ``OrchestratorError``.

    Without a cluster to ask only the reports count.
    """
    if core.mon is None:
        return
    names = core.maps.daemon_names()
    with core.lock:
        core.places.learn(names)


def check_units(core: Core, names: Iterable[str]) -> None:
    """Raise if the hosts that report these daemons (``mon.h1``) as theirs do not have them."""
    with core.lock:
        places = [(host, name) for name in names for host in core.places.hosts_of(name)]
    check_places(core, places)


def check_places(core: Core, daemons: Iterable[HostDaemon]) -> None:
    """Raise ``AdapterError`` with both hosts if one of these daemons is another host's.

    The monitors are asked now, for minutes may lie between a report and an act; raises
    ``OrchestratorError`` where they do not answer.
    """
    read_places(core)
    judge_places(core, daemons)


def judge_places(core: Core, daemons: Iterable[HostDaemon]) -> None:
    """Raise ``AdapterError`` with both hosts if one of these is another's, as was read last."""
    with core.lock:
        found = [core.places.judge(host, daemon) for host, daemon in daemons]
    for foreign in found:
        if foreign is not None:
            raise AdapterError(
                f"{foreign.daemon} on host {foreign.host} is not acted on: it {foreign.in_short()} "
                f"({foreign.why}).",
                "`ceph health detail` says what to do with what is left of it.",
            )
