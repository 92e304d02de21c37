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

from tests.awx.answers import answers, with_entities
from tests.lab_tests.lab_awx import ORGANIZATION, LabAwx
from tests.lab_tests.lab_client import CONTENT, STATE, Answer, Lab, wait_until
from tests.lab_tests.test_playbooks import by_hand, published

CASES = Path(__file__).with_name("cases")
LISTS = ["hosts", "orch", "undo", "begin", "before", "between", "beside", "after", "ignore"]
WAYS = ("orch", "hand", "awx")
SECONDS = 180.0
# What the inventory plugin says of a host besides how it is reached.
OF_ORCHESTRATOR = ("orch_record", "orch_status")
# What a playbook may change on a host, but not what daemons write by themselves.
HOST = """
cd /
places='etc var/lib/ceph-orch-ansible usr/local/lib/ceph-orch-ansible run/three-ways'
for daemon in mon mgr mds crash bootstrap-osd; do
  test -e var/lib/ceph/$daemon && places="$places var/lib/ceph/$daemon"; done
find $places -maxdepth 3 \\( -name store.db -o -name posted \\) -prune -o \
  -printf '%p %y %m %u %g %l\\n' 2>/dev/null | grep -v '^var/lib/ceph/crash/.' | sort
find etc run/three-ways -type f ! -name '*.keyring' -print0 2>/dev/null | sort -z |
  xargs -0r sha256sum
# Keys that were made anew are others.
for keyring in etc/ceph/*.keyring var/lib/ceph/*/*/keyring; do test -e "$keyring" || continue
  echo "$keyring $(sed -E 's/key = .*/key = KEY/' "$keyring" | tr '\\n' ' ')"; done
# Times of records are others each time.
for record in var/lib/ceph-orch-ansible/*.json; do test -e "$record" || continue
  echo "$record $(sed -E 's/: [0-9]{10}(\\.[0-9]+)?/: TIME/g' "$record" | tr '\\n' ' ')"; done
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
# How long a report took, and what daemons and hosts use at its moment.
ALWAYS = (
    *("*.timings.*", "*.memory_usage", "*.cpu_percentage", "*.since", "*.started"),
    # The kernel's settings have counters among them.
    *("*.facts.memory_*_kb", "*.facts.sysctl_options", "*.facts.*load*", "*.facts.*uptime*"),
    *("*.facts.timestamp", "*.clock"),
)
# What goes on by itself in the cluster's answers.
MOVING = ("key", "epoch", "modified", "kb", "reweight", "quorum", "utilization", "pgs", "caps_hash")


@dataclass(frozen=True)
class Case:
    """A case file: see ``cases/README.md``."""

    name: str
    operation: str
    hosts: tuple[str, ...]
    orch: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    stdin: str = ""
    begin: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    shell: str = ""
    options: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()


def read(path: Path) -> Case:
    """Read a case file."""
    data = yaml.safe_load(path.read_text())
    for name in LISTS:
        data[name] = tuple(data.get(name) or ())
    return Case(name=path.stem, **data)


def cases() -> list[Case]:
    """Return all cases, by name."""
    return [read(path) for path in sorted(CASES.glob("*.yml"))]


@dataclass
class Done:
    """What one way has led to: the state of hosts and cluster, and what hosts published."""

    state: dict[str, list[str]]
    result: dict[str, Any]


@dataclass
class Asked:
    """What was asked for: variables; of a job its id, the line by hand, and what it knew.

    ``entities`` are whose keyrings its files were, ``keyrings`` their texts, ``uuids`` of OSDs.
    """

    variables: dict[str, Any]
    id: str = ""
    command: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    keyrings: dict[str, str] = field(default_factory=dict)
    uuids: dict[int, str] = field(default_factory=dict)


class _Plain(yaml.SafeLoader):
    """What Ansible reads, with its marks of unsafe texts left out."""


_Plain.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


class ThreeWays:
    """The ways, on one lab with a stand-in for AWX."""

    def __init__(self, lab: Lab, awx: LabAwx) -> None:
        self.lab, self.awx = lab, awx

    def by_orch(self, case: Case) -> tuple[Done, list[Asked]]:
        """Do it with ``ceph orch``; return what came of it, and what its jobs were asked for."""
        known = {row["id"] for row in self.lab.jobs()}
        for line in case.orch:
            self._type(case, line, stdin=case.stdin)

        def ended() -> list[dict[str, Any]]:
            rows = [row for row in self.lab.jobs() if row["id"] not in known]
            rows = [row for row in rows if row["operation"] == case.operation]
            return rows if rows and all(row["finished"] for row in rows) else []

        rows = wait_until(f"{case.operation} has ended", ended, SECONDS)
        jobs = [self._asked(self.lab.job(row["id"])) for row in rows]
        lines = self.lab.sh(self.lab.first, "cat $1/jobs/$2/events.jsonl", STATE, rows[-1]["id"])
        result: dict[str, Any] = {}
        for line in map(json.loads, lines.splitlines()):
            if line["type"] == "host" and line.get("result"):
                result.setdefault(line["host"], {}).update(line["result"])
        return Done(self.state(case), result), jobs

    def _asked(self, job: dict[str, Any]) -> Asked:
        """Return what a job was asked for, with the keys of Ceph that it gave to hosts."""
        assert job["status"] == "succeeded", job["message"]
        place = f"{STATE}/jobs/{job['id']}"
        request = json.loads(self.lab.sh(self.lab.first, "cat $1/request.json", place))["request"]
        text = self.lab.sh(self.lab.first, "cat $1/vars.yml", place)
        given = yaml.load(text, Loader=_Plain)
        keyrings = {
            entity: self.lab.ok("auth", "get", entity)
            for entity in given.get("ceph_orch_entities", {}).values()
        }
        return Asked(
            request["variables"],
            job["id"],
            job["command"],
            dict(given.get("ceph_orch_entities", {})),
            keyrings,
            self._uuids(),
        )

    def of_case(self, case: Case) -> list[Asked]:
        """Return what the case file says to ask for, where ``ceph orch`` asks for no such job."""
        text = json.dumps(case.variables).replace("FSID", self.lab.ok("fsid").strip())
        return [Asked(json.loads(text))]

    def by_hand(self, case: Case, jobs: list[Asked]) -> Done:
        """Type the lines that the jobs say; without a job that of the documents."""
        self._give_keys(jobs)
        for number, job in enumerate(jobs):
            if number:
                self._type_all(case, case.between)
            answer = self._by_hand(case, job)
            assert answer.rc == 0, answer.out[-3000:] + answer.err
        self._type_all(case, case.beside)
        return Done(self.state(case), published(answer))

    def _by_hand(self, case: Case, job: Asked) -> Answer:
        if not job.command:
            return by_hand(self.lab, (case.operation,), "-l", ",".join(case.hosts), **job.variables)
        shown = "ANSIBLE_CALLBACK_RESULT_FORMAT=json ANSIBLE_CALLBACK_FORMAT_PRETTY=False"
        # What must not be done twice is remembered for the job: this is another one.
        again = f"-v -e ceph_orch_job={job.id[:-4]}0000"
        changed = self._of_now(job)
        if changed != job.variables:
            again = f"{again} -e {shlex.quote(json.dumps(changed))}"
        line = f"export {shown}; {job.command} {again}"
        return self.lab.ssh(self.lab.first, "sh", stdin=f"{line}\n", seconds=300)

    def by_awx(self, case: Case, jobs: list[Asked]) -> Done:
        """Launch the job template for people, as a user of AWX does."""
        self._sync()
        self._give_keys(jobs)
        for number, job in enumerate(jobs):
            if number:
                self._type_all(case, case.between)
            hosts = self._launch(case, job)
        self._type_all(case, case.beside)
        return Done(self.state(case), hosts)

    def _launch(self, case: Case, job: Asked) -> dict[str, Any]:
        """Launch it, and return what hosts published."""
        server = self.awx.server
        template = f"ceph-{case.operation}++{ORGANIZATION}"
        number = self.awx.site.named("job_templates", f"ceph-{case.operation}")["id"]
        survey = server.store.surveys.get(number, {})
        given = answers(survey, with_entities(self._of_now(job), job.entities))
        body = {"limit": ",".join(case.hosts), **({"extra_vars": given} if given else {})}
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
        hosts: dict[str, Any] = found["hosts"]
        return hosts

    def _give_keys(self, jobs: list[Asked]) -> None:
        """Have the monitors know the keys that the manager made for its jobs, and AWX too."""
        keyrings = {entity: text for job in jobs for entity, text in job.keyrings.items()}
        for text in keyrings.values():
            self.lab.ok("auth", "import", "-i", "-", stdin=text)
        found = self.awx.site.named("credentials", "ceph-keyrings")
        found["inputs"] = {"keyrings": "".join(keyrings.values())}

    def _of_now(self, job: Asked) -> dict[str, Any]:
        """Return the variables with the uuids that OSDs have now: one made anew has another."""
        text, now = json.dumps(job.variables), self._uuids()
        for number, uuid in job.uuids.items():
            text = text.replace(uuid, now.get(number, uuid))
        found: dict[str, Any] = json.loads(text)
        return found

    def _uuids(self) -> dict[int, str]:
        rows = self.lab.ceph_json("osd", "dump")["osds"]
        return {row["osd"]: row["uuid"] for row in rows}

    def _type_all(self, case: Case, lines: tuple[str, ...]) -> None:
        for line in lines:
            self._type(case, line)

    def begin(self, case: Case) -> None:
        """Bring the lab to where the case begins."""
        for line in case.begin:
            self._type(case, line)
        self.prepare(case)

    def undo(self, case: Case) -> None:
        """Bring everything back to where the case begins."""
        self._take_back(case)
        self.prepare(case)

    def _take_back(self, case: Case) -> None:
        for line in case.undo:
            # What the manager has not done itself it may have nothing to undo of; what is left
            # then is seen.
            self._type(case, line, fails=True)

    def prepare(self, case: Case) -> None:
        """Make what the case begins with."""
        for line in case.before:
            self._type(case, line)
        # A command does not wait for a slow job: what that does comes before the script, not after.
        wait_until("no job is left", self._is_quiet, SECONDS)
        for host in case.hosts if case.shell else ():
            self.lab.sh(host, case.shell, self.lab.machines[host].disks[-1])

    def leave(self, case: Case) -> None:
        """Leave the lab as other cases need it, without what this one begins with."""
        self._take_back(case)
        for line in case.after:
            self._type(case, line)
        wait_until("no job is left", self._is_quiet, SECONDS)

    def _type(self, case: Case, line: str, *, stdin: str = "", fails: bool = False) -> None:
        """Type a line of a case for ``ceph``; ``wait HOST SCRIPT`` waits until that ends with 0."""
        machine = self.lab.machines[case.hosts[0]]
        names = {"DISK": machine.disks[-1], "ADDR": machine.addr}
        if line.startswith("wait "):
            _, host, script = line.split(" ", 2)
            there = lambda: self.lab.ssh(host, "sh", "-c", script).rc == 0  # noqa: E731
            wait_until(line, there, SECONDS)
            return
        words = [
            re.sub(r"\b(DISK|ADDR)\b", lambda found: names[found[0]], word)
            for word in shlex.split(line)
        ]
        (self.lab.ceph if fails else self.lab.ok)(*words, stdin=stdin)

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

    def _sync(self) -> None:
        """Put the hosts into AWX, with what the source would say of them, and how to reach them."""
        number = self.awx.site.named("inventories", "ceph-hosts")["id"]
        script = (
            f"cd {CONTENT} && ORCH_ANSIBLE_SOURCE=ceph "
            f"ORCH_ANSIBLE_SSH_CONFIG={STATE}/ssh_config ansible-inventory --list"
        )
        told = json.loads(self.lab.sh(self.lab.first, script))["_meta"]["hostvars"]
        rows = []
        for machine in self.lab.machines.values():
            given = {
                "ansible_host": machine.addr,
                "ansible_user": "root",
                "ansible_ssh_common_args": f"-F {self.lab.ssh_config}",
            }
            known = told.get(machine.name, {})
            given.update({key: known[key] for key in OF_ORCHESTRATOR if key in known})
            rows.append({"name": machine.name, "variables": json.dumps(given)})
        jobs = self.awx.server.routes.jobs
        jobs.hosts.pop(number, None)
        assert jobs.create_hosts({"inventory": number, "hosts": rows})[0] == 201


def is_ours(path: str, value: Any) -> bool:
    """Tell whether a line is about the options of the module itself."""
    return "mgr/ansible/" in str(value) or path.startswith("mgr/ansible/")


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return a document as its fields by their paths."""
    if isinstance(value, dict):
        rows = [flat(each, f"{path}.{key}" if path else str(key)) for key, each in value.items()]
    elif isinstance(value, list):
        rows = [flat(each, f"{path}[{_label(each, index)}]") for index, each in enumerate(value)]
    else:
        return {path: value}
    return {key: each for row in rows for key, each in row.items()}


def _label(each: Any, index: int) -> Any:
    """Return what a row of a list is called: whose key it is, or its number."""
    return each.get("entity", index) if isinstance(each, dict) else index


def is_left_out(what: str, case: Case) -> bool:
    """Tell whether a field of the result, or a line of the state, differs each time."""
    return any(fnmatch.fnmatchcase(what, pattern) for pattern in (*ALWAYS, *case.ignore))


def differences(first: Done, second: Done, case: Case) -> list[str]:
    """Return each field that is not the same."""
    found = []
    for place in sorted(first.state.keys() | second.state.keys()):
        ours, theirs = set(first.state.get(place, ())), set(second.state.get(place, ()))
        rows = [(f"{place}: {line}", f"{place}: - {line}") for line in sorted(ours - theirs)]
        rows += [(f"{place}: {line}", f"{place}: + {line}") for line in sorted(theirs - ours)]
        found += [shown for line, shown in rows if not is_left_out(line, case)]
    ours, theirs = flat(first.result), flat(second.result)
    for path in sorted(ours.keys() | theirs.keys()):
        if is_left_out(path, case):
            continue
        if ours.get(path, "nothing") != theirs.get(path, "nothing"):
            found.append(f"result {path}: {ours.get(path)!r}, not {theirs.get(path)!r}")
    return found
