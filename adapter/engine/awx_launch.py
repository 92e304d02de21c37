"""Start a job in AWX so that it runs once, on exactly its hosts, or find the one that was started.

Each launch has an inventory of its own, with the operation's hosts and no others, and a template of
the engine has none: a job whose inventory got lost on the way has no hosts, never all. The name of
the inventory is the key: AWX takes a name once, and a job that was launched with the inventory is
found by it. Before a launch whose answer got lost is tried again, its inventory is deleted; from
then on AWX cannot start that job any more.
"""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from adapter.awxapi.client import Awx, Object
from adapter.engine.awx_made import Made, hosts_of, prefix_of
from adapter.engine.awx_memory import Memory
from adapter.engine.awx_place import Asking, AwxPlace
from adapter.engine.awx_template import NotLaunched, Template, variables_of
from adapter.engine.by_hand import ENTITIES, JOB, SECRETS, job_variables
from adapter.engine.jobs import JobDir
from adapter.engine.model import Request
from adapter.errors import AdapterError, NotReady, some_of

ACTIVE = "new,pending,waiting,running"
# How long an inventory is watched for a job that a lost launch has started after all.
_LOOKS = 3


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
        self._job, self._request = job, request
        self._place, self._asking = place, asking
        self._wait, self._stopping = wait, stopping
        self._forks, self._known_hosts = forks, known_hosts
        self._memory = Memory(job)
        self._template = Template(place, request)
        self._made = Made(job, request, marker, place, self._memory)

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
        url = self._memory.path("job")
        if url:
            return self._asking.ask(partial(there, url=url))
        return self._settle() if self._memory.get("key") else None

    def start(self) -> Object:
        """Launch the job and return it; one that must not run is told by ``objection``.

        Raises ``NotLaunched``, ``NotReady`` when AWX is silent for too long, ``AdapterError`` for
        what it refuses.
        """
        self._asking.ask(self._template.find)
        with_keys = bool(self._request.secrets) or self._job.secrets.is_dir()
        self._template.refuse(with_keys=with_keys)
        self._wait_for_others()
        tries = 0
        while not self._stopping():
            try:
                return self._asking.once(self._launch)
            except NotReady as error:
                found = self._settle()
                if found is not None:
                    return found
                self._asking.pause_after(error, tries)
                tries += 1
        raise NotLaunched("it was cancelled before it was launched")

    def objection(self, job: Mapping[str, Any]) -> str:
        """Return why a launched job is not the one that was asked for, or nothing."""
        return self._template.objection(
            job,
            self._memory.get("number"),
            set(self._variables()),
            str(self._memory.get("key")),
        )

    def tidy(self) -> str:
        """Delete what was made in AWX for the job; return what is left there, or nothing."""
        left = []
        for key in ("credential", "inventory"):
            url = self._memory.path(key)
            if not url:
                continue
            try:
                self._asking.once(lambda awx, url=url: awx.delete(url))  # type: ignore[misc]
            except AdapterError as error:
                left.append(f"{url} is left in AWX: {error.message}")
        return "; ".join(left)

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
        filters = {"status__in": ACTIVE, "inventory__name__startswith": prefix_of(self._place)}
        for row in awx.list("jobs", **filters):
            about = row.get("summary_fields", {}).get("inventory") or {}
            hosts, changes = hosts_of(about.get("description"))
            if about.get("name") == self._memory.get("key") or not changes:
                continue
            shared = sorted(hosts & set(self._request.hosts))
            if shared:
                return f"AWX job {row.get('id')} changes {some_of(shared, 3)}"
        return ""

    # -- one launch

    def _launch(self, awx: Awx) -> Object:
        attempt = int(self._memory.get("attempt") or 0) + 1
        began = self._memory.get("began") or time.time()
        fresh = {"inventory": "", "credential": "", "number": None, "job": "", "sent": False}
        fresh.update(created="", jobs=str(self._template.row["related"]["jobs"]))
        self._memory.keep(began=began, attempt=attempt, key=self._made.key(attempt), **fresh)
        body: Dict[str, Any] = {
            "inventory": self._made.inventory(awx, self._template, self._known_hosts),
            "extra_vars": self._variables(),
            "job_type": self._template.job_type,
            "diff_mode": self._request.diff,
            "forks": self._forks,
            # Ours comes first: this one ends a job that nobody can reach any more.
            "timeout": math.ceil(self._request.timeout + self._place.stop),
        }
        if ENTITIES in body["extra_vars"]:
            body["credentials"] = self._made.credentials(awx, self._template)
        if self._place.instance_group:
            body["instance_groups"] = [self._instance_group(awx)]
        self._memory.keep(sent=True)
        try:
            job = awx.post(str(self._template.row["related"]["launch"]), body)
        except NotReady:
            raise
        except AdapterError:
            self._memory.keep(sent=False)
            raise
        self._memory.keep(job=job["url"])
        return job

    def _variables(self) -> Dict[str, Any]:
        given = job_variables(self._job.path)
        if SECRETS in given:
            # The files are of this machine; AWX has the keys in a credential.
            given[SECRETS] = ""
        return {**self._request.variables, **given}

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
        key = self._memory.get("key")
        if not self._memory.get("inventory"):
            for row in self._asking.ask(lambda awx: awx.list("inventory", name=key)):
                self._memory.keep(inventory=row["url"], number=row["id"], created=row["created"])
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
            self._asking.ask(lambda awx: awx.delete(self._memory.path("credential")))
        self._memory.keep(inventory="", credential="", number=None, sent=False)
        return None

    def _jobs(self, **filters: Any) -> List[Object]:
        """Return the jobs of the template that filters leave.

        They are asked for below the template: AWX refuses that to a user who does not see them, and
        of the list of all jobs shows such a user none, as if nothing had been launched.
        """

        def rows(awx: Awx) -> List[Object]:
            path = self._memory.path("jobs") or awx.collection("jobs")
            try:
                return list(awx.pages(path, **filters))
            except NotReady:
                raise
            except AdapterError as error:
                # Somebody may give the user the roles, or write another login into its file.
                raise NotReady(error.message, error.remedy) from None

        return self._asking.ask(rows)

    def _job_of_inventory(self) -> Optional[Object]:
        number = self._memory.get("number")
        rows = self._jobs(inventory=number)
        if not rows:
            return None
        return self._have(rows[0])

    def _have(self, row: Object) -> Object:
        """Keep which job it is, and return all that AWX says of it."""
        url = str(row["url"])
        self._memory.keep(job=url)
        return self._asking.ask(lambda awx: awx.get(url)) or row

    def _job_without_inventory(self) -> Optional[Object]:
        """Return a job that ended before its inventory was deleted; it does not say whose it was.

        It is known by its variables, and one that AWX has run without them by its hosts.
        """
        made = self._memory.get("created")
        filters = {"name": self._template.name, **({"created__gte": made} if made else {})}
        for row in self._jobs(**filters):
            if row.get("inventory") is not None:
                continue
            job = variables_of(row.get("extra_vars")).get(JOB)
            if job == self._job.id or (job is None and self._has_our_hosts(row)):
                return self._have(row)
        return None

    def _has_our_hosts(self, job: Object) -> bool:
        path = job.get("related", {}).get("job_host_summaries")
        rows = self._asking.ask(lambda awx: list(awx.pages(path))) if path else []
        return bool({str(row.get("host_name")) for row in rows} & set(self._request.hosts))

    def _disarm(self) -> Optional[Object]:
        """Delete the inventory of a lost launch; AWX refuses that while a job uses it."""
        url = self._memory.path("inventory")
        began = time.monotonic()
        while True:
            refused = self._refusal(url)
            found = self._job_of_inventory()
            if found is not None:
                return found
            if refused is None:
                return self._job_without_inventory()
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


def there(awx: Awx, url: str) -> Object:
    """Return a job; raises ``NotReady`` where AWX has none: it may be a gateway that says so."""
    found = awx.get(url)
    if found is None or "status" not in found:
        raise NotReady(f"AWX has no job at {url} any more.")
    return found
