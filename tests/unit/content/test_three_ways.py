"""Every operation has a case of the three ways, and says why where one of them does not exist."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from adapter.kinds import KINDS
from adapter.operations import REGISTRY
from tests.lab_tests.awx.three_ways import WAYS, Case, ThreeWays, cases
from tests.lab_tests.lab_client import Answer
from tests.lab_tests.test_playbooks import published

ALL = cases()
# What has no case yet, and which tests compare its end on hosts in two of the ways. That all hand
# the same variables to the same playbook is shown of every operation by
# tests/integration/awx/test_ways.py. An operation that is new is not named here.
PASTED = "`ceph orch` and by hand: services/test_pasted_lines.py; the manager's job in AWX: lab-awx"
SAME_ROLE = "no manager runs it: `ceph orch` runs apply_KIND and remove_daemons, with the same role"
UPGRADES = "`ceph orch` and by hand: lab_tests/upgrading and lab_tests/upgrading_by_hand"
MAINTENANCE = "`ceph orch` and by hand: lab_tests/maintenance"
OFFERS = "`ceph orch` and by hand: lab_tests/upgrades/test_offers.py"
SERVICES = "`ceph orch` and by hand: lab_tests/services, gateways and monitoring"
NOT_YET = {
    **dict.fromkeys(("add_host", "create_osds", "daemon_action", "get_inventory"), PASTED),
    **dict.fromkeys(("remove_daemons", "remove_host", "remove_osds"), PASTED),
    **dict.fromkeys(("service_action", "update_admin", "update_conf"), PASTED),
    **dict.fromkeys(("add_daemon", "remove_service"), SAME_ROLE),
    **dict.fromkeys(("enter_host_maintenance", "exit_host_maintenance"), MAINTENANCE),
    **dict.fromkeys(("upgrade_packages", "upgrade_start"), UPGRADES),
    "upgrade_check": OFFERS,
    **{kind.operation: SERVICES for kind in KINDS.values() if kind.service_type != "ceph-exporter"},
}


def test_each_operation_has_a_case_or_a_reason() -> None:
    with_case = {case.operation for case in ALL}
    assert with_case & set(NOT_YET) == set()
    assert with_case | set(NOT_YET) == set(REGISTRY)


def test_a_case_is_about_an_operation_and_its_hosts() -> None:
    assert [case.name for case in ALL if not case.name.startswith(case.operation)] == []
    assert [case.name for case in ALL if case.operation not in REGISTRY or not case.hosts] == []


def test_a_way_that_is_missing_has_a_reason() -> None:
    assert {name for case in ALL for name in case.missing} <= set(WAYS)
    assert all(len(reason) > 20 for case in ALL for reason in case.missing.values())
    # Of an operation that no job asks for the case says itself what is asked for.
    assert [case.name for case in ALL if bool(case.orch) == ("orch" in case.missing)] == []


class SlowLab:
    """A lab whose commands answer before their jobs have ended."""

    def __init__(self) -> None:
        self.machines = {"h1": SimpleNamespace(addr="192.0.2.1", disks=("/dev/sdb",))}
        self.done: list[str] = []
        self.jobs_left: list[str] = []

    def ceph(self, *words: str, stdin: str = "") -> None:
        self.jobs_left.append(" ".join(words))

    ok = ceph

    def sh(self, host: str, script: str, *words: str) -> str:
        self.done.append(script)
        return ""

    def jobs(self) -> list[dict[str, Any]]:
        busy = [{"status": "running"} for _ in self.jobs_left]
        self.done += self.jobs_left
        self.jobs_left = []
        return busy


def test_what_makes_the_beginning_comes_after_the_jobs_that_bring_it_back() -> None:
    """Seen to fail: a light that went off late left its file behind."""
    lab = SlowLab()
    case = Case("x", "x", ("h1",), undo=("light off",), before=("label",), shell="rm light")
    ThreeWays(lab, None).undo(case)  # type: ignore[arg-type]
    assert lab.done == ["light off", "label", "rm light"]


def test_what_a_case_begins_with_is_not_made_when_it_is_left() -> None:
    """Seen to fail: the next case that puts the label on found it there, and no job was begun."""
    lab = SlowLab()
    case = Case("x", "x", ("h1",), undo=("rm",), before=("add",), after=("later",), shell="mkfs")
    ThreeWays(lab, None).leave(case)  # type: ignore[arg-type]
    assert lab.done == ["rm", "later"]


def test_what_a_host_publishes_by_hand_is_read_from_modules_and_statistics() -> None:
    """Seen to fail for ``get_hosts``, where no module of ours publishes anything."""
    by_module = '{"changed": false, "ceph_orch_result": {"schema": 1, "clock": 2.0}}'
    hosts = '{"hosts": {"h2": {"schema": 1, "host": {"addr": "h2"}}}, "schema": 1}'
    by_stats = f'{{"ansible_stats": {{"data": {{"ceph_orch_result": {hosts}}}}}}}'
    lines = (
        f"ok: [h1] => {by_module}",
        f"ok: [h2] => {by_stats}",
        'ok: [h3] => {"changed": false}',
    )
    assert published(Answer(0, "\n".join(lines), "")) == {
        "h1": {"schema": 1, "clock": 2.0},
        "h2": {"schema": 1, "host": {"addr": "h2"}},
    }
