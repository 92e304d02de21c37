"""Stop services that make a daemon and remove it again and again, and say which they are."""

from __future__ import annotations

import json
import time
from typing import Any, Sequence

from adapter.cluster.flips import Flips
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import daemon_type_of


class ServiceFlips:
    """Keep what was made and removed by itself; what somebody asks for does not count."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._flips = Flips()

    def is_stopped(self, wanted: Wanted) -> bool:
        """Tell whether a service is left as it is."""
        with self._core.lock:
            return bool(self._flips.stopped(wanted.name))

    def removed(self, wanted: Wanted, daemons: Sequence[Daemon], now: float) -> None:
        """Note that a service has no use for daemons."""
        kind = daemon_type_of(wanted.spec)
        with self._core.lock:
            for each in daemons:
                daemon = f"{kind}.{each.daemon_id}"
                self._flips.removed(wanted.name, daemon, self._cause(wanted), now)

    def stop(self, wanted: Wanted, places: Sequence[DaemonPlacement], now: float) -> bool:
        """Tell whether a service is stopped for what it would make; health and events say why."""
        core, kind = self._core, wanted.spec.service_type
        names = [f"{kind}.{each.daemon_id}" for each in places]
        with core.lock:
            reason = self._flips.made(wanted.name, names, self._cause(wanted), now)
            if not reason:
                return False
            for service in {each.name for each in core.specs.all()}:
                if self._flips.stopped(service) == reason:
                    core.service_failures.failed(service, "", reason, now, time.time())
                    core.events.fail(service, reason)
        return True

    def forget(self, service: str) -> None:
        """Let a service go on: somebody asked."""
        with self._core.lock:
            self._flips.forget(service)

    def _cause(self, wanted: Wanted) -> Any:
        """Return what decides where a service has daemons."""
        hosts = [(host.hostname, host.labels, host.status) for host in self._core.hosts.all()]
        return json.dumps([wanted.spec.to_json(), hosts], sort_keys=True, default=str)
