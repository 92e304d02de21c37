"""Fixtures: the running lab, and the lab in a known state."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab_tests.lab_awx import BY_AWX, by_awx
from tests.lab_tests.lab_client import DEPLOY, LAB, STATE, Lab, run, wait_until
from tests.lab_tests.locked_user import LOCKED, locked

HERE = Path(__file__).parent
MGR_LOG = "/var/log/ceph/ceph-mgr.h1.log"
MARKER = "/run/lab-tests-began"
TRACEBACK = "Traceback (most recent call last):"
NEXT_ENTRY = re.compile(r"^20\d\d-\d\d-\d\dT", re.MULTILINE)
# What cannot be tested where the hosts' user may run nothing but the invoker.
OF_ROOT = {
    "test_locked_sudo.py": "it installs the invoker itself",
    "test_sudo.py": "it needs a user with all of sudo",
    "test_grafana.py": "its first password is a secret file, which the invoker does not write",
}
OURS = re.compile(r"File \"[^\"]*(?:ceph-orch-ansible|/mgr/ansible)/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in here as needing the lab, and skip what is not about a locked-down user."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if LOCKED and item.path.name in OF_ROOT:
                item.add_marker(pytest.mark.skip(f"with LAB_LOCKED: {OF_ROOT[item.path.name]}"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return the running lab named by LAB, with the backend installed.

    Nothing of what the tests did may have crashed the manager or left a traceback in its log.
    """
    name = os.environ.get("LAB") or "demo"
    if os.geteuid() != 0:
        pytest.skip("the lab's hosts can be used by root only")
    answer = run([sys.executable, str(LAB), "--name", name, "hosts"])
    if answer.rc:
        pytest.skip(f"lab {name} does not run ({answer.err.strip()}); see `tests/lab/lab up`")
    if not any(row["image"] == "full" for row in json.loads(answer.out)):
        pytest.skip(f"lab {name} has no host with Ceph")
    found = Lab(name, tmp_path_factory.mktemp("ssh"))
    found.repair()
    install_backend(found)
    for option in ("light_command", "light_sysfs_root"):
        with found.option(option, ""):
            pass
    before = log_size(found)
    found.sh(found.first, f"touch {MARKER}")
    with contextlib.ExitStack() as stack:
        stack.callback(found.close)
        if LOCKED:
            settle(found)
            stack.enter_context(locked(found))
        if BY_AWX:
            found.awx = stack.enter_context(by_awx(found, tmp_path_factory.mktemp("awx")))
        yield found
        leave_usable(found)
        assert tracebacks(found, before) == [], "tracebacks of ours in the manager's log"
        assert job_tracebacks(found) == ""
        assert crashes(found) == {}


@pytest.fixture
def cluster(lab: Lab) -> Iterator[Lab]:
    """Return the lab with all hosts added, online, without labels and with their devices known."""
    settle(lab)
    yield lab
    reconnect(lab)


@pytest.fixture(scope="module")
def ready(lab: Lab) -> Lab:
    """Return the lab in the known state, once for tests that change nothing."""
    settle(lab)
    return lab


def install_backend(lab: Lab) -> None:
    """Install this checkout's backend where it does not answer yet."""
    status = lab.ceph("orch", "status")
    if "Backend: ansible" in status.out and "Available: Yes" in status.out:
        return
    answer = run(["env", f"LAB={lab.name}", sys.executable, str(DEPLOY)], seconds=300)
    assert answer.rc == 0, f"the backend cannot be installed: {answer.out}{answer.err}"


def reconnect(lab: Lab) -> None:
    """Undo what a test did to power and cables."""
    for host in sorted(lab.cut):
        lab.link(host, "up")
    for host in sorted(lab.off):
        lab.power(host, "on")


def settle(lab: Lab) -> None:
    """Bring the cluster to the known state."""
    reconnect(lab)
    with contextlib.suppress(AssertionError):
        if is_settled(lab):
            return
    known = lab.listed_hosts()
    for name, machine in lab.machines.items():
        row = known.get(name)
        if row is None:
            lab.ok("orch", "host", "add", name, machine.addr)
            continue
        if row["addr"] != machine.addr:
            lab.ok("orch", "host", "set-addr", name, machine.addr)
        for label in row["labels"]:
            lab.ok("orch", "host", "label", "rm", name, label)
    for name in known.keys() - lab.machines.keys():
        lab.ok("orch", "host", "rm", name, "--offline", "--force")
    wait_until("every host is online and its devices are known", lambda: is_settled(lab), 180)


def is_settled(lab: Lab) -> bool:
    """Tell whether the cluster is in the known state."""
    rows = lab.listed_hosts()
    as_made = {name: machine.addr for name, machine in lab.machines.items()}
    if {name: row["addr"] for name, row in rows.items() if not row["labels"]} != as_made:
        return False
    wrong = {name: row["status"] for name, row in rows.items() if row["status"]}
    assert not wrong, f"not online: {wrong}"
    missing = lab.machines.keys() - lab.listed_devices().keys()
    assert not missing, f"no devices known of {sorted(missing)}"
    return True


def leave_usable(lab: Lab) -> None:
    """Leave the lab with the backend on and all hosts there."""
    install_backend(lab)
    settle(lab)


def crashes(lab: Lab) -> dict[str, str]:
    """Return the reports of crashes of daemons, and of our module, by host.

    They are read where they are made: nobody posts them without a crash collector. Ceph 20.2.4
    makes one for each module of its own without NOTIFY_TYPES whenever a manager starts.
    """
    script = (
        "cd /var/lib/ceph/crash 2>/dev/null || exit 0; "
        "for meta in */meta posted/*/meta; do test -e $meta || continue; "
        """grep -q '"mgr_module": "ansible"' $meta && echo $meta; """
        """grep -q '"mgr_module"' $meta || echo $meta; done; true"""
    )
    full = [machine.name for machine in lab.machines.values() if machine.image == "full"]
    found = {host: lab.sh(host, script).strip() for host in full}
    return {host: text for host, text in found.items() if text}


def log_size(lab: Lab) -> int:
    """Return how long the manager's log is."""
    return int(lab.sh(lab.first, f"stat -c %s {MGR_LOG}"))


def tracebacks(lab: Lab, since: int) -> list[str]:
    """Return the tracebacks through our code that the manager logged since it was so long."""
    text = lab.sh(lab.first, f"tail -c +{since + 1} {MGR_LOG}")
    parts = [NEXT_ENTRY.split(part)[0] for part in text.split(TRACEBACK)[1:]]
    return [part[:3000] for part in parts if OURS.search(part)]


def job_tracebacks(lab: Lab) -> str:
    """Return what workers of jobs complained about with a traceback."""
    script = (
        f"cd {STATE}/jobs && find . -name worker.log -newer {MARKER} -print0 | "
        "xargs -r0 grep -l Traceback | head -n 3 | xargs -r tail -n 20"
    )
    return lab.sh(lab.first, script)
