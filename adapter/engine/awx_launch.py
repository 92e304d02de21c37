"""Start a job in AWX so that it runs once, on exactly its hosts, or find the one that was started.

Each launch has an inventory of its own, with the operation's hosts and no others, and a template of
the engine has none: a job whose inventory got lost on the way has no hosts, never all. The name of
the inventory is the key: AWX takes a name once, and a job that was launched with the inventory is
found by it. Before a launch whose answer got lost is tried again, its inventory is deleted; from
then on AWX cannot start that job any more.
"""

from __future__ import annotations

import json
import math
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from adapter.awxapi.client import Awx, Object
from adapter.engine.awx_hosts import awx_variables, pinned_keys
from adapter.engine.awx_place import Asking, AwxPlace
from adapter.engine.by_hand import ENTITIES, SECRETS, job_variables
from adapter.engine.files import read_json, write_private
from adapter.engine.jobs import JobDir
from adapter.engine.model import Request, Target
from adapter.errors import AdapterError, NotReady, some_of

FINAL = ("successful", "failed", "error", "canceled")
_ACTIVE = "new,pending,waiting,running"
_MEMORY = "awx.json"
# What AWX takes in one request.
_HOSTS_AT_ONCE = 100
# How long an inventory is watched for a job that a lost launch has started after all.
_LOOKS = 3
_CHANGES = "changes:"


class NotLaunched(Exception):
    """Say why no job runs in AWX."""


class Launch:
    """The launch of one job.

    ``wait`` pauses, ``stopping`` tells whether the job is to end. What has been made in AWX is
    written down before and after, so that whoever comes later finds it.
    """

    def __init__(
        self,
        job: JobDir,
        request: Request,
        marker: str,
        place: AwxPlace,
        asking: Asking,
        *,
        wait: Callable[[float], None],
        stopping: Callable[[], bool],
        forks: int,
        known_hosts: Path,
    ) -> None:
        self._job, self._request, self._marker = job, request, marker
        self._place, self._asking = place, asking
        self._wait, self._stopping = wait, stopping
        self._forks, self._known_hosts = forks, known_hosts
        self._template: Object = {}
        kept = read_json(job.file(_MEMORY))
        self._memory: Dict[str, Any] = kept if isinstance(kept, dict) else {}

    @property
    def was_begun(self) -> bool:
        """Tell whether an earlier worker has begun with this job."""
        return bool(self._memory)

    @property
    def is_unsure(self) -> bool:
        """Tell whether AWX may run the job, or may have run it."""
        return bool(self._memory.get("job") or self._memory.get("sent"))

    def find(self) -> Optional[Object]:
        """Return the job that was launched before, None where none was. Raises ``NotReady``."""
        url = self._memory.get("job")
        if url:
            return self._asking.ask(partial(there, url=str(url)))
        return self._settle() if self._memory.get("key") else None

    def start(self) -> Object:
        """Launch the job and return it; one that must not run is told by ``objection``.

        Raises ``NotLaunched``, ``NotReady`` when AWX is silent for too long, ``AdapterError`` for
        what it refuses.
        """
        self._template = self._asking.ask(self._look_up)
        self._refuse_template()
        self._wait_for_others()
        while not self._stopping():
            try:
                return self._asking.once(self._launch)
            except NotReady as error:
                found = self._settle()
                if found is not None:
                    return found
                self._asking.pause_after(error)
        raise NotLaunched("it was cancelled before it was launched")

    def objection(self, job: Mapping[str, Any]) -> str:
        """Return why a launched job is not the one that was asked for, or nothing."""
        ignored = job.get("ignored_fields")
        if isinstance(ignored, Mapping) and ignored:
            names = ", ".join(sorted(map(str, ignored)))
            return f"AWX has ignored {names}; {self._remedy}"
        if job.get("type") != "job":
            return f"AWX has split it into a {job.get('type')}; {self._remedy}"
        wanted = {
            "inventory": self._memory.get("number"),
            "playbook": f"playbooks/{self._request.operation}.yml",
            "job_type": self._job_type,
            "limit": "",
            "job_tags": "",
            "skip_tags": "",
        }
        if job.get("inventory") is None and job.get("status") in FINAL:
            # It was deleted after the job's end.
            del wanted["inventory"]
        for key, value in wanted.items():
            if job.get(key) != value:
                return f"AWX runs it with {key} {job.get(key)!r}, not {value!r}; {self._remedy}"
        missing = sorted(set(self._variables()) - _names_in(job.get("extra_vars")))
        if missing:
            return f"AWX runs it without {some_of(missing, 3)}; {self._remedy}"
        return ""

    def tidy(self) -> str:
        """Delete what was made in AWX for the job; return what is left there, or nothing."""
        left = []
        for key in ("credential", "inventory"):
            url = str(self._memory.get(key) or "")
            if not url:
                continue
            try:
                self._asking.once(lambda awx, url=url: awx.delete(url))  # type: ignore[misc]
            except AdapterError as error:
                left.append(f"{url} is left in AWX: {error.message}")
        return "; ".join(left)

    # -- the template

    @property
    def _name(self) -> str:
        return f"{self._place.name}-engine-{self._request.operation}"

    @property
    def _remedy(self) -> str:
        return "`orch-ansible awx verify` says what differs from the template that is needed"

    @property
    def _job_type(self) -> str:
        return "check" if self._request.check else "run"

    def _look_up(self, awx: Awx) -> Object:
        rows = awx.list("job_templates", name=self._name)
        for row in rows:
            about = row.get("summary_fields", {}).get("organization") or {}
            if about.get("name") == self._place.organization:
                return row
        raise NotLaunched(
            f"AWX has no job template '{self._name}' in the organization "
            f"'{self._place.organization}' that this login may use"
        )

    def _refuse_template(self) -> None:
        """Refuse a template that would drop something, or add hosts."""
        needed = ["variables", "inventory", "job_type", "diff_mode", "forks", "timeout"]
        needed += ["credential"] if self._request.secrets or self._job.secrets.is_dir() else []
        needed += ["instance_groups"] if self._place.instance_group else []
        for name in needed:
            if self._template.get(f"ask_{name}_on_launch") is not True:
                raise NotLaunched(
                    f"the job template '{self._name}' does not ask for {name} (ask_{name}_on_launch"
                    f" is off), so AWX would ignore it; {self._remedy}"
                )
        if self._template.get("inventory") is not None:
            raise NotLaunched(
                f"the job template '{self._name}' has an inventory of its own, whose hosts would be"
                f" changed if AWX ignored ours; {self._remedy}"
            )
        if self._template.get("survey_enabled"):
            raise NotLaunched(
                f"the job template '{self._name}' has a survey, whose defaults would be added; "
                f"{self._remedy}"
            )

    # -- other managers

    def _wait_for_others(self) -> None:
        """Wait while a job that another manager has launched changes one of our hosts."""
        if not self._request.changes:
            return
        looked = 0.0
        while not self._stopping():
            reason = self._asking.ask(self._other)
            if not reason:
                return
            if looked >= self._place.queue:
                raise NotLaunched(f"{reason}, for {self._place.queue:g} s already")
            pause = max(self._place.interval, self._place.queue / 60)
            self._wait(pause)
            looked += pause

    def _other(self, awx: Awx) -> str:
        prefix = f"{self._place.name}-job-"
        filters = {"status__in": _ACTIVE, "inventory__name__startswith": prefix}
        for row in awx.list("jobs", **filters):
            about = row.get("summary_fields", {}).get("inventory") or {}
            kind, _, hosts = str(about.get("description") or "").partition(" ")
            if about.get("name") == self._memory.get("key") or kind != _CHANGES:
                continue
            shared = sorted(set(hosts.split()) & set(self._request.hosts))
            if shared:
                return f"AWX job {row.get('id')} changes {some_of(shared, 3)}"
        return ""

    # -- what is made for the job

    def _launch(self, awx: Awx) -> Object:
        attempt = int(self._memory.get("attempt") or 0) + 1
        key = f"{self._place.name}-job-{self._job.id}-{self._marker}-{attempt}"
        began = self._memory.get("began") or time.time()
        fresh = {"inventory": "", "credential": "", "number": None, "job": "", "sent": False}
        self._keep(began=began, attempt=attempt, key=key, **fresh)
        organization = self._template["organization"]
        hosts = " ".join(self._request.hosts)
        about = {
            "name": key,
            "description": f"{_CHANGES if self._request.changes else 'reads:'} {hosts}",
            "organization": organization,
        }
        inventory = awx.post(awx.collection("inventory"), about)
        self._keep(inventory=inventory["url"], number=inventory["id"])
        self._add_hosts(awx, inventory["id"])
        body: Dict[str, Any] = {
            "inventory": inventory["id"],
            "extra_vars": self._variables(),
            "job_type": self._job_type,
            "diff_mode": self._request.diff,
            "forks": self._forks,
            # Ours comes first: this one ends a job that nobody can reach any more.
            "timeout": math.ceil(self._request.timeout + self._place.stop),
        }
        keyrings = self._keyrings()
        if keyrings:
            body["credentials"] = self._credentials(awx, key, keyrings)
        if self._place.instance_group:
            body["instance_groups"] = [self._instance_group(awx)]
        self._keep(sent=True)
        try:
            job = awx.post(str(self._template["related"]["launch"]), body)
        except NotReady:
            raise
        except AdapterError:
            self._keep(sent=False)
            raise
        self._keep(job=job["url"])
        return job

    def _add_hosts(self, awx: Awx, inventory: int) -> None:
        targets = self._request.targets
        path = f"{awx.collection('bulk')}host_create/"
        for start in range(0, len(targets), _HOSTS_AT_ONCE):
            rows = [self._host(target) for target in targets[start : start + _HOSTS_AT_ONCE]]
            made = awx.post(path, {"inventory": inventory, "hosts": rows}).get("hosts")
            names = [row.get("name") for row in made or ()]
            if sorted(map(str, names)) != sorted(row["name"] for row in rows):
                raise AdapterError(f"AWX has made the hosts {names}, not those of the job.")

    def _host(self, target: Target) -> Dict[str, str]:
        try:
            keys = pinned_keys(target, self._known_hosts)
        except OSError as error:
            raise NotLaunched(f"{error.filename}: {error.strerror}") from None
        if not keys:
            raise NotLaunched(f"no ssh host key of '{target.name}' is known")
        variables = awx_variables(target, self._marker, keys)
        return {"name": target.name, "variables": json.dumps(variables)}

    def _variables(self) -> Dict[str, Any]:
        given = job_variables(self._job.path)
        if SECRETS in given:
            # The files are of this machine; AWX has the keys in a credential.
            given[SECRETS] = ""
        return {**self._request.variables, **given}

    def _keyrings(self) -> str:
        if ENTITIES not in self._variables():
            return ""
        files = sorted(self._job.secrets.iterdir())
        return "".join(f"{path.read_text(encoding='utf-8').rstrip()}\n" for path in files)

    def _credentials(self, awx: Awx, key: str, keyrings: str) -> List[int]:
        kind = f"{self._place.name}-keyrings"
        types = [row for row in awx.list("credential_types", name=kind) if not row.get("managed")]
        if not types:
            raise NotLaunched(f"AWX has no credential type '{kind}'; {self._remedy}")
        made = awx.post(
            awx.collection("credentials"),
            {
                "name": key,
                # Of the login itself: no role in the organization is needed for it.
                "user": awx.me()["id"],
                "credential_type": types[0]["id"],
                "inputs": {"keyrings": keyrings},
            },
        )
        self._keep(credential=made["url"])
        there = self._template.get("summary_fields", {}).get("credentials") or []
        return [*(row["id"] for row in there), made["id"]]

    def _instance_group(self, awx: Awx) -> int:
        rows = awx.list("instance_groups", name=self._place.instance_group)
        if not rows:
            raise NotLaunched(f"AWX has no instance group '{self._place.instance_group}'")
        return int(rows[0]["id"])

    # -- whether a launch whose answer got lost has started something

    def _settle(self) -> Optional[Object]:
        """Return the job of the last launch; None when there is none and will be none."""
        if self._memory.get("job"):
            return self.find()
        key = self._memory["key"]
        if not self._memory.get("inventory"):
            for row in self._asking.ask(lambda awx: awx.list("inventory", name=key)):
                self._keep(inventory=row["url"], number=row["id"])
        if self._memory.get("inventory"):
            for look in range(_LOOKS):
                found = self._job_of_inventory()
                if found is not None:
                    return found
                if look < _LOOKS - 1:
                    self._wait(self._place.interval)
            found = self._disarm()
            if found is not None:
                return found
        if self._memory.get("credential"):
            self._asking.ask(lambda awx: awx.delete(str(self._memory["credential"])))
        self._keep(inventory="", credential="", number=None, sent=False)
        return None

    def _job_of_inventory(self) -> Optional[Object]:
        number = self._memory["number"]
        rows = self._asking.ask(lambda awx: awx.list("jobs", inventory=number))
        if not rows:
            return None
        self._keep(job=rows[0]["url"])
        return self._asking.ask(lambda awx: awx.get(str(rows[0]["url"]))) or rows[0]

    def _disarm(self) -> Optional[Object]:
        """Delete the inventory of a lost launch; AWX refuses that while a job uses it."""
        url = str(self._memory["inventory"])
        began = time.monotonic()
        while True:
            refused = self._refusal(url)
            found = self._job_of_inventory()
            if found is not None or refused is None:
                return found
            if time.monotonic() - began > self._asking.limit():
                raise NotReady(refused)
            self._wait(self._place.interval)

    def _refusal(self, url: str) -> Optional[str]:
        """Delete something; return why AWX does not want to, None where it does."""
        try:
            self._asking.ask(lambda awx: awx.delete(url))
        except NotReady:
            raise
        except AdapterError as error:
            return error.message
        return None

    def _keep(self, **changes: Any) -> None:
        self._memory.update(changes)
        write_private(self._job.file(_MEMORY), json.dumps(self._memory), lasting=True)


def there(awx: Awx, url: str) -> Object:
    """Return a job; raises ``NotReady`` where AWX has none: it may be a gateway that says so."""
    found = awx.get(url)
    if found is None or "status" not in found:
        raise NotReady(f"AWX has no job at {url} any more.")
    return found


def _names_in(extra_vars: Any) -> Set[str]:
    try:
        given = json.loads(extra_vars)
    except (TypeError, ValueError):
        return set()
    return set(given) if isinstance(given, dict) else set()


def memory_of(job: Path) -> Dict[str, Any]:
    """Return what a job's directory says of its objects in AWX; empty where it says nothing."""
    kept = read_json(job / _MEMORY)
    return kept if isinstance(kept, dict) else {}
