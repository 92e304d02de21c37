"""The same playbooks on this machine and in a stand-in for AWX, with the real ansible-runner."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from adapter.engine.completion import Completion
from adapter.engine.local import LocalEngine
from adapter.engine.model import Request
from adapter.engine.ssh_files import SshFiles
from tests.awx.engines import AwxSite, hosts
from tests.awx.real import Real
from tests.unit.engine.harness import CONTENT, finish, local, until

# Workers clean up in AWX when their job has ended, also when its engine is gone.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
HOSTILE = "{{ lookup('pipe', 'touch CANARY') }}"
CASES: Dict[str, Dict[str, Any]] = {
    "get_report": {"names": ("h0", "h1")},
    "fail_some": {"names": ("h0", "h1", "h2", "h3")},
    "two_phases": {"names": ("h0", "h1"), "phases": ("alpha", "beta")},
    "pardon": {"names": ("h0",)},
    "loop": {"names": ("h0",), "check": True, "diff": True},
    "matches_none": {"names": ("h0",)},
    "broken": {"names": ("h0",)},
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AwxSite]:
    real = Real(CONTENT)
    found = AwxSite(tmp_path, real)
    real.store = found.server.store
    yield found
    found.stop()


def _asked(operation: str, targets: Any, case: Dict[str, Any], canary: Path) -> Request:
    text = HOSTILE.replace("CANARY", str(canary))
    given = {"text": [text, {"deep": text}], "number": 1, "none": None}
    settings = {key: value for key, value in case.items() if key != "names"}
    return Request(operation, targets, {"given": given}, changes=False, **settings)


def _ended(job: Completion) -> Dict[str, Any]:
    return {
        "status": job.status.value,
        "outcomes": {host: _told(outcome.to_json()) for host, outcome in job.outcomes.items()},
    }


def _told(outcome: Dict[str, Any]) -> Dict[str, Any]:
    """Return an outcome without what differs: the environment, and what AWX does not tell."""
    outcome["result"].pop("environment", None)
    outcome["message"] = outcome["message"].replace("ended with 4", "did not end well")
    return outcome


def test_jobs_end_as_they_do_on_this_machine(site: AwxSite) -> None:
    state = site.top / "here"
    here = LocalEngine(state, CONTENT, SshFiles(state), python=sys.executable)
    there = site.engine(site.top / "there")
    canary = site.top / "canary"
    pairs: List[Any] = []
    for name, case in CASES.items():
        names = case["names"]
        one = here.submit(_asked(name, local(*names), case, canary))
        other = there.submit(_asked(name, hosts(*names), case, canary))
        pairs.append((name, one, other))
    # Neither may be without its parent while the other takes long.
    jobs = [job for _, *both in pairs for job in both]
    until(
        lambda: all(job.record.status.final for job in jobs),
        lambda: (here.poll(), there.poll()),
        300,
    )
    for name, one, other in pairs:
        assert _ended(other) == _ended(one), (name, list(there.log(other.job_id)))
    assert not canary.exists()
    assert len(site.jobs()) == len(CASES)
    assert site.left() == []


def test_cancel_ends_the_playbook(site: AwxSite) -> None:
    engine = site.engine(site.top / "there")
    given = {"seconds": 600, "started": str(site.top / "started")}
    job = engine.submit(Request("wait", hosts("h0"), given, changes=False))
    until(lambda: site.jobs() and len(site.jobs()[0].plan.events) > 3, engine.poll, 60)
    engine.cancel(job.job_id)
    finish(engine, job)
    assert job.status.value == "cancelled", job.message
    assert site.jobs()[0].plan.status == "canceled"
