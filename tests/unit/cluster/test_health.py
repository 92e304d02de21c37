"""Health warnings name host and reason, once, and stay short."""

from __future__ import annotations

from adapter.cluster.health import DETAIL_LENGTH, DETAIL_LINES, Failure, health_checks
from adapter.cluster.liveness import HostLiveness

NOTHING: dict = {"offline": {}, "unreported": {}, "failures": {}, "problems": {}}


def test_all_is_well() -> None:
    assert health_checks(**NOTHING) == {}


def test_an_offline_host_is_named_with_its_reason_once() -> None:
    state = HostLiveness(online=False, reason="connection timed out", since=0.0)
    checks = health_checks(
        **{**NOTHING, "offline": {"h2": state}, "unreported": {"h2": "unreachable"}}
    )

    assert list(checks) == ["ANSIBLE_HOST_OFFLINE"]
    assert checks["ANSIBLE_HOST_OFFLINE"]["summary"] == "1 host offline"
    assert checks["ANSIBLE_HOST_OFFLINE"]["detail"] == [
        "host h2 is offline since 1970-01-01 00:00:00Z: connection timed out"
    ]


def test_many_and_long_lines_are_cut() -> None:
    unreported = {f"h{number:04}": "x" * 1000 for number in range(300)}
    check = health_checks(**{**NOTHING, "unreported": unreported})["ANSIBLE_REFRESH_FAILED"]

    assert check["count"] == 300
    assert len(check["detail"]) == DETAIL_LINES + 1
    assert check["detail"][-1] == "... and 250 more"
    assert max(map(len, check["detail"])) <= DETAIL_LENGTH


def test_the_remedy_of_a_long_line_is_not_cut_off() -> None:
    reason = "it failed. " + "blah " * 300 + "Set device_light_command."
    check = health_checks(**{**NOTHING, "unreported": {"h1": reason}})["ANSIBLE_REFRESH_FAILED"]
    (line,) = check["detail"]
    assert line.startswith("host h1: it failed.")
    assert line.endswith("Set device_light_command.")


def test_a_failed_operation_says_where_to_read_more() -> None:
    failure = Failure("add_host", "h3", "no python3", "job-1", 0.0)
    checks = health_checks(**{**NOTHING, "failures": {("add_host", "h3"): failure}})

    assert checks["ANSIBLE_JOB_FAILED"]["detail"] == [
        "add_host on host h3 failed at 1970-01-01 00:00:00Z: no python3 "
        "(ceph ansible job show job-1)"
    ]


def test_what_belongs_to_other_hosts_is_a_check_of_its_own() -> None:
    checks = health_checks(**{**NOTHING, "foreign": ["mon.h1 on host h3 belongs to host h1: so."]})

    assert list(checks) == ["ANSIBLE_FOREIGN_DAEMON"]
    assert checks["ANSIBLE_FOREIGN_DAEMON"]["summary"] == "1 daemon(s) of other hosts found"
