"""Fixtures: the lab's services, and nothing of monitoring when a test has ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services

NAMES = ("prometheus", "alertmanager", "node-exporter", "grafana")


@pytest.fixture
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of the lab; what is left of monitoring is removed."""
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    found.remove(*NAMES)
    yield found
    found.remove(*NAMES)
    found.close()
