"""Which daemon belongs to which service."""

from __future__ import annotations

import pytest

from adapter.interface import (
    KNOWN_DAEMON_TYPES,
    KNOWN_SERVICE_TYPES,
    REQUIRES_SERVICE_ID,
    OrchestratorValidationError,
    daemon_type_to_service,
    service_to_daemon_types,
)


@pytest.mark.parametrize("daemon_type", KNOWN_DAEMON_TYPES)
def test_there_and_back(daemon_type: str) -> None:
    there = service_to_daemon_types(daemon_type_to_service(daemon_type))

    assert daemon_type in [*there, "crashcollector"]  # Rook's name for crash


@pytest.mark.parametrize(
    ("daemon_type", "service_type"),
    [("haproxy", "ingress"), ("keepalived", "ingress"), ("crashcollector", "crash")],
)
def test_different_names(daemon_type: str, service_type: str) -> None:
    assert daemon_type_to_service(daemon_type) == service_type


def test_lists() -> None:
    assert len(KNOWN_SERVICE_TYPES) == 31
    assert set(REQUIRES_SERVICE_ID) < set(KNOWN_SERVICE_TYPES)
    assert service_to_daemon_types("ingress") == ["haproxy", "keepalived"]
    assert service_to_daemon_types("mgr") == ["mgr"]
    assert len(service_to_daemon_types("jaeger-tracing")) == 4


def test_unknown() -> None:
    with pytest.raises(OrchestratorValidationError, match="'radosgw' is not known; allowed: agent"):
        daemon_type_to_service("radosgw")
    with pytest.raises(OrchestratorValidationError, match="'radosgw' is not known"):
        service_to_daemon_types("radosgw")


def test_result_can_be_changed() -> None:
    service_to_daemon_types("ingress").clear()

    assert service_to_daemon_types("ingress")
