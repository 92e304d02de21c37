"""The lab that daily work is done on: what is done there, and what is left when all is removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.lab_tests.daily.daily_model import OPTIONS, Act, Service
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services, with_osds

POOL, OBJECTS = "daily", 40
LEFT = (
    "systemctl list-units --all --plain --no-legend 'ceph-mds@*' 'ceph-radosgw@*' "
    "'ceph-rbd-mirror@*' 'ceph-crash*' 'ceph-exporter*' | awk '$3 != \"inactive\" {print $1, $3}'; "
    "ls -d /var/lib/ceph/mds/* /var/lib/ceph/radosgw/* "
    "/etc/ceph/ceph.client.rbd-mirror.* /etc/ceph/ceph.client.crash.* "
    "/etc/ceph/ceph.client.ceph-exporter.* 2>/dev/null || true"
)
# The service is told something else, or there are other daemons of it then.
ENDS_A_RESTART = ("redeploy", "remove", "rename", "stop-by-hand", "stop-and-redeploy")
KILL = "systemctl kill -s KILL {unit}"
KILL_MANAGER = (
    "systemctl kill -s KILL ceph-mgr@{host}; systemctl reset-failed ceph-mgr@{host} || true; "
    "systemctl restart ceph-mgr@{host}"
)


class Ground:
    """Do what is drawn on a lab. ``story`` is what was done and answered.

    ``to_restart`` has by service the daemons that are to be restarted, with when they were started.
    """

    def __init__(self, lab: Lab, services: Services) -> None:
        self.lab, self.services = lab, services
        self.story: list[str] = []
        self.to_restart: dict[str, dict[str, str]] = {}

    # Before and after.

    def prepare(self) -> Mapping[str, Any]:
        """Remove what a cluster can do without, write objects, and return how everything is."""
        with_osds(self.lab)
        self.services.remove_all()
        for host in self.lab.hosts():
            for label in self.lab.listed_hosts()[host]["labels"]:
                self.lab.ok("orch", "host", "label", "rm", host, label)
        self.lab.ok("osd", "pool", "create", POOL, "8")
        self.lab.ok("osd", "pool", "application", "enable", POOL, "rados")
        script = "for n in $(seq $1); do echo object-$n | rados -p $2 put object-$n -; done"
        self.lab.sh(self.lab.first, script, str(OBJECTS), POOL)
        return self.traces()

    def traces(self) -> Mapping[str, Any]:
        """Return keys, settings, records, and what the hosts have of services."""
        lab, door = self.lab, self.services.door
        settings = [
            f"{row['section']} {row['name']}={row['value']}"
            for row in door.ask("config dump")
            if row["section"].split(".")[0] in ("client", "mds")
        ]
        records = [
            key
            for key in door.ask("config-key ls")
            if key.startswith("mgr/ansible/")
            and key.split("/")[2].split(".")[0] in ("spec", "deployed", "unused_key", "part")
        ]
        return {
            "keys": sorted(self.services.auth_names()),
            "settings": sorted(settings),
            "records": sorted(records),
            **{host: sorted(lab.sh(host, LEFT).splitlines()) for host in lab.hosts()},
        }

    def lost_objects(self) -> list[str]:
        """Return the objects that are not as they were written."""
        script = (
            'for n in $(seq $1); do test "$(rados -p $2 get object-$n -)" = object-$n '
            "|| echo object-$n; done"
        )
        return self.lab.sh(self.lab.first, script, str(OBJECTS), POOL).split()

    def leave(self) -> None:
        """Remove the objects."""
        self.lab.ok("osd", "pool", "rm", POOL, POOL, "--yes-i-really-really-mean-it")

    # What is done.

    def do(self, act: Act, service: Service | None) -> None:
        """Do it; everything that is drawn must be taken."""
        if act.kind in ENDS_A_RESTART:
            self.to_restart.pop(act.what, None)
        said = getattr(self, f"_{act.kind.replace('-', '_')}")(act, service)
        self.story.append(f"{act}: {' '.join(str(said or 'done').split())[:300]}")

    def _orch(self, *words: str, stdin: str = "") -> str:
        """Run a command; one that meets a manager that begins anew is asked again."""

        def asked() -> str:
            answer = self.lab.ceph("orch", *words, stdin=stdin)
            assert answer.rc == 0, f"orch {' '.join(words)} ended with {answer.rc}: {answer.err}"
            return answer.out or "done"

        return wait_until(f"orch {' '.join(words)}", asked, 60, every=2.0)

    def _apply(self, _act: Act, service: Service | None) -> str:
        assert service is not None
        return self._orch("apply", "-i", "-", stdin=json.dumps(service.to_json()))

    def _remove(self, act: Act, _service: Service | None) -> str:
        return self._orch("rm", act.what)

    def _rename(self, act: Act, service: Service | None) -> str:
        return self._remove(act, None) + self._apply(act, service)

    def _label_add(self, act: Act, _service: Service | None) -> str:
        return self._orch("host", "label", "add", act.what, act.value)

    def _label_rm(self, act: Act, _service: Service | None) -> str:
        return self._orch("host", "label", "rm", act.what, act.value)

    def _on_service(self, act: Act) -> str:
        """Act on a service, which may not have a daemon yet."""
        answer = self.lab.ceph("orch", act.kind, act.what)
        return f"{answer.rc} {answer.out}{answer.err}"

    def _restart(self, act: Act, _service: Service | None) -> str:
        rows = self.services.ps(act.what)
        running = {
            r["daemon_name"]: r.get("started") for r in rows if r["status_desc"] == "running"
        }
        answer = self._on_service(act)
        if answer.startswith("0 "):
            told = {name: since for name, since in running.items() if since and name in answer}
            self.to_restart.setdefault(act.what, {}).update(told)
        return answer

    def _stop_and_redeploy(self, act: Act, _service: Service | None) -> str:
        """Stop a daemon, and ask for the whole service before it has stopped."""
        rows = [row for row in self.services.ps(act.what) if row["status_desc"] == "running"]
        if not rows:
            return "none runs"
        stop = self.lab.ceph("orch", "daemon", "stop", rows[-1]["daemon_name"], "--force")
        answer = self.lab.ceph("orch", "redeploy", act.what)
        if answer.rc:
            # Refused, as while a manager has just taken over: then it is started.
            self._orch("start", act.what)
        return f"{stop.rc} {stop.out}{stop.err}; {answer.rc} {answer.out}{answer.err}"

    def _redeploy(self, act: Act, _service: Service | None) -> str:
        return self._on_service(act)

    def _unit(self, act: Act) -> tuple[str, str]:
        """Return host and unit of a daemon of a service, or nothing."""
        rows = [row for row in self.services.ps(act.what) if row["status_desc"] == "running"]
        return (rows[0]["hostname"], rows[0]["systemd_unit"]) if rows else ("", "")

    def _stop_by_hand(self, act: Act, _service: Service | None) -> str:
        host, unit = self._unit(act)
        if not host:
            return "none runs"
        # A restart that is under way may start it again at once: then systemd cancels the stop.
        self.lab.ssh(host, "systemctl", "stop", unit)
        answer = self.lab.ceph("orch", "start", act.what)
        return f"{unit} on {host}; start: {answer.rc} {answer.out}{answer.err}"

    def _kill(self, act: Act, _service: Service | None) -> str:
        host, unit = self._unit(act)
        if not host:
            return "none runs"
        self.lab.ssh(host, "sh", "-c", KILL.format(unit=unit))
        return f"{unit} on {host}"

    def _edit(self, act: Act, service: Service | None) -> str:
        assert service is not None
        section = section_of(service)
        values = OPTIONS[service.kind][act.value]
        value = next(each for each in values if each != dict(service.config)[act.value])
        return self.lab.ok("config", "set", section, act.value, value)

    def _mgr_fail(self, _act: Act, _service: Service | None) -> str:
        return self.lab.fail_over()

    def _kill_manager(self, _act: Act, _service: Service | None) -> str:
        name = str(self.lab.ceph_json("mgr", "stat")["active_name"])
        self.lab.sh(name, KILL_MANAGER.format(host=name))
        return name


def section_of(service: Service) -> str:
    """Return where the settings of a service are in the monitors' configuration."""
    if service.kind == "rbd-mirror":
        return "client.rbd-mirror"
    prefix = "client." if service.kind == "rgw" else ""
    return f"{prefix}{service.kind}.{service.service_id}"
