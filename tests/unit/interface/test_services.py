"""Services with their state."""

from __future__ import annotations

from datetime import datetime, timezone

from adapter.interface import OrchestratorEvent, ServiceDescription, ServiceSpec

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=timezone.utc)


def test_minimal() -> None:
    service = ServiceDescription(ServiceSpec("mgr"))

    assert service.to_json() == {
        "service_type": "mgr",
        "service_name": "mgr",
        "status": {"size": 0, "running": 0},
    }
    assert service.service_type() == "mgr"
    assert service.get_port_summary() == ""


def test_lists_are_not_shared() -> None:
    one, other = ServiceDescription(ServiceSpec("mgr")), ServiceDescription(ServiceSpec("mgr"))
    one.ports.append(1)

    assert other.ports == []


def test_deleted_is_not_written() -> None:
    service = ServiceDescription(ServiceSpec("mgr"), deleted=MOMENT)

    assert service.deleted is MOMENT
    assert "deleted" not in service.to_json()["status"]


def test_port_summary() -> None:
    spec = ServiceSpec("rgw", service_id="a")

    assert ServiceDescription(
        spec, virtual_ip="10.0.0.9/24", ports=[80, 81]
    ).get_port_summary() == ("10.0.0.9:80,81")
    assert ServiceDescription(spec, ports=[80]).get_port_summary() == "?:80"


def test_events_in_both_forms() -> None:
    event = OrchestratorEvent(MOMENT, "service", "mgr", "INFO", "x")
    service = ServiceDescription(ServiceSpec("mgr"), events=[event])

    assert service.to_json()["events"] == [event.to_json()]
    assert service.to_dict()["events"] == [event.to_dict()]
    assert ServiceDescription.from_json(service.to_json()) == service


def test_what_is_shown_can_be_applied_again() -> None:
    """`ceph orch ls --format yaml` can be given to `ceph orch apply -i`."""
    event = OrchestratorEvent(MOMENT, "service", "mgr", "INFO", "x")
    shown = ServiceDescription(ServiceSpec("mgr"), events=[event], created=MOMENT).to_json()

    assert ServiceSpec.from_json(shown) == ServiceSpec("mgr")


def test_equality() -> None:
    service = ServiceDescription(ServiceSpec("mgr"), size=1)

    assert service != ServiceDescription(ServiceSpec("mgr"), size=2)
    assert service != ServiceDescription(ServiceSpec("mon"), size=1)
    assert service != "mgr"
    assert repr(service) == "<ServiceDescription of <ServiceSpec for service_name=mgr>>"
