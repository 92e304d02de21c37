"""Failures of services: back-offs grow, and what is over is not spoken of."""

from __future__ import annotations

from adapter.cluster.backoff import RETRY_FIRST, RETRY_LAST
from adapter.cluster.health import health_checks
from adapter.cluster.service_failures import ServiceFailures

NOTHING: dict = {"offline": {}, "unreported": {}, "failures": {}, "problems": {}}


def broken(times: int = 1) -> ServiceFailures:
    failures = ServiceFailures()
    for _ in range(times):
        failures.failed("mds.a", "h2", "no space", 100.0, 0.0, "job-1")
    return failures


def test_the_pause_grows_and_ends() -> None:
    assert broken().next_try(100.0, 999.0) == 100.0 + RETRY_FIRST
    assert broken(3).next_try(100.0, 999.0) == 100.0 + 4 * RETRY_FIRST
    assert broken(50).next_try(100.0, 9999.0) == 100.0 + RETRY_LAST
    assert broken().backs_off("mds.a", "h2", 101.0)
    assert not broken().backs_off("mds.a", "h2", 100.0 + RETRY_FIRST)
    assert not broken().backs_off("mds.a", "h1", 101.0)
    assert not broken().backs_off("mds.b", "h2", 101.0)


def test_a_trouble_of_the_service_concerns_every_host() -> None:
    failures = ServiceFailures()
    failures.failed("mds.a", "", "the monitors say no", 100.0, 0.0)
    assert failures.backs_off("mds.a", "h7", 101.0)
    failures.over("mds.a", "h1")
    assert not failures.backs_off("mds.a", "h7", 101.0)


def test_a_wait_is_a_pause_without_a_warning() -> None:
    failures = ServiceFailures()
    failures.waits("mgr", "h1", 100.0)
    assert failures.backs_off("mgr", "h1", 101.0)
    assert failures.all() == []


def test_what_is_over_is_dropped() -> None:
    for end in (
        lambda t: t.over("mds.a", "h2"),
        lambda t: t.keep("mds.a", {"h1"}),
        lambda t: t.keep_services({"mds.b"}),
    ):
        failures = broken()
        end(failures)
        assert failures.all() == []
        assert not failures.backs_off("mds.a", "h2", 101.0)


def test_what_is_acknowledged_still_backs_off() -> None:
    failures = broken()
    assert failures.acknowledge("job-1") == 1
    assert failures.acknowledge("job-1") == 0
    assert failures.all() == []
    assert failures.backs_off("mds.a", "h2", 101.0)


def test_health_names_service_host_reason_and_job() -> None:
    checks = health_checks(**NOTHING, service_failures=broken().all())
    assert checks["ANSIBLE_SERVICE_FAILED"]["detail"] == [
        "mds.a on host h2 failed at 1970-01-01 00:00:00Z: no space (ceph ansible job show job-1)"
    ]
