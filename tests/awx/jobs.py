"""Jobs of the stand-in for AWX: launch, hosts of an inventory, events, cancel.

What a job does is told by its plan, which a runner makes when the job is launched: see ``plans.py``
(events that are made up) and ``real.py`` (a real ansible-playbook).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Protocol

from tests.awx.rules import answer_problems
from tests.awx.shapes import PROMPTS
from tests.awx.store import Store

Reply = tuple[int, Any]
FINAL = ("successful", "failed", "error", "canceled")
_ACTIVE = ("pending", "waiting", "running")
_MOST_STDOUT = 1024
_MOST_RESULT = 700_000
_MOST_HOSTS = 100
# Which field of a launch a prompt is about, where it is called otherwise.
_FIELDS = {
    "variables": "extra_vars",
    "tags": "job_tags",
    "credential": "credentials",
}


@dataclass
class Plan:
    """What becomes of a job; times are monotonic, None is never.

    ``events`` have the time from which they are seen, and their number. ``status`` is the last one.
    ``stops`` is how long a cancel takes, None where nothing ends the job.
    """

    start_at: float | None = None
    end_at: float | None = None
    processed_at: float | None = None
    status: str = "successful"
    explanation: str = ""
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    artifacts: dict[str, Any] = field(default_factory=dict)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    stops: float | None = 0.05
    gone_at: float | None = None


@dataclass
class Job:
    """A job: what was launched, and its plan. ``hosts`` are those that it would run on."""

    id: int
    row: dict[str, Any]
    hosts: dict[str, dict[str, Any]]
    credentials: list[dict[str, Any]]
    plan: Plan = field(default_factory=Plan)
    cancelled_at: float | None = None

    def status(self, now: float) -> str:
        """Return the status."""
        plan = self.plan
        if plan.end_at is not None and now >= plan.end_at:
            return plan.status
        if plan.start_at is not None and now >= plan.start_at:
            return "running"
        return "pending"

    @property
    def has_run(self) -> bool:
        """Tell whether it has begun on its hosts."""
        return self.plan.start_at is not None and time.monotonic() >= self.plan.start_at

    def cancel(self, now: float) -> bool:
        """Cancel it; tell whether it was still to be cancelled."""
        status = self.status(now)
        if status in FINAL:
            return False
        if self.cancelled_at is None:
            self.cancelled_at = now
            plan = self.plan
            if status == "pending":
                plan.start_at, plan.end_at = None, now
            elif plan.stops is not None:
                plan.end_at = now + plan.stops
            else:
                return True
            plan.status, plan.artifacts, plan.explanation = "canceled", {}, ""
            plan.events = [(at, event) for at, event in plan.events if at <= now]
            plan.processed_at = plan.end_at
        return True


class Runner(Protocol):
    """Who makes the plans."""

    def begin(self, job: Job) -> None:
        """Make the plan of a job that was launched."""


class Jobs:
    """All jobs, and the hosts of inventories."""

    def __init__(self, store: Store, base: str, runner: Runner) -> None:
        self.store, self.base, self.runner = store, base, runner
        self.jobs: dict[int, Job] = {}
        self.hosts: dict[int, dict[str, dict[str, Any]]] = {}
        # What somebody changes of a template right before a launch.
        self.sabotage: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: {}

    # -- hosts of an inventory

    def create_hosts(self, body: dict[str, Any]) -> Reply:
        """Answer POST bulk/host_create/."""
        number, rows = body.get("inventory"), body.get("hosts") or []
        if number not in self.store.objects["inventories"]:
            return 400, {"inventory": [f'Invalid pk "{number}" - object does not exist.']}
        if len(rows) > _MOST_HOSTS:
            said = f"Number of hosts exceeds system setting BULK_HOST_MAX_CREATE ({_MOST_HOSTS})"
            return 400, {"__all__": [said]}
        there = self.hosts.setdefault(number, {})
        twice = sorted({row["name"] for row in rows} & set(there))
        if twice:
            return 400, {"__all__": [f"Hostnames must be unique in an inventory. {twice}"]}
        for row in rows:
            there[row["name"]] = json.loads(row.get("variables") or "{}")
        url = f"{self.base}inventories/{number}/"
        return 201, {"url": url, "hosts": [{"name": row["name"]} for row in rows]}

    # -- launch

    def launch(
        self, method: str, template: dict[str, Any], body: dict[str, Any], user: int
    ) -> Reply:
        """Answer GET or POST job_templates/N/launch/."""
        if method == "GET":
            asked = {name: value for name, value in template.items() if name.startswith("ask_")}
            return 200, {**asked, "survey_enabled": template["survey_enabled"]}
        if method != "POST":
            return 405, {"detail": f'Method "{method}" not allowed.'}
        template = {**template, **self.sabotage(body)}
        taken, ignored = self._prompts(template, body)
        errors = self._errors(template, taken) or self._unanswered(template, body)
        if errors:
            return 400, errors
        job = self._add(template, taken)
        job.row["created_by"] = user
        self.runner.begin(job)
        shown = self.shown(job)
        if job.row["type"] != "job":
            return 201, {**shown, "workflow_job": job.id, "ignored_fields": ignored}
        return 201, {"job": job.id, "ignored_fields": ignored, **shown}

    def _prompts(
        self, template: dict[str, Any], body: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        taken, ignored = {}, {}
        survey = self.store.surveys.get(template["id"]) if template["survey_enabled"] else None
        if survey is not None:
            given = body.get("extra_vars") or {}
            asked = {row["variable"] for row in survey["spec"]}
            known = {name: value for name, value in given.items() if name in asked}
            taken["extra_vars"] = {**_defaults(survey["spec"]), **known}
            body = {name: value for name, value in body.items() if name != "extra_vars"}
            rest = {name: value for name, value in given.items() if name not in asked}
            body.update({"extra_vars": rest} if rest else {})
        for prompt in PROMPTS:
            name = _FIELDS.get(prompt, prompt)
            if name not in body:
                continue
            if template[f"ask_{prompt}_on_launch"]:
                taken[name] = body[name]
            elif body[name] != template.get(name):
                ignored[name] = body[name]
        return taken, ignored

    def _errors(self, template: dict[str, Any], taken: dict[str, Any]) -> dict[str, Any]:
        number = taken.get("inventory", template["inventory"])
        if number is None:
            return {"inventory": ["Job Template 'inventory' is missing or undefined."]}
        found = self.store.objects["inventories"].get(number)
        if found is None:
            return {"inventory": [f'Invalid pk "{number}" - object does not exist.']}
        if found["pending_deletion"]:
            said = "The inventory associated with this Job Template is being deleted."
            return {"inventory": [said]}
        if taken.get("job_type", "run") not in ("run", "check"):
            return {"job_type": [f'"{taken["job_type"]}" is not a valid choice.']}
        return {}

    def _unanswered(self, template: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        survey = self.store.surveys.get(template["id"], {}) if template["survey_enabled"] else {}
        said = answer_problems(survey, body.get("extra_vars") or {})
        return {"variables_needed_to_start": said} if said else {}

    def _add(self, template: dict[str, Any], taken: dict[str, Any]) -> Job:
        given = taken.pop("extra_vars", {})
        variables = {**json.loads(template["extra_vars"] or "{}"), **given}
        credentials = taken.pop("credentials", self.store.credentials[template["id"]])
        own = {"name", "description", "job_type", "inventory", "project", "playbook", "limit"}
        own |= {"forks", "verbosity", "job_tags", "skip_tags", "timeout", "diff_mode"}
        own |= {"organization", "allow_simultaneous", "job_slice_count"}
        slices = template["job_slice_count"] > 1
        row = {
            **{name: template.get(name) for name in own},
            **{name: value for name, value in taken.items() if name in own},
            "type": "workflow_job" if slices else "job",
            "extra_vars": json.dumps(variables),
            "job_template": template["id"],
            "created": _now(),
        }
        self.store.jobs_made += 1
        job = Job(
            id=self.store.jobs_made,
            row=row,
            hosts=dict(self.hosts.get(row["inventory"], {})),
            credentials=[self.store.objects["credentials"][number] for number in credentials],
        )
        self.jobs[job.id] = job
        return job

    # -- what is asked of jobs

    def rows(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return the jobs that filters leave, and take the filters away."""
        found = [self.shown(job) for job in self.jobs.values() if not self._is_gone(job)]
        states = query.pop("status__in", "")
        if states:
            found = [row for row in found if row["status"] in states.split(",")]
        credential = query.pop("credentials", "")
        if credential:
            having = {
                job.id
                for job in self.jobs.values()
                if credential in {str(row["id"]) for row in job.credentials}
            }
            found = [row for row in found if row["id"] in having]
        prefix = query.pop("inventory__name__startswith", "")
        if prefix:
            found = [row for row in found if self._inventory(row).startswith(prefix)]
        return found

    def _inventory(self, row: dict[str, Any]) -> str:
        return str(self.store.objects["inventories"].get(row["inventory"] or 0, {}).get("name", ""))

    def _is_gone(self, job: Job) -> bool:
        return job.plan.gone_at is not None and time.monotonic() >= job.plan.gone_at

    def using(self, inventory: int) -> list[int]:
        """Return the jobs that an inventory cannot be deleted because of, also ones not shown."""
        now = time.monotonic()
        return [
            job.id
            for job in self.jobs.values()
            if job.row["inventory"] == inventory and job.status(now) in _ACTIVE
        ]

    def forget(self, inventory: int) -> None:
        """Take a deleted inventory from its jobs."""
        self.hosts.pop(inventory, None)
        for job in self.jobs.values():
            if job.row["inventory"] == inventory:
                job.row["inventory"] = None

    def below(self, number: int, name: str, query: dict[str, str]) -> list[dict[str, Any]] | None:
        """Return a list below a job."""
        job = self.jobs.get(number)
        if job is None or self._is_gone(job):
            return None
        if name == "job_host_summaries":
            return list(job.plan.summaries) if job.status(time.monotonic()) in FINAL else []
        return self._events(job, query) if name == "job_events" else None

    def _events(self, job: Job, query: dict[str, str]) -> list[dict[str, Any]]:
        now, after = time.monotonic(), int(query.pop("counter__gt", "0"))
        whole = query.pop("no_truncate", "") == "true"
        found = [event for at, event in job.plan.events if at <= now and event["counter"] > after]
        return [self._event(job, event, whole) for event in found]

    def _event(self, job: Job, event: dict[str, Any], whole: bool) -> dict[str, Any]:
        text, data = str(event.get("stdout") or ""), dict(event.get("event_data") or {})
        if len(json.dumps(data.get("res") or {})) > _MOST_RESULT:
            data["res"] = {}
        return {
            **event,
            "id": job.id * 100_000 + event["counter"],
            "type": "job_event",
            "job": job.id,
            "event_data": data,
            "host_name": data.get("host", ""),
            "stdout": text if whole else text[:_MOST_STDOUT],
        }

    def answer(self, method: str, number: int, name: str) -> Reply:
        """Answer what is asked of one job."""
        job = self.jobs.get(number)
        if job is None or self._is_gone(job):
            return 404, {"detail": "No Job matches the given query."}
        now = time.monotonic()
        if not name:
            return (200, self.shown(job)) if method == "GET" else (403, {"detail": "Running."})
        if name != "cancel":
            return 404, {"detail": "Not found."}
        if method == "GET":
            return 200, {"can_cancel": job.status(now) not in FINAL}
        if not job.cancel(now):
            return 405, {"detail": f'Method "{method}" not allowed.'}
        return 202, ""

    def shown(self, job: Job) -> dict[str, Any]:
        """Return a job as AWX shows it."""
        now, plan = time.monotonic(), job.plan
        status = job.status(now)
        ended = status in FINAL
        kind = f"{job.row['type']}s"
        url = f"{self.base}{kind}/{job.id}/"
        related = {"cancel": f"{url}cancel/"}
        if job.row["type"] == "job":
            lists = ("job_events", "job_host_summaries")
            related.update({name: f"{url}{name}/" for name in lists})
        inventory = self.store.objects["inventories"].get(job.row["inventory"] or 0)
        summary: dict[str, Any] = {}
        there = self.store.objects["credentials"]
        used = [row for row in job.credentials if row["id"] in there]
        summary["credentials"] = [self.store.credential(row) for row in used]
        if inventory is not None:
            names = ("id", "name", "description")
            summary["inventory"] = {name: inventory[name] for name in names}
        counts = {"ok": len(job.hosts)} if ended and plan.summaries else None
        processed = plan.processed_at is not None and now >= plan.processed_at
        return {
            "id": job.id,
            "url": url,
            "related": related,
            "summary_fields": summary,
            **job.row,
            "status": status,
            "failed": status in ("failed", "error", "canceled"),
            "started": _now() if plan.start_at is not None and now >= plan.start_at else None,
            "finished": _now() if ended else None,
            "job_explanation": plan.explanation if ended else "",
            "result_traceback": "",
            "event_processing_finished": ended and processed,
            "artifacts": plan.artifacts if ended else {},
            "host_status_counts": counts if ended and processed else None,
        }

    def everything(self) -> str:
        """Return all that is kept of jobs, as text: what must have no secret in it."""
        kept = [
            (self.shown(job), [event for _, event in job.plan.events]) for job in self.jobs.values()
        ]
        return json.dumps([kept, self.hosts], default=str)


def _defaults(questions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is taken for questions without an answer; a default that is no choice is none."""
    return {
        row["variable"]: row.get("default")
        for row in questions
        if not row.get("choices") or row.get("default") in row["choices"]
    }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
