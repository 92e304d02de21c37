"""Fixtures: a cluster with OSDs, and the services of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services, with_osds
from tests.lab_tests.sudo_user import let_in, let_out


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Lab:
    """Return three hosts with at least one OSD each, and pools of two copies."""
    if len(lab.machines) < 3:
        pytest.skip("needs three hosts")
    with_osds(lab)
    return lab


@pytest.fixture(scope="module")
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of the lab."""
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    yield found
    found.close()


@pytest.fixture(scope="module")
def as_user(services: Services) -> Iterator[Services]:
    """Return the services of a lab whose hosts let only a user with sudo in, or the invoker's."""
    if services.lab.locked:
        yield services
        return
    let_in(services.lab)
    yield services
    let_out(services.lab)
