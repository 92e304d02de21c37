"""An AWX with the engine's job templates, and engines that run their jobs there."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.engine.awx import AwxEngine
from adapter.engine.awx_place import AwxPlace
from adapter.engine.awx_run import AwxRun
from adapter.engine.jobs import JobDirs, Tail, new_id
from adapter.engine.model import JobRecord, JobStatus, Request, Target
from adapter.engine.progress import Progress
from adapter.engine.ssh_files import SshFiles
from adapter.engine.worker import conclude
from tests.awx.jobs import Job
from tests.awx.server import AwxServer

CONTENT = Path(__file__).resolve().parents[1] / "fixtures" / "engine" / "content"
REPOSITORY, BRANCH = "https://git.example.org/content.git", "main"
PROMPTS = (
    *("variables", "inventory", "job_type", "diff_mode", "forks", "timeout"),
    *("credential", "instance_groups"),
)
# The host key of all hosts that nobody reaches.
KNOWN = (
    "[127.0.0.1]:1 ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIBnrGdN3Cs1Dm5AjS4kR8yA0qkE3wVQzv3dGcUKaDWXu\n"
)
# Deadlines that a busy machine keeps; a test of one of them sets a shorter one.
PATIENT: dict[str, float] = {
    "queue": 30.0,
    "silence": 30.0,
    "events": 1.0,
    "stop": 20.0,
    "request": 10.0,
    "interval": 0.05,
    "rate": 1000.0,
}


_LONGEST_END = 60.0


class AwxSite:
    """An AWX in which the playbooks of the engine's tests are job templates.

    Its inventory ``everything`` has a host that no job may touch.
    """

    def __init__(self, top: Path, runner: Any, **server: Any) -> None:
        self.top = top
        self.engines: list[AwxEngine] = []
        self.server = AwxServer({(REPOSITORY, BRANCH): CONTENT}, runner=runner, **server)
        self.server.start()
        self.token = top / "token"
        self.write_token("admin-token")
        store = self.server.store
        self.organization = store.add("organizations", {"name": "Storage"})["id"]
        about = {"name": "ceph-project", "organization": self.organization}
        self.project = store.add("projects", about)
        self.project["_playbooks"] = [f"playbooks/{path.name}" for path in _playbooks()]
        inventory = {"name": "everything", "organization": self.organization}
        self.everything = store.add("inventories", inventory)["id"]
        self.server.routes.jobs.hosts[self.everything] = {"bystander": {}}
        for path in _playbooks():
            self.template(path.stem)

    def template(self, operation: str, **changes: Any) -> dict[str, Any]:
        """Make or change the template of an operation; return it."""
        name = f"ceph-engine-{operation}"
        for row in self.server.store.objects["job_templates"].values():
            if row["name"] == name:
                row.update(changes)
                return row
        row = self.server.store.add(
            "job_templates",
            {
                "name": name,
                "project": self.project["id"],
                "playbook": f"playbooks/{operation}.yml",
                "allow_simultaneous": True,
                **{f"ask_{prompt}_on_launch": True for prompt in PROMPTS},
                **changes,
            },
        )
        row["organization"] = self.organization
        return row

    def write_token(self, text: str) -> None:
        """Write the login."""
        self.token.write_text(f"{text}\n")
        self.token.chmod(0o600)

    def place(self, **changes: Any) -> AwxPlace:
        """Return how an engine finds this AWX."""
        found: dict[str, Any] = {"url": self.server.url, "organization": "Storage"}
        return AwxPlace(**{**found, "secret_file": str(self.token), **PATIENT, **changes})

    def engine(self, state: Path, place: AwxPlace | None = None, **settings: Any) -> AwxEngine:
        """Return an engine with its records in a directory."""
        settings.setdefault("python", sys.executable)
        ssh, place = self.ssh(state), place or self.place()
        found = AwxEngine(state, CONTENT, ssh, place=place, **settings)
        self.engines.append(found)
        return found

    def ssh(self, state: Path) -> SshFiles:
        """Return ssh's files in a directory, with the key of all hosts."""
        state.mkdir(parents=True, exist_ok=True)
        ssh = SshFiles(state)
        # A worker of an earlier engine may be reading it.
        fresh = ssh.known_hosts_path.with_suffix(".new")
        fresh.write_text(KNOWN)
        fresh.replace(ssh.known_hosts_path)
        return ssh

    def jobs(self, job_id: str = "") -> list[Job]:
        """Return what was launched here for a job of an engine, or for all of them."""
        found = list(self.server.routes.jobs.jobs.values())
        return [job for job in found if f'"ceph_orch_job": "{job_id}' in job.row["extra_vars"]]

    def left(self) -> list[str]:
        """Return the inventories and credentials that engines have left."""
        store = self.server.store
        rows = [*store.objects["inventories"].values(), *store.objects["credentials"].values()]
        return [row["name"] for row in rows if "-job-" in row["name"] and not _is_going(row)]

    def stop(self) -> None:
        """End all jobs, by force where they do not end, and serve no more."""
        self.server.troubles = None
        for engine in self.engines:
            for job in engine.jobs():
                engine.cancel(job.id)
        busy, until = list(self.engines), time.monotonic() + _LONGEST_END
        while busy and time.monotonic() < until:
            busy = [engine for engine in busy if engine.poll()]
            time.sleep(0.01)
        for running in [each for engine in busy for each in engine._active.values()]:
            if running.child is not None:
                running.child.kill()
        self.server.stop()


def hosts(*names: str) -> tuple[Target, ...]:
    """Return hosts that are reached by ssh, at an address where nobody answers."""
    return tuple(Target(name, "127.0.0.1", port=1) for name in names)


def request(operation: str = "get_report", *names: str, **settings: Any) -> Request:
    """Return a request for some hosts."""
    settings.setdefault("timeout", 60.0)
    settings.setdefault("phases", ("alpha",))
    settings.setdefault("changes", False)
    return Request(operation, hosts(*(names or ("h1", "h2"))), **settings)


def _is_going(row: dict[str, Any]) -> bool:
    return bool(row.get("pending_deletion"))


def _playbooks() -> list[Path]:
    return sorted((CONTENT / "playbooks").glob("*.yml"))


@dataclass
class Played:
    """How a job ended that ran in this very process."""

    id: str
    status: JobStatus
    message: str
    states: list[str]
    results: dict[str, Any]


def play(site: AwxSite, asked: Request | None = None, /, **place: Any) -> Played:
    """Run a job as its worker does."""
    asked = asked or request()
    state = site.top / "played"
    settings = {
        "ssh_config": str(site.ssh(state).config_path),
        "marker": "0" * 16,
        "lease": 30.0,
        "awx": site.place(**place).to_json(),
    }
    name = new_id(asked.operation, time.time())
    record = JobRecord(name, asked, JobStatus.QUEUED, time.time())
    job = JobDirs(state / "jobs").create(record, settings, settings["marker"])
    run = AwxRun(job.path, asked, settings, stopping=lambda: False)
    run.run()
    result = conclude(asked, run, run.stop, None)
    run.close()
    known = Progress(asked)
    for line in Tail(job.file("events.jsonl")).read_all():
        known.apply(line)
    outcomes = result["outcomes"]
    return Played(
        id=name,
        status=JobStatus(result["status"]),
        message=result["message"],
        states=[outcomes[host]["status"] for host in asked.hosts],
        results={host: dict(known.outcomes[host].result) for host in known.published},
    )
