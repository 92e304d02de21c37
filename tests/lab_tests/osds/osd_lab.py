"""The lab's OSDs as the tests use them: what is there, and ways back to a known state."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from tests.lab_tests.lab_client import Answer, Lab, wait_until

# What a step may take at most on a busy machine; on a quiet one it is seconds.
STEP_SECONDS = 120.0
SERVICE = "osd.lab"
# Two of each host's three disks.
SPEC: dict[str, Any] = {
    "service_type": "osd",
    "service_id": "lab",
    "placement": {"host_pattern": "*"},
    "spec": {"method": "raw", "data_devices": {"rotational": 1, "limit": 2}},
}
DOOR = r"""
import json, rados, sys
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf")
cluster.connect()
for line in sys.stdin:
    question = json.loads(line)
    send = cluster.mgr_command if question.pop("target") == "mgr" else cluster.mon_command
    try:
        code, out, error = send(json.dumps(question), b"", timeout=20)
    except rados.Error as failure:
        code, out, error = -1, b"", str(failure)
    print(json.dumps([code, out.decode(), error]), flush=True)
"""


class Door:
    """Ask monitors and manager through one connection: starting ``ceph`` takes a core's time."""

    def __init__(self, lab: Lab) -> None:
        self._process = subprocess.Popen(
            lab.argv(lab.first, "python3", "-c", DOOR),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, prefix: str, target: str = "mon", **arguments: Any) -> Any:
        """Return the data of an answer; a failure fails the test, or is not yet in a wait."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"target": target, "prefix": prefix, "format": "json", **arguments}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        code, out, error = json.loads(self._process.stdout.readline())
        assert code == 0, f"{prefix} ended with {code}: {error}"
        return json.loads(out) if out.strip()[:1] in ("{", "[") else out

    def orch(self, prefix: str, **arguments: Any) -> Any:
        """Return the data of an answer of the orchestrator."""
        return self.ask(prefix, target="mgr", **{"format": "json", **arguments})

    def close(self) -> None:
        """End the connection."""
        self._process.communicate()


class Place(NamedTuple):
    """Where an OSD is."""

    host: str
    disk: str


class Osds:
    """The OSDs of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.door = Door(lab)
        # What was written to disks or hosts and must go again, by host.
        self.traces: list[tuple[str, str]] = []

    def close(self) -> None:
        """End the connection."""
        self.door.close()

    # What is there.

    def map(self) -> dict[int, Mapping[str, Any]]:
        """Return the OSDs of the map by id."""
        return {row["osd"]: row for row in self.door.ask("osd dump")["osds"]}

    def up(self) -> set[int]:
        """Return the OSDs that are up."""
        return {number for number, row in self.map().items() if row["up"]}

    def tree(self) -> dict[int, Mapping[str, Any]]:
        """Return the OSDs of the CRUSH tree by id, each with its ``host``."""
        nodes = self.door.ask("osd tree")["nodes"]
        hosts = {
            child: node["name"]
            for node in nodes
            if node["type"] == "host"
            for child in node["children"]
        }
        return {
            node["id"]: {**node, "host": hosts.get(node["id"], "")}
            for node in nodes
            if node["type"] == "osd"
        }

    def places(self) -> dict[int, Place]:
        """Return host and disk of each OSD that is up."""
        up = self.up()
        return {
            row["id"]: Place(row["hostname"], f"/dev/{row['devices']}")
            for row in self.door.ask("osd metadata")
            if row["id"] in up and "hostname" in row
        }

    def on(self, host: str) -> list[int]:
        """Return the OSDs of a host that are up."""
        return sorted(each for each, place in self.places().items() if place.host == host)

    def devices(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Return what is listed of all disks, by host and path."""
        return {
            row["name"]: {device["path"]: device for device in row["devices"]}
            for row in self.door.orch("orch device ls")
        }

    def free(self) -> dict[str, list[str]]:
        """Return the disks that are listed as available by host."""
        return {
            host: [path for path, device in found.items() if device["available"]]
            for host, found in self.devices().items()
        }

    def daemons(self) -> dict[str, Mapping[str, Any]]:
        """Return the OSDs of `orch ps` by name."""
        rows = self.door.orch("orch ps", daemon_type="osd")
        return {f"osd.{row['daemon_id']}": row for row in _rows(rows)}

    def services(self) -> dict[str, Mapping[str, Any]]:
        """Return the OSD services of `orch ls` by name."""
        rows = self.door.orch("orch ls", service_type="osd")
        return {row["service_name"]: row for row in _rows(rows)}

    def queue(self) -> dict[int, Mapping[str, Any]]:
        """Return the OSDs that are being removed by id."""
        rows = self.door.orch("orch osd rm status")
        return {row["osd_id"]: row for row in _rows(rows)}

    def jobs(self, *operations: str) -> list[dict[str, Any]]:
        """Return the jobs of these operations, or of all that change something."""
        return [
            job
            for job in self.lab.seen_jobs()
            if (job["operation"] in operations if operations else job["operation"] not in READING)
        ]

    def state(self) -> Any:
        """Return all that a refused command must not change."""
        return (
            {number: (row["uuid"], row["up"], row["in"]) for number, row in self.map().items()},
            self.free(),
            self.lab.ok("orch", "ls", "--export"),
            [job["id"] for job in self.jobs()],
            sorted(self.queue()),
        )

    # What is asked for.

    def apply(self, *specs: Mapping[str, Any]) -> str:
        """Apply specs and return what the command said."""
        return self.lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(specs))

    def preview(self, *specs: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
        """Return what specs would make, by host."""
        text = yaml.safe_dump_all(specs)
        answer = self.lab.ceph("orch", "apply", "-i", "-", "--dry-run", "-f", "json", stdin=text)
        assert answer.rc == 0, answer.err
        return planned(answer.out)

    def refresh(self) -> None:
        """Have all devices reported again and wait for it."""
        before = self._moments()
        self.lab.ok("orch", "device", "ls", "--refresh")

        def renewed() -> bool:
            now = self._moments()
            return all(now.get(host, moment) != moment for host, moment in before.items())

        wait_until("all hosts have reported again", renewed, STEP_SECONDS)

    def _moments(self) -> dict[str, str]:
        return {
            host: min(device["created"] for device in found.values())
            for host, found in self.devices().items()
        }

    # What is waited for.

    def wait_up(self, *numbers: int, count: int = 0) -> None:
        """Wait until these OSDs are up, or so many in all, and `orch ps` shows them running."""

        def there() -> bool:
            up, shown = self.up(), self.daemons()
            running = {name for name, row in shown.items() if row["status_desc"] == "running"}
            assert not count or len(up) == count, f"up: {sorted(up)}"
            wanted = {f"osd.{number}" for number in numbers or up}
            assert wanted <= running, f"running: {sorted(running)}"
            return set(numbers) <= up

        wait_until(f"OSDs are up: {numbers or count}", there, STEP_SECONDS)

    def wait_gone(self, *numbers: int, seconds: float = STEP_SECONDS) -> None:
        """Wait until nothing is being removed any more and these OSDs are in no map."""

        def gone() -> bool:
            queue = self.queue()
            assert not queue, [row["drain_status"] for row in queue.values()]
            return not set(numbers) & set(self.map())

        wait_until(f"OSDs are gone: {numbers}", gone, seconds)

    def wait_free(self, host: str, *paths: str) -> None:
        """Wait until disks of a host are listed as available."""
        wait_until(
            f"{host}:{', '.join(paths)} available",
            lambda: set(paths) <= set(self.free().get(host, ())),
            STEP_SECONDS,
        )

    def wait_clean(self, count: int = 0) -> None:
        """Wait until so many placement groups (by default those of all pools) are active and clean.

        They are all that there are.
        """
        count = count or sum(pool["pg_num"] for pool in self.door.ask("osd dump")["pools"])

        def clean() -> bool:
            states = self.door.ask("pg stat", target="mgr")["pg_summary"]["num_pg_by_state"]
            assert states == [{"name": "active+clean", "num": count}], states
            return True

        wait_until("all placement groups are active and clean", clean, STEP_SECONDS)

    # Ways back.

    def trace(self, host: str, undo: str) -> None:
        """Keep the shell command that undoes what a test is about to do on a host."""
        self.traces.append((host, undo))

    def undo(self) -> None:
        """Undo what tests did on hosts."""
        while self.traces:
            host, command = self.traces.pop()
            self.lab.sh(host, command)

    def empty(self) -> None:
        """Remove all OSDs, their services and pools, and wipe what is left on disks."""
        if self._is_empty():
            return
        self._forget_all()
        found = self.map()
        destroyed = [number for number, row in found.items() if "destroyed" in row["state"]]
        for number in destroyed:
            self.lab.ok("osd", "purge", str(number), "--yes-i-really-mean-it")
        numbers = sorted(found.keys() - destroyed)
        if numbers:
            self.lab.ok("orch", "osd", "rm", *map(str, numbers), "--force", "--zap")
        self.wait_gone(*numbers)
        for host, machine in self.lab.machines.items():
            for path in set(machine.disks) - set(self.free()[host]):
                self.lab.ok("orch", "device", "zap", host, path, "--force")
        for host, machine in self.lab.machines.items():
            self.wait_free(host, *machine.disks)

    def _is_empty(self) -> bool:
        free = self.free()
        return (
            not self.map()
            and not self.services()
            and not self.door.ask("osd pool ls")
            and all(sorted(free[k]) == sorted(m.disks) for k, m in self.lab.machines.items())
        )

    def _forget_all(self) -> None:
        self.undo()
        self.lab.ok("orch", "resume")
        for flag in ("noout", "nobackfill", "norecover"):
            self.door.ask("osd unset", key=flag)
        for pool in self.door.ask("osd pool ls"):
            self.drop_pool(pool)
        queue = self.queue()
        for number in queue:
            self.lab.ceph("orch", "osd", "rm", "stop", str(number))
        # Others are listed because OSDs of theirs run.
        for name in self.services():
            answer = self.lab.ceph("orch", "rm", name, "--force")
            gone = ("no specification", "There is no service")
            assert answer.rc == 0 or any(each in answer.err for each in gone), answer.err

    def drop_pool(self, pool: str) -> None:
        """Remove a pool."""
        self.door.ask("osd pool delete", pool=pool, pool2=pool, yes_i_really_really_mean_it=True)

    def six(self) -> None:
        """Make two OSDs a host by an unmanaged service, with a free disk on each."""
        if self._is_six():
            return
        # A unit that a test stopped and started again is as it was reported last.
        self.lab.ok("orch", "ps", "--refresh")
        if not self._can_be_completed():
            self.empty()
        self._forget_all()
        self.apply(SPEC)
        self.wait_up(count=6)
        self.lab.ok("orch", "osd", "set-spec-affinity", SERVICE, *map(str, sorted(self.up())))
        self.lab.ok("orch", "set-unmanaged", SERVICE)
        wait_until("two OSDs a host", self._is_six, STEP_SECONDS)

    def _is_six(self) -> bool:
        services = self.services()
        tree = self.tree()
        return (
            set(services) == {SERVICE}
            and services[SERVICE].get("unmanaged") is True
            and services[SERVICE]["status"]["running"] == 6
            and self._hosts_have(2)
            and all(row["crush_weight"] and row["reweight"] for row in tree.values())
            and len(tree) == 6
            and not self.queue()
            and not self._pools()
        )

    def _pools(self) -> set[str]:
        """Return the pools of tests; the manager makes one of its own with the first OSDs."""
        return set(self.door.ask("osd pool ls")) - {".mgr"}

    def _hosts_have(self, count: int) -> bool:
        """Tell whether each host has so many OSDs, all up, and its other disks are free."""
        free = self.free()
        return set(self.up()) == set(self.map()) and all(
            len(self.on(host)) == count and len(free[host]) == len(machine.disks) - count
            for host, machine in self.lab.machines.items()
        )

    def _can_be_completed(self) -> bool:
        """Tell whether applying the spec again brings two OSDs a host; it counts only its own."""
        return (
            set(self.services()) <= {SERVICE}
            and set(self.up()) == set(self.map())
            and all(
                len(self.on(host)) + len(self.free()[host]) == len(machine.disks)
                and len(self.on(host)) <= 2
                for host, machine in self.lab.machines.items()
            )
        )


READING = ("get_inventory", "add_host")


def _rows(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return the rows of an answer, which is a sentence where there are none."""
    return answer if isinstance(answer, list) else ()


def planned(text: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the disks of a preview by host, from its JSON."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for kind in json.loads(text):
        for row in kind if isinstance(kind, list) else [kind]:
            for host, groups in (row.get("data") or {}).items():
                found.setdefault(host, []).extend(each for g in groups for each in g["data"])
    return found


def one_line(answer: Answer) -> str:
    """Return the error of a refused command, which is one line and no traceback."""
    assert answer.rc != 0, f"it was not refused: {answer.out}"
    lines = answer.err.strip().splitlines()
    assert len(lines) == 1, answer.err
    assert "Traceback" not in answer.err
    return lines[0]


def refused(osds: Osds, answer: Answer) -> str:
    """Return the error, also of a job that took longer than the command wanted to wait."""
    if answer.rc == 0 and "(job " in answer.out:
        job = osds.lab.wait_for_job(answer.out.rpartition("(job ")[2].split(")")[0])
        assert job["status"] == "failed", job
        osds.lab.ok("ansible", "job", "ack", job["id"])
        return " ".join(str(job).split())
    return one_line(answer)
