"""The lab's services as the tests use them: what is there, what is waited for, ways back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.osd_lab import Door

SECONDS = 180.0
NEEDED = ("mon", "mgr", "osd")


def with_osds(lab: Lab) -> None:
    """Bring a lab to its known state, with an OSD on each host and pools of two copies."""
    settle(lab)
    up = {row["hostname"] for row in lab.ceph_json("osd", "metadata") if "hostname" in row}
    for name, _machine in lab.machines.items():
        if name not in up:
            free = [p for p, d in lab.listed_devices()[name].items() if d["available"]]
            assert free, f"{name} has no free disk"
            lab.ok("orch", "daemon", "add", "osd", f"{name}:{free[0]}")
    wait_until(
        "an OSD on each host",
        lambda: (
            {r.get("hostname") for r in lab.ceph_json("osd", "metadata")} - {None}
            == set(lab.machines)
        ),
        180,
    )
    for section, option, value in (
        ("global", "osd_pool_default_size", "2"),
        ("global", "osd_pool_default_pg_num", "8"),
        ("mon", "mon_allow_pool_delete", "true"),
    ):
        lab.ok("config", "set", section, option, value)


class Services:
    """The services of a lab, asked through one connection."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.door = Door(lab)

    def close(self) -> None:
        """End the connection."""
        self.door.close()

    # What is there.

    def ls(self) -> dict[str, Mapping[str, Any]]:
        """Return ``ceph orch ls`` by name."""
        return {row["service_name"]: row for row in _rows(self.door.orch("orch ls"))}

    def ps(self, service: str = "") -> list[Mapping[str, Any]]:
        """Return ``ceph orch ps``, of one service or of all."""
        named = {"service_name": service} if service else {}
        return list(_rows(self.door.orch("orch ps", **named)))

    def hosts(self, service: str) -> list[str]:
        """Return the hosts where daemons of a service run."""
        rows = self.ps(service)
        return sorted(row["hostname"] for row in rows if row["status_desc"] == "running")

    def errors(self, service: str) -> list[str]:
        """Return what the events of a service say went wrong."""
        events = self.ls().get(service, {}).get("events", ())
        return [event.partition('"')[2] for event in events if "[ERROR]" in event]

    def health(self, code: str) -> list[str]:
        """Return the detail of one health check, empty where it is not raised."""
        check = self.door.ask("health", detail="detail")["checks"].get(code) or {}
        return [str(row["message"]) for row in check.get("detail") or ()]

    def changing_jobs(self) -> list[str]:
        """Return the jobs that change something about daemons."""
        kinds = ("apply_", "remove_daemons", "service_action", "daemon_action")
        return [row["id"] for row in self.lab.seen_jobs() if row["operation"].startswith(kinds)]

    def auth_names(self) -> list[str]:
        """Return the names of all keys of the cluster."""
        return sorted(row["entity"] for row in self.door.ask("auth ls")["auth_dump"])

    # What is waited for.

    def runs(self, name: str, size: int = 0) -> Callable[[], bool]:
        """Return a question whether all of a service runs."""

        def ask() -> bool:
            status = self.ls().get(name, {}).get("status", {})
            assert status.get("size"), f"{name}: {status}"
            assert not size or status["size"] == size, f"{name}: {status}"
            assert status["running"] == status["size"], f"{name}: {status}"
            return True

        return ask

    def wait_runs(self, name: str, size: int = 0, seconds: float = SECONDS) -> None:
        """Wait until all of a service runs."""
        wait_until(f"{name} runs", self.runs(name, size), seconds)

    def wait_named(self, service: str, host: str, reason: str) -> None:
        """Wait until health and the service's events name a host with a reason."""

        def named() -> bool:
            lines = self.health("ANSIBLE_SERVICE_FAILED")
            mine = [line for line in lines if f"{service} on host {host} failed" in line]
            assert any(reason in line for line in mine), lines
            errors = self.errors(service)
            assert any(error.startswith(f"{host}: ") and reason in error for error in errors), (
                errors
            )
            return True

        wait_until(f"{service} on {host} is named: {reason}", named, SECONDS)

    def wait_healed(self, service: str, size: int) -> None:
        """Wait until a service runs, and nothing is said against it any more."""
        self.wait_runs(service, size)

        def silent() -> bool:
            lines = self.health("ANSIBLE_SERVICE_FAILED")
            assert not [line for line in lines if line.startswith(f"{service} ")], lines
            return True

        wait_until(f"nothing is said against {service}", silent, SECONDS)

    # Ways back.

    def remove(self, *names: str) -> None:
        """Remove services, those that are there, and wait until they are gone."""
        there = [name for name in names if name in self.ls()]
        # What was made by hand cannot be removed so.
        asked = [name for name in there if self.lab.ceph("orch", "rm", name).rc == 0]
        for name in asked:
            wait_until(f"{name} is gone", lambda name=name: name not in self.ls(), SECONDS)

    def remove_all(self) -> None:
        """Remove every service that a cluster can do without, and file systems with their pools.

        The volumes module waits for ever for a file system without a metadata server.
        """
        for row in self.door.ask("fs ls"):
            self.lab.ok("fs", "fail", row["name"])
            self.lab.ok("fs", "rm", row["name"], "--yes-i-really-mean-it")
            for pool in (row["metadata_pool"], *row["data_pools"]):
                self.lab.ok("osd", "pool", "rm", pool, pool, "--yes-i-really-really-mean-it")
        self.remove(*(name for name in self.ls() if name.split(".")[0] not in NEEDED))


def _rows(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return the rows of an answer, which is a sentence where there are none."""
    return answer if isinstance(answer, list) else ()
