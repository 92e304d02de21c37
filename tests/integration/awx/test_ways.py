"""The same variables reach the same playbook: by an orchestrator's job here, by the line that does
it again by hand, by AWX as the engine, and by the job template for people.

What each playbook does with them on real hosts, and that the end is the same, is compared by
``tests/lab_tests/awx/test_three_ways.py``.
"""

from __future__ import annotations

import copy
import json
import shlex
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from adapter import operations
from adapter.awx.for_engine import place_of
from adapter.awx.parameters import read_playbooks
from adapter.awx.settings import FILE, load
from adapter.engine.awx_launch import Launch
from adapter.engine.awx_place import Asking
from adapter.engine.by_hand import by_hand, job_variables
from adapter.engine.encode import write_variables
from adapter.engine.jobs import JobDir, JobDirs, new_id
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.kinds import KINDS
from plugins.filter.as_list import as_list
from plugins.plugin_utils.json_text import parsed
from tests.awx import engines, fixtures
from tests.awx.answers import answers, with_entities
from tests.awx.plans import Planned
from tests.awx.store import Store
from tests.tools.documents import ROOT

FSID = "09e0acf0-8670-44bf-a075-59491beecc72"
NAMES = {
    "FSID": FSID,
    "CONF": f"[global]\n\tfsid = {FSID}\n\tmon_host = [v2:192.0.2.1:3300]\n",
    "HOSTILE": "{{ lookup('pipe', 'touch gone') }}, \"$(touch gone)\"\n#",
}
KEY = "AQCmadeUpForTestsAAAAAAAAAAAAAAAAAAAAAA=="
OPERATIONS = sorted(operations.REGISTRY)
BOOKS = {book.name: book for book in read_playbooks(ROOT)}
MARKER = "0" * 16
# Of the role behind that of managers: where a survey does not ask, it is as installed, or that of a
# virtual environment at the same path as the controller's.
BEHIND = ("orchestrator_backend_python",)


def _with_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_names(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_names(each) for each in value]
    return NAMES.get(value, value) if isinstance(value, str) else value


CASES: dict[str, Any] = _with_names(
    yaml.safe_load(Path(__file__).with_name("ways.yml").read_text(encoding="utf-8"))
)


class _Plain(yaml.SafeLoader):
    """What Ansible reads, with its marks of unsafe texts left out."""


_Plain.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def asked(operation: str) -> Request:
    """Return what is asked for, with all secrets that its variables name."""
    services = {kind.operation for kind in KINDS.values()}
    case = CASES.get(operation) or CASES["apply_KIND" if operation in services else operation]
    request = operations.get(operation).request(
        engines.hosts("h1", "h2"), actor="test", parameters=case
    )
    text = json.dumps(request.variables)
    secrets = {
        f"{entity}.keyring": f"[{entity}]\n\tkey = {KEY}\n"
        for entity in ("mds.fs.h1.abcdef", "haproxy.three.h1.b.cfg", "client.admin")
        if f'"{entity}.keyring"' in text
    }
    return Request(**{**vars(request), "secrets": secrets})


class Ways:
    """An AWX with all templates, and the directory of an orchestrator's jobs."""

    def __init__(self, site: fixtures.Site) -> None:
        self.site, self.state = site, site.top / "state"
        self.state.mkdir()
        (self.state / "known_hosts").write_text(engines.KNOWN)
        inventory = site.named("inventories", "ceph-hosts")["id"]
        site.server.routes.jobs.hosts[inventory] = {"h1": {}, "h2": {}}

    def job(self, request: Request) -> JobDir:
        """Return the directory of a job, with the variables as the engine here writes them."""
        record = JobRecord(
            new_id(request.operation, time.time()), request, JobStatus.QUEUED, time.time()
        )
        job = JobDirs(self.state / "jobs").create(record, {}, MARKER)
        write_variables(job.path / "vars.yml", {**request.variables, **job_variables(job.path)})
        return job

    def by_hand(self, job: JobDir, request: Request) -> tuple[str, dict[str, Any]]:
        """Return the playbook of the line by hand, and the variables that it names."""
        settings = {"content_root": str(ROOT), "ssh_config": str(self.state / "ssh_config")}
        playbook = f"playbooks/{request.operation}.yml"
        line = by_hand(job.path, settings, request, playbook=playbook, program="ansible-playbook")
        words = shlex.split(line["command"])
        (file,) = [word[1:] for word in words if word.startswith("@")]
        given = yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_Plain)
        return words[words.index("ansible-playbook") + 1], given

    def by_engine(self, job: JobDir, request: Request) -> tuple[str, dict[str, Any]]:
        """Return what AWX runs for an orchestrator."""
        told = place_of(load(self.site.top / FILE)).to_json()
        place = engines.AwxPlace(**{**told, **engines.PATIENT})
        launch = Launch(
            job,
            request,
            MARKER,
            place,
            Asking(place, time.sleep, lambda: place.silence),
            wait=time.sleep,
            stopping=lambda: False,
            forks=1,
            known_hosts=self.state / "known_hosts",
        )
        launched = launch.start()
        assert launch.objection(launched) == ""
        return self._of(launched["id"])

    def by_people(self, request: Request, entities: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Return what AWX runs for somebody who answers the survey."""
        name = f"ceph-{request.operation}"
        survey = self.site.server.store.surveys.get(self.site.named("job_templates", name)["id"])
        given = answers(survey or {}, with_entities(request.variables, entities))
        body: dict[str, Any] = {"limit": ",".join(request.hosts)}
        status, told = self.site.server.reply(
            "POST",
            f"/api/v2/job_templates/{name}++Storage/launch/",
            {**body, **({"extra_vars": given} if given else {})},
            "Bearer admin-token",
        )
        assert (status, told.get("ignored_fields")) == (201, {}), told
        assert told["limit"] == "h1,h2"
        return self._of(told["id"])

    def _of(self, number: int) -> tuple[str, dict[str, Any]]:
        job = self.site.server.routes.jobs.jobs[number]
        assert sorted(job.hosts) == ["h1", "h2"]
        return job.row["playbook"], json.loads(job.row["extra_vars"])


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory, engine_store: Store) -> Iterator[Ways]:
    runner = Planned(lambda job: ("good", "none"), pace=0.01)
    for found in fixtures.site(tmp_path_factory.mktemp("ways"), tls=False, runner=runner):
        found.server.keep(copy.deepcopy(engine_store))
        found.write(engine=True, instance_group=fixtures.GROUP)
        yield Ways(found)


def understood(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the roles make of answers to the survey."""
    types = {each.name: each for each in BOOKS[operation].parameters}

    def one(name: str, value: Any) -> Any:
        kind = types[name].type
        if not isinstance(value, str) or kind in ("str", "path", "int", "float"):
            return value
        if kind == "bool":
            return {"true": True, "false": False}[value]
        return as_list(value) if kind == "list" else parsed(value)

    return {name: one(name, value) for name, value in given.items()}


def works_out(operation: str, variable: str, value: Any) -> bool:
    """Tell whether a playbook has a value without being asked: it fixes it, or works it out."""
    if variable in BEHIND:
        return True
    plays = yaml.safe_load((ROOT / f"playbooks/{operation}.yml").read_text(encoding="utf-8"))
    for play in plays:
        for row in (*(play.get("roles") or ()), *(play.get("tasks") or ())):
            if variable in (row.get("vars") or {}):
                return bool(row["vars"][variable] == value)
    for path in (ROOT / "roles").glob("*/defaults/main.yml"):
        default = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get(variable)
        if "{{" in str(default):
            return True
    return False


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_same_variables_reach_the_same_playbook(ways: Ways, operation: str) -> None:
    request = asked(operation)
    job = ways.job(request)
    wanted, entities = request.variables, job_variables(job.path).get("ceph_orch_entities", {})
    playbook, by_line = ways.by_hand(job, request)
    assert playbook == f"playbooks/{operation}.yml"
    assert by_line == {**wanted, **job_variables(job.path)}

    playbook, by_engine = ways.by_engine(job, request)
    assert playbook == f"playbooks/{operation}.yml"
    kept = {key: value for key, value in by_engine.items() if not key.startswith("ceph_orch_")}
    assert kept == wanted
    assert by_engine.get("ceph_orch_entities", {}) == entities

    playbook, by_people = ways.by_people(request, entities)
    assert playbook == f"playbooks/{operation}.yml"
    told = understood(operation, by_people)
    for name, value in with_entities(wanted, entities).items():
        assert told[name] == value if name in told else works_out(operation, name, value), name
    assert KEY not in json.dumps([by_engine, by_people])


def test_each_operation_has_what_it_is_asked_for() -> None:
    services = {kind.operation for kind in KINDS.values()}
    assert set(CASES) - {"apply_KIND"} - services == set(OPERATIONS) - services
