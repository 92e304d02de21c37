"""The cluster is handed to no manager that could not manage hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST = "h2"
MODULE = "/usr/share/ceph/mgr/ansible"
MAKE = """
install -d -o ceph -g ceph /var/lib/ceph/mgr/ceph-$1
cat >/var/lib/ceph/mgr/ceph-$1/keyring; chown ceph /var/lib/ceph/mgr/ceph-$1/keyring
systemctl reset-failed ceph-mgr@$1 || true; systemctl enable --now ceph-mgr@$1
"""


@pytest.fixture
def adopted(services: Services) -> Iterator[Lab]:
    """Return a lab with a second manager, made by hand, that has not our module."""
    lab = services.lab
    if services.ls().get("mgr", {}).get("unmanaged") is not True:
        lab.ok("orch", "set-unmanaged", "mgr")
    # Managers of tests before are no standbys of this one.
    for other in set(standbys(lab)) - {HOST}:
        lab.sh(other, "systemctl disable --now ceph-mgr@$1", other)
    wait_until("no others stand by", lambda: set(standbys(lab)) <= {HOST}, SECONDS)
    if active(lab) != lab.first:
        lab.fail_over(SECONDS)
        wait_until("the first manager is active", lambda: active(lab) == lab.first, SECONDS)
    caps = ("mon", "allow profile mgr", "osd", "allow *", "mds", "allow *")
    # One that an earlier service left has other words for the same.
    lab.ok("auth", "rm", f"mgr.{HOST}")
    key = lab.ok("auth", "get-or-create", f"mgr.{HOST}", *caps)
    lab.sh(HOST, f"systemctl stop ceph-mgr@{HOST} || true; rm -rf {MODULE}")
    lab.sh(HOST, MAKE, HOST, stdin=key)
    # The map may still have the one that was stopped, with the module of a test before.
    wait_until("it stands by, without it", lambda: standbys(lab).get(HOST) is False, SECONDS)
    lab.ok("orch", "ps", "--refresh")
    wait_until(
        "it is listed", lambda: {r["daemon_id"] for r in services.ps("mgr")} >= {"h1", HOST}, 60
    )
    yield lab
    if active(lab) != lab.first:
        lab.sh(active(lab), "systemctl stop ceph-mgr@$(hostname)")
        wait_until("the first manager is active", lambda: active(lab) == lab.first, SECONDS)
    lab.sh(HOST, f"systemctl disable --now ceph-mgr@{HOST}; rm -rf /var/lib/ceph/mgr/ceph-{HOST}")
    lab.ok("auth", "rm", f"mgr.{HOST}")


def active(lab: Lab) -> str:
    return str(lab.ceph_json("mgr", "stat")["active_name"])


def standbys(lab: Lab) -> dict[str, bool]:
    """Return the standbys, and whether each could run our module."""
    return {
        row["name"]: any(m["name"] == "ansible" and m["can_run"] for m in row["available_modules"])
        for row in lab.ceph_json("mgr", "dump")["standbys"]
    }


def test_a_manager_without_the_module_takes_over_for_nobody(
    services: Services, adopted: Lab
) -> None:
    """Seen to fail before: the command is accepted, and nobody manages hosts after it."""
    lab = adopted
    assert standbys(lab) == {HOST: False}

    def named() -> bool:
        lines = services.health("ANSIBLE_MGR_UNABLE")
        assert any(line.startswith(f"mgr.{HOST} could not manage hosts") for line in lines), lines
        return True

    for command in ("restart", "stop"):
        answer = lab.ceph("orch", "daemon", command, f"mgr.{lab.first}")
        assert answer.rc != 0, f"{command}: {answer.out}"
        assert f"mgr.{HOST}: it has no module ansible" in answer.err
    answer = lab.ceph("orch", "daemon", "rm", f"mgr.{lab.first}", "--force")
    assert answer.rc != 0, answer.out
    wait_until("health names it", named, SECONDS)
    assert active(lab) == lab.first


def test_a_managed_service_gives_the_module_to_a_kept_manager(
    services: Services, adopted: Lab
) -> None:
    """Seen to fail before: the manager is kept as it is; `apply mgr h2` hands over to it."""
    lab = adopted
    lab.ok("orch", "apply", "mgr", f"--placement=h1 {HOST}")
    wait_until("it has the module", lambda: standbys(lab) == {HOST: True}, SECONDS)
    wait_until("nothing is named", lambda: not services.health("ANSIBLE_MGR_UNABLE"), SECONDS)
    services.wait_healed("mgr", 2)
    lab.ok("orch", "set-unmanaged", "mgr")
