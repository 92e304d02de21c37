"""What holds a host stopped and puts it back: records, and masks that packages leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.maintenance.conftest import SHORT
from tests.lab_tests.maintenance.ground import SECONDS, Ground
from tests.lab_tests.maintenance.test_maintenance import standby

RECORD = "/var/lib/ceph-orch-ansible/maintenance.json"
MASKED = (
    "systemctl list-unit-files --state=masked --no-legend --no-pager 'ceph*.service' | "
    "cut -d' ' -f1"
)
RUNS = (
    "systemctl list-units --no-legend --plain --state=active,activating 'ceph*.service' "
    "'*radosgw*.service' | cut -d' ' -f1"
)
# Each of these has maintainer scripts that start and restart units.
REINSTALL = """
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
names="ceph-base ceph-mon ceph-osd ceph-mgr radosgw"
apt-get -qq install --reinstall -y $names >/run/apt.log 2>&1 || { cat /run/apt.log >&2; exit 1; }
dpkg --audit
"""

pytestmark = pytest.mark.skipif(SHORT, reason="not in the short form")


@pytest.fixture
def forgotten(ground: Ground) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return a host whose maintenance nobody has a record of, and what was before.

    It is put back by hand in the end.
    """
    ground.wait_well()
    host, lab = standby(ground), ground.lab
    before, there = ground.snapshot(), set(lab.sh(host, MASKED).split())
    ground.enter(host)
    # Nobody mends what the test looks at.
    lab.ok("orch", "pause")
    lab.ok("config-key", "rm", f"mgr/ansible/maintenance.{host}")
    lab.sh(host, "rm $1", RECORD)
    lab.fail_over()
    wait_until("the manager answers", lambda: ground.status(host) == "maintenance", SECONDS)
    yield host, before
    mine = sorted(set(lab.sh(host, MASKED).split()) - there)
    lab.sh(host, 'systemctl unmask -q "$@"; systemctl start "$@"', *mine)
    lab.ok("osd", "unset-group", "noout", host)
    lab.ok("orch", "resume")
    ground.assert_as_before(before)


def test_without_its_records_nothing_is_put_back_and_that_is_seen(
    ground: Ground, forgotten: tuple[str, dict[str, Any]]
) -> None:
    """So the comparison of the other tests can fail: it is the record that makes it hold."""
    host, before = forgotten
    ground.lab.ok_when_settled("orch", "host", "maintenance", "exit", host)
    wait_until("it is out of maintenance", lambda: ground.status(host) == "", SECONDS)
    found = ground.differences(before)
    assert {"flags", "units", "runs"} <= set(found)
    assert host in str(found["flags"][1]["crush_node_flags"])
    assert f"ceph-mon@{host}.service" not in found["runs"][1][host]


def test_packages_that_are_installed_anew_start_nothing(ground: Ground) -> None:
    ground.wait_well()
    before, host, lab = ground.snapshot(), "h3", ground.lab
    ground.enter(host, "--force")
    masked = lab.sh(host, MASKED)
    assert lab.sh(host, RUNS).strip() == ""
    assert lab.sh(host, REINSTALL).strip() == ""
    assert lab.sh(host, RUNS).strip() == ""
    assert lab.sh(host, MASKED) == masked
    ground.leave(host)
    ground.assert_as_before(before)
