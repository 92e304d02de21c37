"""What is made in AWX for one job and deleted after it: an inventory, and keys of Ceph.

Both have the launch's key as their name; it says whose they are to whoever finds them later.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

from adapter.awxapi.client import Awx
from adapter.engine.awx_hosts import awx_variables, pinned_keys
from adapter.engine.awx_memory import Memory
from adapter.engine.awx_place import AwxPlace
from adapter.engine.awx_template import REMEDY, NotLaunched, Template
from adapter.engine.jobs import JobDir
from adapter.engine.model import Request, Target
from adapter.errors import AdapterError

# What AWX takes in one request.
_HOSTS_AT_ONCE = 100
_CHANGES, _READS = "changes:", "reads:"


def prefix_of(place: AwxPlace) -> str:
    """Return what all that is made for jobs of a place begins with."""
    return f"{place.name}-job-"


def is_key(place: AwxPlace, name: str) -> bool:
    """Tell whether a name is that of something which an engine of this place has made."""
    return bool(job_of(place, name))


def job_of(place: AwxPlace, name: str) -> str:
    """Return the id of the job that something was made for; empty where that is none of ours."""
    key = r"(\d{8}T\d{6}-[a-z0-9_]+-[0-9a-f]{4})-[0-9a-f]{16}-\d+"
    found = re.fullmatch(re.escape(prefix_of(place)) + key, name)
    return found[1] if found else ""


def hosts_of(description: Any) -> Tuple[Set[str], bool]:
    """Return the hosts that an inventory says it has, and whether its job changes them."""
    kind, _, hosts = str(description or "").partition(" ")
    return (set(hosts.split()), kind == _CHANGES) if kind in (_CHANGES, _READS) else (set(), False)


class Made:
    """The objects of one job; ``memory`` keeps where they are."""

    def __init__(
        self, job: JobDir, request: Request, marker: str, place: AwxPlace, memory: Memory
    ) -> None:
        self._job, self._request, self._marker = job, request, marker
        self._place, self._memory = place, memory

    def key(self, attempt: int) -> str:
        """Return the name of what is made for an attempt; AWX takes a name once."""
        return f"{prefix_of(self._place)}{self._job.id}-{self._marker}-{attempt}"

    def inventory(self, awx: Awx, template: Template, known_hosts: Path) -> int:
        """Make the inventory with the hosts of the job, and return its id."""
        hosts = " ".join(self._request.hosts)
        about = {
            "name": self._memory.get("key"),
            "description": f"{_CHANGES if self._request.changes else _READS} {hosts}",
            "organization": template.row["organization"],
        }
        made = awx.post(awx.collection("inventory"), about)
        self._memory.keep(inventory=made["url"], number=made["id"], created=made["created"])
        self._add_hosts(awx, int(made["id"]), known_hosts)
        return int(made["id"])

    def _add_hosts(self, awx: Awx, inventory: int, known_hosts: Path) -> None:
        targets = self._request.targets
        path = f"{awx.collection('bulk')}host_create/"
        for start in range(0, len(targets), _HOSTS_AT_ONCE):
            some = targets[start : start + _HOSTS_AT_ONCE]
            rows = [self._host(target, known_hosts) for target in some]
            made = awx.post(path, {"inventory": inventory, "hosts": rows}).get("hosts")
            names = [row.get("name") for row in made or ()]
            if sorted(map(str, names)) != sorted(row["name"] for row in rows):
                raise AdapterError(f"AWX has made the hosts {names}, not those of the job.")

    def _host(self, target: Target, known_hosts: Path) -> Dict[str, str]:
        try:
            keys = pinned_keys(target, known_hosts)
        except OSError as error:
            raise NotLaunched(f"{error.filename}: {error.strerror}") from None
        if not keys:
            raise NotLaunched(f"no ssh host key of '{target.name}' is known")
        variables = awx_variables(target, self._marker, keys)
        return {"name": target.name, "variables": json.dumps(variables)}

    def credentials(self, awx: Awx, template: Template) -> List[int]:
        """Make the credential with the job's keys; return the ids of all that a launch gives."""
        kind = f"{self._place.name}-keyrings"
        types = [row for row in awx.list("credential_types", name=kind) if not row.get("managed")]
        if not types:
            raise NotLaunched(f"AWX has no credential type '{kind}'; {REMEDY}")
        files = sorted(self._job.secrets.iterdir())
        keyrings = "".join(f"{path.read_text(encoding='utf-8').rstrip()}\n" for path in files)
        made = awx.post(
            awx.collection("credentials"),
            {
                "name": self._memory.get("key"),
                # Of the login itself: no role in the organization is needed for it.
                "user": awx.me()["id"],
                "credential_type": types[0]["id"],
                "inputs": {"keyrings": keyrings},
            },
            secret=True,
        )
        self._memory.keep(credential=made["url"])
        there = template.row.get("summary_fields", {}).get("credentials") or []
        return [*(row["id"] for row in there), made["id"]]
