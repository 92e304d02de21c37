"""Fixtures: the lab with two object gateways, and nothing of an ingress when a test has ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services, with_osds

USER = ("--uid=ingress", "--display-name=ingress", "--access-key=AK1", "--secret-key=SK1")


@pytest.fixture
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of a lab whose gateways ``rgw.web`` are on h1 and h2."""
    with_osds(cluster)
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    found.remove("ingress.web")
    cluster.ok("orch", "apply", "rgw", "web", "--placement=h1,h2", "--port=7480")
    found.wait_runs("rgw.web", 2)
    cluster.sh(cluster.first, f"radosgw-admin user create {' '.join(USER)} >/dev/null 2>&1 || true")
    yield found
    cluster.repair()
    found.remove("ingress.web", "rgw.web")
    found.close()
