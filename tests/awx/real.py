"""Jobs that run the playbook with the real ansible-runner, on this machine."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import ansible_runner
import jinja2

from tests.awx.jobs import Job, Plan
from tests.awx.store import Store

_CODES = {"successful": "successful", "canceled": "canceled"}
_COUNTS = ("ok", "changed", "failures", "dark")


class Real:
    """A runner for a project in ``content``; all hosts are this machine.

    ``store`` is set when the server is there: it has the types of credentials.
    """

    def __init__(self, content: Path) -> None:
        self.content = content
        self.store: Store | None = None

    def begin(self, job: Job) -> None:
        """Run the playbook in a thread."""
        job.plan = Plan(start_at=time.monotonic(), stops=None)
        threading.Thread(target=self._run, args=(job,), daemon=True).start()

    def _run(self, job: Job) -> None:
        top = Path(tempfile.mkdtemp(prefix="awx-"))
        try:
            done = self._playbook(job, top)
            status = _CODES.get(done.status, "failed")
        except Exception as error:  # noqa: BLE001 - a job ends whatever happens
            status, job.plan.explanation = "error", repr(error)
        finally:
            shutil.rmtree(top, ignore_errors=True)
        plan = job.plan
        for _, event in plan.events:
            if event["event"] == "playbook_on_stats":
                self._finish(plan, event["event_data"])
        plan.status = status
        plan.end_at = plan.processed_at = time.monotonic()

    def _playbook(self, job: Job, top: Path) -> Any:
        hosts = {name: self.reached(given) for name, given in job.hosts.items()}
        inventory = top / "hosts"
        inventory.write_text(_script(hosts))
        inventory.chmod(0o700)
        variables = top / "vars.json"
        # As AWX does with what is given at launch: it is data.
        given = _unsafe(json.loads(job.row["extra_vars"]))
        variables.write_text(json.dumps({**given, "awx_job_id": job.id}))
        flags = ["-e", f"@{variables}"]
        flags += ["--check"] if job.row["job_type"] == "check" else []
        flags += ["--limit", job.row["limit"]] if job.row.get("limit") else []
        flags += ["--diff"] if job.row["diff_mode"] else []
        (top / "runner").mkdir()
        return ansible_runner.run(
            private_data_dir=str(top / "runner"),
            project_dir=str(self.content),
            playbook=job.row["playbook"],
            inventory=str(inventory),
            cmdline=" ".join(flags),
            envvars={
                "ANSIBLE_CONFIG": str(self.content / "ansible.cfg"),
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/sbin:/sbin",
                **self.injected(job, top),
            },
            quiet=True,
            settings={"pexpect_timeout": 1},
            event_handler=lambda event: self._heard(job, event),
            cancel_callback=lambda: job.cancelled_at is not None,
        )

    def reached(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return a host's variables: it is this machine."""
        return {**given, **_here()}

    def _heard(self, job: Job, event: dict[str, Any]) -> bool:
        kept = ("counter", "uuid", "event", "event_data", "stdout")
        row = {key: event.get(key) for key in kept}
        job.plan.events.append((time.monotonic(), row))
        return False

    def _finish(self, plan: Plan, stats: dict[str, Any]) -> None:
        plan.artifacts = dict(stats.get("artifact_data") or {})
        names = sorted({host for count in _COUNTS for host in stats.get(count) or {}})
        plan.summaries = [
            {
                "host_name": host,
                **{count: (stats.get(count) or {}).get(host, 0) for count in _COUNTS},
            }
            for host in names
        ]

    def injected(self, job: Job, top: Path) -> dict[str, str]:
        """Return the environment that credentials make, and write their files."""
        found: dict[str, str] = {}
        for credential in job.credentials:
            assert self.store is not None
            kind = self.store.objects["credential_types"][credential["credential_type"]]
            files = {}
            for name, text in kind["injectors"].get("file", {}).items():
                path = top / name
                path.write_text(jinja2.Template(text).render(**credential["inputs"]))
                files[name.partition(".")[2]] = str(path)
            given = {**credential["inputs"], "tower": {"filename": files}}
            for name, text in kind["injectors"].get("env", {}).items():
                found[name] = jinja2.Template(text).render(**given)
        return found


def _script(hosts: dict[str, dict[str, Any]]) -> str:
    """Return the program that prints the inventory.

    AWX hands it to Ansible so, and a text that a source has marked as data is one there.
    """
    told = json.dumps({"all": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}})
    return f"#!{sys.executable}\nprint({told!r})\n"


def _here() -> dict[str, str]:
    """Return how every host is reached: it is this machine."""
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_shell_executable": "/bin/sh",
    }


def _unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, dict):
        return {key: _unsafe(item) for key, item in value.items()}
    return [_unsafe(item) for item in value] if isinstance(value, list) else value
