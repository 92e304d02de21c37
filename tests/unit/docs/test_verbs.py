"""``docs/verbs.md``: what labels do, the settings of the command, the sections of methods."""

from __future__ import annotations

import re

import pytest

from adapter.cli.config import CHECKERS, OF_MANAGERS
from adapter.cluster import schedule
from adapter.interface import HostSpec, PlacementSpec, ServiceSpec
from adapter.operations import REGISTRY
from adapter.settings import Settings
from tests.tools.docs_tables import implemented
from tests.tools.documents import flat, headings, names, rows, section, texts

VERBS = texts()["docs/verbs.md"]


@pytest.mark.parametrize("name", sorted({*implemented(), *REGISTRY}))
def test_it_has_a_heading(name: str) -> None:
    assert name in {word.strip(",") for heading in headings(VERBS) for word in heading.split()}


def test_labels_decide_where_services_run() -> None:
    said = flat(section(VERBS, "add_host_label"))
    assert "Labels decide where services run whose placement names them (`label:mon`)" in said
    spec = ServiceSpec("mon", placement=PlacementSpec.from_string("label:mon"))
    hosts = [HostSpec("h1", labels=["mon"]), HostSpec("h2", labels=["osd"])]

    assert schedule.candidates(spec, hosts) == ["h1"]
    assert "`_no_schedule` keeps new daemons away" in said
    assert schedule.NO_SCHEDULE == "_no_schedule"
    assert not [name for name, text in texts().items() if "there is no placement" in flat(text)]


def test_the_settings_are_those_of_the_command() -> None:
    table = rows(section(VERBS, "Settings of orch-ansible"))
    said = [name for row in table for name in names(row[0])]

    assert sorted(said) == sorted(CHECKERS)
    assert row_of(table, "ssh_user") == f"`{Settings().ssh_user}`"
    refused = flat(section(VERBS, "Settings of orch-ansible")).partition("may have meant;")[2]
    assert all(f"`{name}`" in refused for name in OF_MANAGERS)


def row_of(table: list[list[str]], name: str) -> str:
    (found,) = [row[1] for row in table if name in names(row[0])]
    return found


def test_times_of_reports_and_probes_are_those_of_the_settings() -> None:
    minutes = {600.0: "ten minutes"}[Settings().report_interval]
    assert f"when it is {minutes} old (`report_interval`)" in flat(VERBS)
    assert f"each {Settings().probe_interval:g} seconds (`probe_interval`)" in flat(VERBS)
    assert f"up to {Settings().report_batch} hosts in a job" in flat(VERBS)


def test_the_states_of_jobs_are_those_of_the_engine() -> None:
    from adapter.engine.model import JobStatus

    (said,) = re.findall(r"States: ([\w\s,]+)\.", VERBS)
    assert [each.strip() for each in flat(said).split(", ")] == [
        each.value.replace("_", " ") for each in JobStatus
    ]
