"""``orch-ansible --engine awx``: the templates for it, and a command whose job AWX runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import click.testing
import pytest

from adapter.awx.parameters import read_playbooks
from adapter.cli.app import root
from adapter.cli.context import Context, Environment
from adapter.cluster.hosts import KIND, Host
from adapter.cluster.store import YamlStore
from adapter.engine.access import MemoryAccess
from adapter.engine.ssh_files import SshFiles
from tests.awx import fixtures
from tests.awx.engines import PROMPTS
from tests.awx.real import Real
from tests.tools.documents import ROOT
from tests.unit.engine.harness import OTHER_KEY, until


class Access(MemoryAccess):
    """ssh's files, and hosts that answer."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.files = SshFiles(directory)

    def pin(self, hosts: Any) -> None:
        self.files.write(list(hosts))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[fixtures.Site]:
    real = Real(ROOT)
    for found in fixtures.site(tmp_path, tls=False, runner=real):
        real.store = found.server.store
        found.write(engine=True)
        found.ok("apply")
        yield found


def _run(site: fixtures.Site, *words: str) -> click.testing.Result:
    environment = Environment(access=lambda directory, _: Access(directory))
    context = Context(environment=environment, directory=site.top)
    return click.testing.CliRunner().invoke(root, list(words), obj=context)


def test_there_is_a_template_for_each_playbook(site: fixtures.Site) -> None:
    for book in read_playbooks(ROOT):
        template = site.named("job_templates", f"ceph-engine-{book.name}")
        asked = {key for key, value in template.items() if key.startswith("ask_") and value}
        assert asked == {f"ask_{prompt}_on_launch" for prompt in PROMPTS}
        assert (template["inventory"], template["limit"]) == (None, "")
        assert (template["survey_enabled"], template["allow_simultaneous"]) == (False, True)
    assert site.ok("verify") == "AWX has all of it.\n"
    site.named("job_templates", "ceph-engine-get_facts")["inventory"] = 1
    said = site.run("verify")
    assert said.exit_code != 0
    assert "job template ceph-engine-get_facts: inventory is" in said.output


def test_without_engine_they_go(site: fixtures.Site) -> None:
    site.write(engine=None)
    site.ok("apply")
    names = [row["name"] for row in site.server.store.objects["job_templates"].values()]
    assert not [name for name in names if "-engine-" in name]


def test_a_command_has_its_job_run_by_awx(site: fixtures.Site) -> None:
    host = Host("h1", "127.0.0.1", keys=(OTHER_KEY,))
    YamlStore(site.top).set(f"{KIND}.h1", host.to_record())
    done = _run(site, "--engine", "awx", "device", "ls", "-f", "json")
    assert done.exit_code == 0, done.output
    (job,) = site.server.routes.jobs.jobs.values()
    assert list(job.hosts) == ["h1"]
    assert job.row["playbook"] == "playbooks/get_inventory.yml"
    assert OTHER_KEY.split()[1] in job.hosts["h1"]["ansible_ssh_common_args"]
    (shown,) = json.loads(done.stdout)
    assert shown["name"] == "h1"
    (site.top / "config.yml").write_text("engine: awx\n")
    assert _run(site, "device", "ls", "--refresh").exit_code == 0
    assert len(site.server.routes.jobs.jobs) == 2


def test_what_an_inventory_source_marks_as_data_is_text_in_results(site: fixtures.Site) -> None:
    """So ansible-inventory prints what the plugin has marked, and AWX keeps it and hands it on."""
    labels = [{"__ansible_unsafe": "{{ 1 + 1 }}"}]
    record = {"hostname": {"__ansible_unsafe": "h1"}, "labels": labels}
    number = site.named("inventories", "ceph-hosts")["id"]
    site.server.routes.jobs.hosts[number] = {"h1": {"orch_record": record}}
    template = site.named("job_templates", "ceph-get_hosts")["id"]
    path = f"/api/v2/job_templates/{template}/launch/"
    status, told = site.server.reply("POST", path, {"limit": "h1"}, "Bearer admin-token")
    assert status == 201
    plan = site.server.routes.jobs.jobs[told["id"]].plan
    until(lambda: plan.end_at is not None, lambda: None, 60.0)
    assert plan.status == "successful", plan.events[-3:]
    (shown,) = plan.artifacts["ceph_orch_result"]["hosts"].values()
    assert shown["host"] == {"hostname": "h1", "labels": ["{{ 1 + 1 }}"]}


def test_an_awx_that_is_away(site: fixtures.Site) -> None:
    host = Host("h1", "127.0.0.1", keys=(OTHER_KEY,))
    YamlStore(site.top).set(f"{KIND}.h1", host.to_record())
    site.write(url="http://127.0.0.1:1")
    done = _run(site, "--engine", "awx", "status")
    assert done.exit_code != 0
    assert "AWX at http://127.0.0.1:1 does not answer" in done.output
    refused = _run(site, "--engine", "awx", "host", "label", "add", "h1", "osd")
    assert refused.exit_code != 0
    assert "AWX at http://127.0.0.1:1 does not answer" in refused.output


def test_settings_that_cannot_be(site: fixtures.Site) -> None:
    (site.top / "config.yml").write_text("engine: tower\n")
    assert "Allowed: local, awx." in _run(site, "status").output
    (site.top / "config.yml").unlink()
    site.write(queue_deadline="soon")
    assert "it is not a number of seconds" in _run(site, "--engine", "awx", "status").output
    (site.top / "awx.yml").unlink()
    assert "There is no" in _run(site, "--engine", "awx", "status").output
