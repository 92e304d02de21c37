"""Every method of the interface, called inside ceph-mgr by another module.

With the modules that call it by themselves enabled: prometheus, dashboard, nfs, volumes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab_tests.conftest import MGR_LOG, TRACEBACK, crashes, log_size, tracebacks
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_faults import answers

CALLER = Path(__file__).parent / "orch_caller"
MODULES = ("prometheus", "dashboard", "nfs", "volumes")
# What is raised and told: ours and Ceph's documented errors.
DOCUMENTED = ("", "OrchestratorError", "OrchestratorValidationError", "NotImplementedError")


@pytest.fixture(scope="module")
def log(services: Services) -> Iterator[int]:
    """Enable the modules on the first host; return the length of its log before the calls."""
    lab = services.lab
    services.remove_all()
    if lab.ceph_json("mgr", "stat")["active_name"] != lab.first:
        lab.ok("mgr", "fail")
        wait_until("the first host's manager is active", lambda: first_is_active(lab), SECONDS)
    lab.lab("copy", str(CALLER), f"{lab.first}:/usr/share/ceph/mgr")
    lab.sh(
        lab.first, "systemctl reset-failed ceph-mgr@$1 || true; systemctl kill ceph-mgr@$1", "h1"
    )
    lab.sh(lab.first, "systemctl restart ceph-mgr@$1", "h1")
    wait_until("the first host's manager is active", lambda: first_is_active(lab), SECONDS)
    there = lab.ceph_json("mgr", "module", "ls")
    on = [
        name for name in MODULES if name in (*there["always_on_modules"], *there["enabled_modules"])
    ]
    before = log_size(lab)
    for name in ("orch_caller", *MODULES):
        if name not in on:
            lab.ok("mgr", "module", "enable", name, "--force")
    wait_until("the manager answers", lambda: answers(lab), SECONDS)
    wait_until("the caller is there", lambda: lab.ceph("orch-caller", "run", "-h").rc == 0, SECONDS)
    yield before
    for name in ("orch_caller", "prometheus"):
        if name not in on:
            lab.ok("mgr", "module", "disable", name)
    lab.sh(lab.first, "rm -r /usr/share/ceph/mgr/orch_caller")
    wait_until("the manager answers", lambda: answers(lab), SECONDS)


def first_is_active(lab: Lab) -> bool:
    stat = lab.ceph_json("mgr", "stat")
    if stat["active_name"] not in ("", lab.first):
        lab.ceph("mgr", "fail")
    return stat["active_name"] == lab.first and bool(stat["available"]) and answers(lab)


def all_tracebacks(lab: Lab, since: int) -> list[str]:
    """Return every traceback in the manager's log, whoever's it is."""
    text = lab.sh(lab.first, f"tail -c +{since + 1} {MGR_LOG}")
    return [part[:1500] for part in text.split(TRACEBACK)[1:]]


def test_every_method_gives_a_result_or_a_documented_error(services: Services, log: int) -> None:
    lab = services.lab
    before = lab.ok("orch", "ls", "--export"), crashes(lab)
    length = log_size(lab)
    found: dict[str, Any] = json.loads(lab.ok("orch-caller", "run"))
    for name, kind, text in found["calls"]:
        print(f"{name}: {kind} {text[:160]}")
    assert found["not_called"] == ["is_orchestrator_module"]
    assert {kind for _, kind, _ in found["calls"]} <= set(DOCUMENTED)
    assert all("Traceback" not in text for _, _, text in found["calls"])
    assert tracebacks(lab, length) == []
    assert all_tracebacks(lab, length) == []
    assert (lab.ok("orch", "ls", "--export"), crashes(lab)) == before


def test_modules_that_ask_by_themselves(services: Services, log: int) -> None:
    lab = services.lab
    length = log_size(lab)
    lab.ok("nfs", "cluster", "ls")
    refused = lab.ceph("nfs", "cluster", "create", "x", "h9")
    assert refused.rc != 0, refused
    assert "Traceback" not in refused.err
    lab.ok("fs", "volume", "ls")
    lab.ok("fs", "volume", "create", "asked", "--placement=1")
    services.wait_runs("mds.asked", 1)
    lab.ok("fs", "volume", "rm", "asked", "--yes-i-really-mean-it")
    wait_until("its daemons are gone", lambda: "mds.asked" not in services.ls(), SECONDS)

    def scraped() -> bool:
        return lab.ssh(lab.first, "curl", "-fsS", "http://localhost:9283/metrics").rc == 0

    wait_until("prometheus has its figures", scraped, SECONDS)
    lab.ok("prometheus", "file_sd_config")
    assert tracebacks(lab, length) == []
    assert crashes(lab) == {}
