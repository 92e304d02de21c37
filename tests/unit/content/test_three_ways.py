"""Every operation has a case of the three ways, and says why where one of them does not exist."""

from __future__ import annotations

from adapter.kinds import KINDS
from adapter.operations import REGISTRY
from tests.lab_tests.awx.three_ways import WAYS, cases

ALL = cases()
# What nobody has compared yet; no services at all. An operation that is new is not named here.
NOT_YET = {
    *("add_daemon", "add_host", "blink_device_light", "create_osds", "daemon_action"),
    *("enter_host_maintenance", "exit_host_maintenance", "get_hosts"),
    *("get_inventory", "remove_daemons", "remove_host", "remove_host_label", "remove_osds"),
    *("remove_service", "service_action", "update_admin", "update_conf"),
    *("upgrade_check", "upgrade_packages", "upgrade_start"),
}


def test_each_operation_has_a_case() -> None:
    services = {kind.operation for kind in KINDS.values()}
    assert set(REGISTRY) - services - {case.operation for case in ALL} == NOT_YET


def test_a_case_is_about_an_operation_and_its_hosts() -> None:
    assert [case.name for case in ALL if not case.name.startswith(case.operation)] == []
    assert [case.name for case in ALL if case.operation not in REGISTRY or not case.hosts] == []


def test_a_way_that_is_missing_has_a_reason() -> None:
    assert {name for case in ALL for name in case.missing} <= set(WAYS)
    assert all(len(reason) > 20 for case in ALL for reason in case.missing.values())
    # Of an operation that no job asks for the case says itself what is asked for.
    assert [case.name for case in ALL if bool(case.orch) == ("orch" in case.missing)] == []
