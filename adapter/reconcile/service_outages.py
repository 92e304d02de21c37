"""Which failures of services are over, and which of their hosts are offline."""

from __future__ import annotations

from typing import Dict, FrozenSet, Sequence

from adapter.cluster.schedule import Daemon, Difference
from adapter.core import Core
from adapter.state_lock import under_lock


class ServiceOutages:
    """Tell once of each host of a service that goes offline or is back."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._offline: Dict[str, FrozenSet[str]] = {}

    def follow(self, service: str, diff: Difference, more: Sequence[Daemon]) -> None:
        """Drop the failures that are over; tell of hosts that go offline or are back.

        What an offline host lacks is done as soon as it is back, without a back-off.
        """
        core = self._core
        broken = (each for each in diff.kept if not each.runs or not each.ok)
        undone = [*diff.remove, *more, *broken]
        concerned = {each.hostname for each in diff.add} | {each.hostname for each in undone}
        with core.lock:
            states = core.liveness.offline()
            offline = frozenset((concerned | set(diff.offline)) & states.keys())
            before = self._offline.get(service, frozenset())
            for hostname in sorted(offline - before):
                reason = states[hostname].reason
                core.events.fail(service, f"{hostname}: the host is offline: {reason}")
            for hostname in sorted(before - offline - states.keys()):
                if hostname in core.hosts:
                    core.events.note(service, f"{hostname}: the host answers again")
            self._offline[service] = offline
            left = concerned - offline
            core.service_failures.keep(service, {*left, ""} if left else left)

    @under_lock
    def forget(self, service: str) -> None:
        """Forget a service that is gone."""
        self._offline.pop(service, None)
