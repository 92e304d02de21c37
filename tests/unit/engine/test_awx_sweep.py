"""What workers that died for good have left in AWX is taken away, and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from adapter.engine.awx_sweep import OLD, Sweep
from adapter.engine.model import JobStatus
from tests.awx.engines import AwxSite, request
from tests.awx.plans import Planned
from tests.awx.troubles import CUT
from tests.unit.engine.harness import finish, until

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
LATER = OLD.total_seconds() + 3600
KEY = "ceph-job-20260101T000000-get_report-00ff-0123456789abcdef-1"
LEFT = {"description": "changes: h1 h2"}


@pytest.fixture
def fates() -> Planned:
    return Planned(lambda job: ("running for ever", "none"))


@pytest.fixture
def site(tmp_path: Path, fates: Planned) -> Iterator[AwxSite]:
    found = AwxSite(tmp_path, fates)
    yield found
    found.stop()


def swept(site: AwxSite, ours: str = "", after: float = LATER) -> list[str]:
    """Sweep so many seconds from now; return what is gone."""
    place = site.place()
    return Sweep(place.connect(), place, lambda job: job == ours, time.time() + after).run()


def inventory(site: AwxSite, name: str = KEY, **changes: Any) -> dict[str, Any]:
    """Make the inventory of a worker that is no more."""
    about = {"name": name, "organization": site.organization, **LEFT, **changes}
    return site.server.store.add("inventories", about)


def keyrings(site: AwxSite, name: str = KEY, kind: str = "ceph-keyrings") -> dict[str, Any]:
    store = site.server.store
    types = [row for row in store.objects["credential_types"].values() if row["name"] == kind]
    fields = [{"id": "keyrings", "label": "Keyrings", "type": "string", "secret": True}]
    about = {"name": kind, "kind": "cloud", "inputs": {"fields": fields}}
    found = types[0] if types else store.add("credential_types", about)
    return store.add("credentials", {"name": name, "credential_type": found["id"], "inputs": {}})


def test_what_a_dead_worker_has_left_is_deleted_with_its_hosts_and_keys(site: AwxSite) -> None:
    number = inventory(site)["id"]
    site.server.routes.jobs.hosts[number] = {"h1": {}, "h2": {}}
    keyrings(site)
    assert swept(site) == [KEY]
    assert site.left() == []
    assert number not in site.server.routes.jobs.hosts


def test_what_is_young_stays(site: AwxSite) -> None:
    """A worker may be about to launch its job."""
    inventory(site)
    keyrings(site)
    assert swept(site, after=OLD.total_seconds() - 60) == []
    assert sorted(site.left()) == [KEY, KEY]


OTHERS = {
    "of another cluster": {"name": KEY.replace("ceph-job", "other-job")},
    "made by hand": {"name": "ceph-job-of-somebody"},
    "with more behind it": {"name": f"{KEY} copy"},
    "that says something else": {"description": "my hosts"},
    "without hosts": {"description": "changes:"},
    "of another organization": {"organization": None},
}


@pytest.mark.parametrize("case", OTHERS)
def test_an_inventory_of_somebody_else_stays(site: AwxSite, case: str) -> None:
    inventory(site, **OTHERS[case])
    assert swept(site) == []
    assert len(site.server.store.objects["inventories"]) == 2


def test_a_credential_of_somebody_else_stays(site: AwxSite) -> None:
    keyrings(site, "ceph-job-of-somebody")
    keyrings(site, KEY, kind="Machine")
    assert swept(site) == []


def test_keys_of_an_inventory_that_is_there_stay(site: AwxSite) -> None:
    """It is not deleted as long as a job needs it; what it says is not known here."""
    inventory(site, description="changed by somebody")
    keyrings(site)
    assert swept(site) == []


def test_a_living_worker_keeps_what_its_job_has(site: AwxSite) -> None:
    """A job may be old: somebody's clock, or one that AWX did not begin for days."""
    keyrings(site, "", kind="ceph-keyrings")
    engine = site.engine(site.top / "state")
    asked = request(secrets={"mds.a.keyring": "[mds.a]\n\tkey = x\n"})
    job = engine.submit(asked)
    until(lambda: site.jobs() and site.jobs()[0].has_run, engine.poll)
    assert swept(site) == []
    (inventories, credentials) = site.left()
    assert inventories == credentials
    engine.cancel(job.job_id)
    assert finish(engine, job).status is JobStatus.CANCELLED
    assert swept(site) == []
    assert site.left() == []


def test_a_worker_that_is_about_to_launch_keeps_its_inventory(site: AwxSite) -> None:
    """AWX knows of no job yet; who follows the worker knows that it is active."""
    site.server.troubles = lambda method, path: CUT if path.endswith("/launch/") else ""
    engine = site.engine(site.top / "state")
    job = engine.submit(request())
    until(site.left, engine.poll)
    site.server.troubles = lambda method, path: CUT if method != "GET" else ""
    assert swept(site, ours=job.job_id) == []
    engine.cancel(job.job_id)


def test_awx_may_refuse(site: AwxSite) -> None:
    inventory(site)
    refused = json.dumps({"error": "Resource is being used by running jobs."}).encode()
    answer = site.server.answer
    site.server.answer = lambda method, path, text, headers: (  # type: ignore[method-assign]
        (409, refused, {}) if method == "DELETE" else answer(method, path, text, headers)
    )
    assert swept(site) == []
    site.server.answer = answer  # type: ignore[method-assign]
    assert site.left() == [KEY]


def test_an_engine_sweeps_by_itself_once_an_hour(site: AwxSite) -> None:
    inventory(site)["created"] = "2026-01-01T00:00:00.000000Z"
    engine = site.engine(site.top / "state")
    until(lambda: site.left() == [], engine.poll)
    inventory(site)["created"] = "2026-01-01T00:00:00.000000Z"
    another = site.engine(site.top / "state")
    assert another.ready() == ""
    until(lambda: not another._reach._thread.is_alive(), another.poll)
    assert site.left() == [KEY]
