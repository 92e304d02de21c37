"""One operation done in three ways on equal hosts: ``ceph orch``, the line by hand, a job of AWX.

What is done is what ``ceph orch`` has asked for: its job says the variables, and the line that does
it by hand. AWX gets the variables as answers to the survey of its job template for people.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.lab_tests.lab_awx import ORGANIZATION, LabAwx
from tests.lab_tests.lab_client import STATE, Lab, wait_until
from tests.lab_tests.test_playbooks import published

CASES = Path(__file__).with_name("cases")
SECONDS = 180.0
KEY = re.compile(r"key = \S+")
# What a playbook may change on a host, but not what daemons write by themselves.
HOST = """
cd /
places='etc var/lib/ceph-orch-ansible usr/local/lib/ceph-orch-ansible run/three-ways'
for daemon in mon mgr mds crash bootstrap-osd; do
  test -e var/lib/ceph/$daemon && places="$places var/lib/ceph/$daemon"; done
find $places -maxdepth 3 \\( -name store.db -o -name posted \\) -prune -o \
  -printf '%p %y %m %u %g %l\\n' 2>/dev/null | grep -v '^var/lib/ceph/crash/.' | sort
find etc var/lib/ceph-orch-ansible run/three-ways -type f -print0 2>/dev/null | sort -z |
  xargs -0r sha256sum
ls var/lib/ceph/osd 2>/dev/null
systemctl list-unit-files --no-legend --no-pager 'ceph*' | sort
systemctl list-units --no-legend --no-pager --plain --all 'ceph*' | awk '{print $1, $2, $3}' | sort
sysctl -n net.core.somaxconn
"""
CLUSTER = (
    ("osd", "tree"),
    ("config", "dump"),
    ("auth", "ls"),
    ("fs", "ls"),
    ("mon", "dump"),
)
# What goes on by itself in the cluster's answers.
MOVING = ("key", "epoch", "modified", "kb", "reweight", "quorum", "utilization", "pgs", "caps_hash")


@dataclass(frozen=True)
class Case:
    """A case file: see ``cases/README.md``."""

    name: str
    operation: str
    hosts: tuple[str, ...]
    orch: tuple[tuple[str, ...], ...]
    undo: tuple[tuple[str, ...], ...] = ()
    stdin: str = ""
    before: tuple[tuple[str, ...], ...] = ()
    shell: str = ""
    options: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()


def read(path: Path) -> Case:
    """Read a case file."""
    data = yaml.safe_load(path.read_text())
    for name in ("orch", "undo", "before"):
        data[name] = tuple(tuple(shlex.split(line)) for line in data.get(name) or ())
    for name in ("hosts", "ignore"):
        data[name] = tuple(data.get(name) or ())
    return Case(name=path.stem, **data)


@dataclass
class Done:
    """What one way has led to: the state of hosts and cluster, and what hosts published."""

    state: dict[str, list[str]]
    result: dict[str, Any]


class ThreeWays:
    """The ways, on one lab with a stand-in for AWX."""

    def __init__(self, lab: Lab, awx: LabAwx) -> None:
        self.lab, self.awx = lab, awx
        self._fill_inventory()

    def by_orch(self, case: Case) -> tuple[Done, dict[str, Any]]:
        """Do it with ``ceph orch``; return what came of it, and its job."""
        known = {row["id"] for row in self.lab.jobs()}
        for words in case.orch:
            self.lab.ok(*self._words(case, words), stdin=case.stdin)

        def ended() -> list[dict[str, Any]]:
            rows = [row for row in self.lab.jobs() if row["id"] not in known]
            rows = [row for row in rows if row["operation"] == case.operation]
            return rows if rows and all(row["finished"] for row in rows) else []

        rows = wait_until(f"{case.operation} has ended", ended, SECONDS)
        job = self.lab.job(rows[-1]["id"])
        assert job["status"] == "succeeded", job["message"]
        lines = self.lab.sh(self.lab.first, "cat $1/jobs/$2/events.jsonl", STATE, job["id"])
        result: dict[str, Any] = {}
        for line in map(json.loads, lines.splitlines()):
            if line["type"] == "host" and line.get("result"):
                result.setdefault(line["host"], {}).update(line["result"])
        return Done(self.state(case), result), job

    def by_hand(self, case: Case, job: dict[str, Any]) -> Done:
        """Type the line that the job says."""
        shown = "ANSIBLE_CALLBACK_RESULT_FORMAT=json ANSIBLE_CALLBACK_FORMAT_PRETTY=False"
        # What must not be done twice is remembered for the job: this is another one.
        again = f"-v -e ceph_orch_job={job['id'][:-4]}0000"
        line = f"export {shown}; {job['command']} {again}"
        answer = self.lab.ssh(self.lab.first, "sh", stdin=f"{line}\n", seconds=300)
        assert answer.rc == 0, answer.out[-3000:] + answer.err
        return Done(self.state(case), published(answer))

    def by_awx(self, case: Case, job: dict[str, Any]) -> Done:
        """Launch the job template for people, as a user of AWX does."""
        path = f"{STATE}/jobs/{job['id']}/request.json"
        asked = json.loads(self.lab.sh(self.lab.first, "cat $1", path))["request"]["variables"]
        server = self.awx.server
        template = f"ceph-{case.operation}++{ORGANIZATION}"
        number = self.awx.site.named("job_templates", f"ceph-{case.operation}")["id"]
        survey = server.store.surveys.get(number, {"spec": []})
        # A survey asks for nothing that the playbook works out by itself.
        questions = {row["variable"] for row in survey["spec"]}
        answers = {name: answered(asked[name]) for name in questions & asked.keys()}
        body = {"limit": ",".join(case.hosts), **({"extra_vars": answers} if answers else {})}
        status, told = server.reply(
            "POST",
            f"/api/v2/job_templates/{template}/launch/",
            body,
            f"Bearer {self.awx.token}",
        )
        assert status == 201, told
        assert not told["ignored_fields"], told["ignored_fields"]
        launched = server.routes.jobs.jobs[told["id"]]
        until = time.monotonic() + SECONDS
        while launched.plan.end_at is None and time.monotonic() < until:
            time.sleep(0.2)
        said = "\n".join(str(event.get("stdout")) for _, event in launched.plan.events)
        assert launched.status(time.monotonic()) == "successful", said[-3000:]
        found = launched.plan.artifacts["ceph_orch_result"]
        assert found["schema"] == 1
        return Done(self.state(case), found["hosts"])

    def undo(self, case: Case) -> None:
        """Bring everything back to where the case begins."""
        for words in case.undo:
            # What the manager has not done itself it may have nothing to undo of; what is left
            # then is seen.
            self.lab.ceph(*self._words(case, words))
        self.prepare(case)

    def prepare(self, case: Case) -> None:
        """Make what the case begins with."""
        for words in case.before:
            self.lab.ok(*words)
        for host in case.hosts if case.shell else ():
            self.lab.sh(host, case.shell, self.lab.machines[host].disks[-1])
        wait_until("no job is left", self._is_quiet, SECONDS)

    def _words(self, case: Case, words: tuple[str, ...]) -> list[str]:
        disk = self.lab.machines[case.hosts[0]].disks[-1]
        return [disk if word == "DISK" else word for word in words]

    def _is_quiet(self) -> bool:
        return all(row["status"] not in ("queued", "running") for row in self.lab.jobs())

    def state(self, case: Case) -> dict[str, list[str]]:
        """Return what hosts and cluster are like."""
        wait_until("no job is left", self._is_quiet, SECONDS)
        found = {host: self.lab.sh(host, HOST).splitlines() for host in case.hosts}
        for words in CLUSTER:
            rows = sorted(flat(self.lab.ceph_json(*words)).items())
            found[" ".join(words)] = [
                f"{path}: {value}"
                for path, value in rows
                if path.rpartition(".")[2] not in MOVING and not is_ours(path, value)
            ]
        return found

    def _fill_inventory(self) -> None:
        """Put the hosts into AWX, as an administrator does who has no source for them."""
        number = self.awx.site.named("inventories", "ceph-hosts")["id"]
        rows = [
            {
                "name": machine.name,
                "variables": json.dumps(
                    {
                        "ansible_host": machine.addr,
                        "ansible_user": "root",
                        "ansible_ssh_common_args": f"-F {self.lab.ssh_config}",
                    }
                ),
            }
            for machine in self.lab.machines.values()
        ]
        jobs = self.awx.server.routes.jobs
        jobs.hosts.pop(number, None)
        assert jobs.create_hosts({"inventory": number, "hosts": rows})[0] == 201


def answered(value: Any) -> Any:
    """Return a variable as a survey of AWX takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (str, int, float)) else json.dumps(value)


def is_ours(path: str, value: Any) -> bool:
    """Tell whether a line is about the options of the module itself."""
    return "mgr/ansible/" in str(value) or path.startswith("mgr/ansible/")


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return a document as its fields by their paths."""
    if isinstance(value, dict):
        rows = [flat(each, f"{path}.{key}" if path else str(key)) for key, each in value.items()]
    elif isinstance(value, list):
        rows = [flat(each, f"{path}[{index}]") for index, each in enumerate(value)]
    else:
        return {path: value}
    return {key: each for row in rows for key, each in row.items()}


def differences(first: Done, second: Done, case: Case) -> list[str]:
    """Return each field that is not the same."""
    found = []
    for place in sorted(first.state.keys() | second.state.keys()):
        ours, theirs = set(first.state.get(place, ())), set(second.state.get(place, ()))
        found += [f"{place}: - {line}" for line in sorted(ours - theirs)]
        found += [f"{place}: + {line}" for line in sorted(theirs - ours)]
    ours, theirs = flat(first.result), flat(second.result)
    for path in sorted(ours.keys() | theirs.keys()):
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in case.ignore):
            continue
        if ours.get(path, "nothing") != theirs.get(path, "nothing"):
            found.append(f"result {path}: {ours.get(path)!r}, not {theirs.get(path)!r}")
    return found
