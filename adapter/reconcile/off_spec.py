"""Gateways that were not deployed from here and listen elsewhere than their spec says: it is told.

What they got is not known, as after their host was removed and added again, so they are left as
they are.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, Sequence

from adapter.cluster.schedule import Daemon
from adapter.cluster.service_ports import ports_of
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import daemon_type_of
from adapter.state_lock import under_lock


class OffSpec:
    """Let the events of services name them once, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # What was said last, by service and daemon.
        self._said: Dict[str, Dict[str, str]] = {}

    @under_lock
    def tell(self, wanted: Wanted, kept: Sequence[Daemon]) -> None:
        """Name those of a service among the daemons that stay."""
        before, now = self._said.get(wanted.name, {}), {}
        here = Counter(each.hostname for each in kept)
        for daemon in kept if not wanted.deleted else ():
            name = f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}"
            shall = ports_of(wanted.spec, here[daemon.hostname])
            text = self._off(daemon.hostname, name, shall)
            if text:
                now[name] = text
            if text and text != before.get(name):
                self._core.events.note(wanted.name, text)
        self._said[wanted.name] = now

    def _off(self, host: str, name: str, shall: Sequence[int]) -> str:
        core = self._core
        known = core.deployments.get(host, name) is not None or host in core.deployments.problems
        if known or not shall or host not in core.places.hosts_of(name):
            return ""
        has = core.places.row(host, name)["ports"]
        if not has or set(has) & set(shall):
            return ""
        return (
            f"{name} on host {host} listens on port {_listed(has)}, and its spec says "
            f"{_listed(shall)}: it was not deployed since the host was added, and is left as it "
            f"is. `ceph orch daemon redeploy {name}` brings it to its spec"
        )


def _listed(ports: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(ports)))
