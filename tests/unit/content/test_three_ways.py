"""Every operation has a case of the three ways, and says why where one of them does not exist."""

from __future__ import annotations

from adapter.kinds import KINDS
from adapter.operations import REGISTRY
from tests.lab_tests.awx.three_ways import WAYS, cases

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
