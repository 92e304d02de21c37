"""What has to be seen when it is quiet after daily work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.lab_tests.daily.daily_ground import Ground, section_of
from tests.lab_tests.daily.daily_model import Model, Service
from tests.lab_tests.lab_client import wait_until

# Wanted equals present within so long of quiet (seconds), on a machine that is quiet too.
QUIET = 60.0
# A rolling restart of as many daemons as a service has here is over after as many times that.
ROUNDS = 3
# Nothing may be done any more for so long after that.
STILL = 6.0
CHANGING = ("apply_", "remove_daemons", "service_action", "daemon_action")


class Verdict:
    """Hold a lab against a model."""

    def __init__(self, ground: Ground, model: Model) -> None:
        self._ground, self._model = ground, model
        self._services = ground.services
        self._osds = self._uuids()

    def wait(self) -> list[str]:
        """Return what is not as it is wanted in the end.

        It is not quiet while daemons restart or go one after the other: three gateways take over a
        minute. So the time begins again when a job has ended, but not without end.
        """
        limit, wrong, ended = self._ground.lab.patience(QUIET), "", self._ended()
        for _ in range(ROUNDS):
            try:
                wait_until("everything is as it is wanted", self._is_right, limit, every=1.0)
            except AssertionError as error:
                wrong = str(error)
            else:
                self._ground.to_restart.clear()
                return list(self._flips())
            if "under way: " not in wrong or self._ended() == ended:
                break
            ended = self._ended()
        return [wrong]

    def _ended(self) -> set[str]:
        """Return the jobs that have changed something and are over."""
        over = ("succeeded", "failed", "cancelled", "lost")
        return {
            str(job["id"])
            for job in self._ground.lab.jobs()
            if job["operation"].startswith(CHANGING) and job["status"] in over
        }

    def _is_right(self) -> bool:
        wrong = [
            *self._under_way(),
            *self._wrong_services(),
            *self._wrong_settings(),
            *self._not_restarted(),
            *self._wrong_cluster(),
        ]
        assert not wrong, "; ".join(wrong)
        return True

    def _under_way(self) -> Iterator[str]:
        """Yield what somebody asked for and is still being done."""
        for job in self._ground.lab.jobs():
            if job["operation"].startswith(CHANGING) and job["status"] in ("queued", "running"):
                yield f"under way: {job['summary']}"
        keys = self._services.door.ask("config-key ls")
        yield from (f"under way: {each}" for each in keys if "/service_action." in each)

    def _wrong_services(self) -> Iterator[str]:
        rows, listed = self._services.ps(), self._services.ls()
        for service in self._model.services.values():
            mine = [row for row in rows if row["service_name"] == service.name]
            where = sorted(row["hostname"] for row in mine if row["status_desc"] == "running")
            wanted = self._model.wanted(service)
            right = len(where) == wanted if isinstance(wanted, int) else tuple(where) == wanted
            if not right or len(mine) != len(where):
                states = [f"{r['daemon_name']}@{r['hostname']}:{r['status_desc']}" for r in mine]
                events = listed.get(service.name, {}).get("events", ())[-1:]
                yield f"{service.name}: {states} instead of {wanted} {events}"
            status = listed.get(service.name, {}).get("status", {})
            if status.get("running", 0) != len(where) or status.get("size", 0) != len(mine):
                yield f"{service.name}: `orch ls` says {status}, `orch ps` {len(where)}"
            yield from self._wrong_ports(service, mine)
        for name in listed.keys() - self._model.services.keys():
            if name.split(".")[0] not in ("mon", "mgr", "osd"):
                yield f"{name} is listed, and nobody wants it"

    def _not_restarted(self) -> Iterator[str]:
        """Yield the daemons whose restart was acknowledged, and that run since before it."""
        for service, told in self._ground.to_restart.items():
            for row in self._services.ps(service):
                name = row["daemon_name"]
                if row["status_desc"] == "running" and row.get("started") == told.get(name, ""):
                    yield f"{name} was to be restarted, and runs since {told[name]}"

    @staticmethod
    def _wrong_ports(service: Service, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        for row in rows if service.port else ():
            if row.get("ports") != [service.port]:
                yield f"{row['daemon_name']} listens on {row.get('ports')}, not on {service.port}"

    def _wrong_settings(self) -> Iterator[str]:
        there = {
            (row["section"], row["name"]): row["value"]
            for row in self._services.door.ask("config dump")
        }
        for service in self._model.services.values():
            section = section_of(service)
            for option, value in service.config:
                found = there.get((section, option))
                if found is None or found.lower() != value.lower():
                    yield f"{service.name}: {section}/{option} is {found}, not {value}"
            for option in service.old:
                if (section, option) in there:
                    yield f"{service.name}: {section}/{option} is still set"

    def _wrong_cluster(self) -> Iterator[str]:
        now = self._uuids()
        yield from (
            f"osd.{osd} is not as it was" for osd in self._osds if now.get(osd) != self._osds[osd]
        )
        checks = self._services.door.ask("health", detail="detail")["checks"]
        for code, check in checks.items():
            if code.startswith("ANSIBLE_"):
                yield f"{code}: {[row['message'] for row in check['detail']]}"

    def _uuids(self) -> dict[int, tuple[str, int, int]]:
        return {
            row["osd"]: (row["uuid"], row["up"], row["in"])
            for row in self._services.door.ask("osd dump")["osds"]
        }

    def _flips(self) -> Iterator[str]:
        """Return what is still being done although everything is as it is wanted."""
        before = self._changing()
        try:
            wait_until("something is done", lambda: self._changing() - before, STILL)
        except AssertionError:
            return
        more = [job for job in self._ground.lab.jobs() if job["id"] in self._changing() - before]
        said = [f"{job['id']}: {job.get('summary')}" for job in more]
        yield f"everything was as it is wanted, and this was done: {said}"

    def _changing(self) -> set[str]:
        return {
            job["id"] for job in self._ground.lab.jobs() if job["operation"].startswith(CHANGING)
        }
