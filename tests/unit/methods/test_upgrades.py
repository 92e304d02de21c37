"""``ceph orch upgrade ls`` and ``check``: from the hosts' repositories, asked anew for a check."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

import pytest

from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.errors import InvalidValue, NotReady
from adapter.interface import HostSpec, raise_if_exception
from tests.tools.docs_tables import implemented
from tests.unit.methods.world import World, report

OLD, NEW = "20.2.4+ds-2", "20.2.5+ds-1"
ROW = {"daemon_type": "osd", "daemon_id": "0", "unit": "ceph-osd@0.service", "state": "running"}


def call(result: Any) -> Any:
    return raise_if_exception(result)


def packages(*offered: str, on_disk: str = OLD) -> Dict[str, Any]:
    offers = {"ceph-osd": list(offered)}
    return {"installed": {"ceph-osd": on_disk}, "offered": offers, "lists_read": 1764460800}


class Hosts:
    """Hosts that are offered a version once their lists have been read anew."""

    def __init__(self) -> None:
        self.on_disk, self.running = OLD, "20.2.4"
        self.failing = ""

    def __call__(self, request: Request) -> Dict[str, HostOutcome]:
        """Answer a job."""
        anew = request.operation == "upgrade_check"
        found = {}
        for host in request.hosts:
            result: Dict[str, Any] = report(host)
            offered = (NEW, OLD) if anew else (OLD,)
            result["packages"] = packages(*offered, on_disk=self.on_disk)
            result["daemons"] = [{**ROW, "daemon_id": host[1:], "version": self.running}]
            if anew:
                result["package_lists"] = {"read": True, "unread": ""}
            found[host] = HostOutcome(HostStatus.OK, result=result)
            if host == self.failing and anew:
                found[host] = HostOutcome(HostStatus.FAILED, "no space left on device")
        return found


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def two(world: World, hosts: Hosts) -> World:
    world.answer = hosts
    for number in (1, 2):
        call(world.orchestrator.add_host(HostSpec(f"h{number}", f"10.0.0.{number}")))
    polled(world)
    return world


def polled(world: World) -> None:
    while world.engine.poll():
        pass


def at_once(world: World) -> None:
    """Let the engine run while a method waits, as the serve loop does."""
    submit = world.engine.submit

    def submit_and_run(request: Request, before: Any = None) -> Any:
        completion = submit(request, before)
        polled(world)
        return completion

    world.engine.submit = submit_and_run  # type: ignore[method-assign]


def test_the_list_is_of_the_last_reports_and_asks_nobody(two: World) -> None:
    jobs = len(two.requests)
    found = call(two.orchestrator.upgrade_ls(None, False))
    assert found["versions"] == []
    assert sorted(found["hosts"]) == ["h1", "h2"]
    assert call(two.orchestrator.upgrade_ls(None, False, True))["versions"] == ["20.2.4"]
    assert call(two.orchestrator.upgrade_ls(None, True, True))["tags"] == [OLD]
    assert call(two.orchestrator.upgrade_available()) == found
    assert len(two.requests) == jobs


def test_a_check_reads_the_lists_anew(two: World) -> None:
    at_once(two)
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert two.operations()[-1] == ("upgrade_check", ["h1", "h2"])
    assert sorted(found["needs_update"]) == ["osd.1", "osd.2"]
    assert found["obstacles"] == []
    assert call(two.orchestrator.upgrade_ls(None, False))["versions"] == ["20.2.5"]
    assert json.loads(call(two.orchestrator.upgrade_check(NEW, None)))["target_id"] == NEW


def test_a_check_that_takes_longer_says_what_is_known_and_names_the_job(two: World) -> None:
    at_once(two)
    call(two.orchestrator.upgrade_check(None, "20.2.5"))
    del two.engine.submit
    two.core.answer_wait = 0.0
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert sorted(found["needs_update"]) == ["osd.1", "osd.2"]
    (line,) = found["obstacles"]
    assert "still reads the lists of packages" in line


def test_who_asks_again_gets_the_answer_of_the_job_that_took_too_long(two: World) -> None:
    at_once(two)
    call(two.orchestrator.upgrade_check(None, "20.2.5"))
    del two.engine.submit
    two.core.answer_wait = 0.0
    jobs = len(two.requests)
    for _ in range(3):
        found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
        assert "still reads the lists" in found["obstacles"][0]
    polled(two)
    assert len(two.requests) == jobs + 1
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert found["obstacles"] == []
    assert len(two.requests) == jobs + 1
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert "still reads the lists" in found["obstacles"][0]


def test_a_version_that_a_job_still_reads_about_is_not_called_unknown(two: World) -> None:
    two.core.answer_wait = 0.0
    with pytest.raises(NotReady, match=r"20\.2\.9: job .* still reads the lists of packages\. Ask"):
        call(two.orchestrator.upgrade_check(None, "20.2.9"))
    polled(two)
    with pytest.raises(InvalidValue, match="no host has it, and no repository of a host"):
        call(two.orchestrator.upgrade_check(None, "20.2.9"))


def test_a_version_is_not_called_unknown_before_hosts_have_told_this_manager(two: World) -> None:
    """So it is right after a fail-over."""
    call(two.orchestrator.add_host(HostSpec("h3", "10.0.0.3")))
    with pytest.raises(NotReady, match=r"is offered it is not known: host h3 has not reported"):
        call(two.orchestrator.upgrade_start(None, "20.2.9"))


def test_hosts_that_cannot_be_asked_are_said(two: World, hosts: Hosts) -> None:
    at_once(two)
    call(two.orchestrator.upgrade_check(None, "20.2.5"))
    hosts.failing = "h2"
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert found["obstacles"] == ["h2: it could not be asked: no space left on device"]


def test_what_is_installed_and_what_runs_are_both_listed(two: World, hosts: Hosts) -> None:
    (one, _) = call(two.orchestrator.list_daemons())
    assert (one.version, one.status_desc) == ("20.2.4", "running")
    hosts.on_disk = NEW
    at_once(two)
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert found["needs_update"]["osd.1"] == {
        "current_name": NEW,
        "current_id": "20.2.5",
        "current_version": "20.2.4",
    }
    (one, _) = call(two.orchestrator.list_daemons())
    assert (one.version, one.status_desc) == ("20.2.4", "running, 20.2.5 on disk")
    hosts.running = "20.2.5"
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert found["up_to_date"] == ["osd.1", "osd.2"]
    (one, _) = call(two.orchestrator.list_daemons())
    assert (one.version, one.status_desc) == ("20.2.5", "running")


@pytest.mark.parametrize(
    ("image", "version", "says"),
    [
        (None, None, "nothing says to which version"),
        (NEW, "20.2.5", "a version is given as well"),
        (None, "20.2", "not of the form X.Y.Z"),
        (None, "20.2.5+ds-1", "not of the form X.Y.Z"),
        (None, "{{ x }}", "not of the form X.Y.Z"),
        ("quay.io/ceph/ceph:v20.2.5", None, "packages have no images"),
        ("20.2.5", None, "packages have no images"),
        ("http://20.2.5-1", None, "packages have no images"),
        (None, "20.2.9", "no host has it, and no repository of a host"),
        (None, "20.2.9", "`ceph orch upgrade check` reads them anew"),
        ("20.2.5+ds-7", None, "no host has it, and no repository of a host"),
    ],
)
def test_what_is_no_target_is_refused(
    two: World, image: Optional[str], version: Optional[str], says: str
) -> None:
    at_once(two)
    with pytest.raises(InvalidValue, match=says):
        call(two.orchestrator.upgrade_check(image, version))


def test_no_image_is_listed(two: World) -> None:
    with pytest.raises(InvalidValue, match="packages have no images"):
        call(two.orchestrator.upgrade_ls("quay.io/ceph/ceph", False))


def test_the_page_of_the_dashboard_is_not_offered_in_part() -> None:
    """It needs all six; a button that starts nothing would be there otherwise."""
    page = {f"upgrade_{name}" for name in ("ls", "status", "start", "pause", "resume", "stop")}
    assert page & {*implemented()} in ({"upgrade_ls"}, page)


def test_a_check_that_no_monitor_answers_has_no_plan_but_the_rest(two: World) -> None:
    at_once(two)
    found = json.loads(call(two.orchestrator.upgrade_check(None, "20.2.5")))
    assert "`mon dump`" in found["plan"]["unknown"]
