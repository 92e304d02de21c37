"""Acting on what runs: ``ceph orch start|stop|restart``, ``daemon ...``, ``pause``, ``resume``."""

from __future__ import annotations

import time
from typing import List, Optional

from adapter.cluster.service_actions import ServiceAction
from adapter.errors import AdapterError, InvalidValue, UnknownName
from adapter.interface import OrchestratorError, handle_orch_error, raise_if_exception
from adapter.methods.daemons import DaemonMethods
from adapter.reconcile.service_restarts import units_of

ACTIONS = ("start", "stop", "restart")


class ActionMethods(DaemonMethods):
    """The acting methods of the interface, on a ``Core``."""

    @handle_orch_error
    def service_action(self, action: str, service_name: str) -> List[str]:
        """Start the OSDs of a service, or restart them a few at a time.

        No placement group goes inactive by it: the monitors say which OSDs can be down together.
        """
        _check_action(action)
        osds = self._osds_of(service_name)
        if action == "stop":
            raise AdapterError(
                f"Stopping all of {service_name} would stop the data.",
                "Stop single daemons with `ceph orch daemon stop`.",
            )
        core = self.core
        with core.lock:
            running = core.actions.get(service_name)
            if running is not None:
                raise AdapterError(
                    f"{service_name} is at a {running.action} already: "
                    f"{len(running.left) + len(running.doing)} OSD(s) left. {running.reason}"
                )
            if action == "restart":
                core.actions.save(ServiceAction(service_name, action, tuple(osds), (), time.time()))
                core.wake.set()
            else:
                units = units_of(core, osds)
                hosts = [core.hosts.get(host) for host in units]
                parameters = {"action": action, "units": units}
                core.submit("service_action", hosts, parameters=parameters)
        return [f"Scheduled to {action} osd.{osd_id}" for osd_id in osds]

    def _osds_of(self, service_name: str) -> List[int]:
        with self.core.lock:
            names = [
                daemon
                for daemon in raise_if_exception(self.list_daemons(service_name=service_name))
            ]
        if not names and self.core.specs.find(service_name) is None:
            raise UnknownName("service", service_name, "See `ceph orch ls`.")
        other = sorted({str(daemon.daemon_type) for daemon in names} - {"osd"})
        if other:
            raise InvalidValue(
                "service", service_name, f"this backend does not act on {other[0]} daemons"
            )
        return sorted(int(str(daemon.daemon_id)) for daemon in names)

    @handle_orch_error
    def daemon_action(
        self,
        action: str,
        daemon_name: str,
        image: Optional[str] = None,
        force: bool = False,
    ) -> str:
        """Start, stop or restart one OSD; ``force`` skips the question whether data stays active.

        Raises ``UnknownName``, and ``OrchestratorError`` with the placement groups in the way.
        """
        _check_action(action)
        if image:
            raise InvalidValue("image", image, "daemons here run from packages", "Leave it out.")
        kind, _, identity = daemon_name.partition(".")
        if kind != "osd":
            self._known_daemon(daemon_name)
            raise InvalidValue(
                "daemon", daemon_name, f"this backend does not act on {kind} daemons"
            )
        if not identity.isdigit():
            raise UnknownName("daemon", daemon_name, "See `ceph orch ps`.")
        core = self.core
        with core.lock:
            units = units_of(core, [int(identity)])
        if action != "start" and not force:
            self._check_ok_to_stop(daemon_name, int(identity))
        with core.lock:
            hosts = [core.hosts.get(host) for host in units]
            parameters = {"action": action, "units": units}
            summary = f"{action.capitalize()} {daemon_name}"
            core.submit("daemon_action", hosts, parameters=parameters, summary=summary)
        return f"Scheduled to {action} {daemon_name} on host '{next(iter(units))}'"

    def _known_daemon(self, name: str) -> None:
        if not any(each.name() == name for each in raise_if_exception(self.list_daemons())):
            raise UnknownName("daemon", name, "See `ceph orch ps`.")

    def _check_ok_to_stop(self, name: str, osd_id: int) -> None:
        try:
            self.core.maps.ok_to_stop([osd_id])
        except OrchestratorError as error:
            raise AdapterError(
                f"{name} cannot be stopped now: {error}",
                "Wait until the placement groups are clean, or give --force.",
            ) from error

    def pause(self) -> None:
        """Do nothing by itself until ``resume``."""
        self.core.pause(True)

    def resume(self) -> None:
        """Go on after ``pause``."""
        self.core.pause(False)


def _check_action(action: str) -> None:
    if action not in ACTIONS:
        raise InvalidValue(
            "action", action, "it means nothing for packages", f"Allowed: {', '.join(ACTIONS)}."
        )
