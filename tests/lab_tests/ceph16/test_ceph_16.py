"""Ceph 16.2 through its own ``ceph orch`` and dashboard: hosts, disks, OSDs, services, actions.

Run on a lab of its own: `tests/lab/lab up --release bookworm`. The tests build on each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.contract.on_lab import conversions
from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.services.every_verb import (
    SPECS,
    WANTED,
    actions,
    all_services,
    devices,
    free,
    hosts,
    is_up,
)
from tests.lab_tests.services.service_lab import SECONDS, Services, with_osds
from tests.lab_tests.test_dashboard import ask, browser, dashboard

__all__ = ["browser", "dashboard"]
# All labs have one kernel, and ceph-volume of 16.2 fails where the first device of all is a
# partition: on a lab's host that of another lab's disk can be.
HIDE_PARTITIONS = """
mountpoint -q /sys/dev/block && exit 0
mkdir -p /run/own-blocks
cp -P /sys/dev/block/* /run/own-blocks/
for link in /run/own-blocks/*; do
  test ! -e "$(readlink -f "/sys/dev/block/${link##*/}")/partition" || rm "$link"
done
mount --bind /run/own-blocks /sys/dev/block
"""
# Debian's package of it has no unit.
WITHOUT = "cephfs-mirror"
RUNNING = WANTED.keys() - {WITHOUT}
SHOWN = (
    ("orch", "status"),
    ("orch", "host", "ls"),
    ("orch", "device", "ls"),
    ("orch", "ls"),
    ("orch", "ps"),
)
GROUP = {
    "service_type": "osd",
    "service_id": "rest",
    "placement": {"hosts": ["h3"]},
    "spec": {"method": "raw", "data_devices": {"rotational": 1}},
}
# What this backend does not do, whatever Ceph's command is called.
REFUSED = (
    ("orch", "host", "drain", "h2"),
    ("orch", "host", "maintenance", "exit", "h2"),
    ("orch", "upgrade", "start", "--image", "quay.io/ceph/ceph:v16"),
    ("orch", "apply", "nfs", "a", "h9"),
    ("orch", "apply", "mds", "a", "--placement=h1,h9"),
    ("orch", "daemon", "restart", "mds.none"),
    ("orch", "osd", "rm", "99"),
    ("orch", "rm", "mds.none"),
    ("orch", "host", "rm", "h9"),
    ("orch", "device", "zap", "h2", "/dev/none", "--force"),
)
# What a page of the dashboard shows, by its address and the command that says it.
PAGES = {"hosts": "h3", "inventory": "/dev/loop", "services": "mon"}


@pytest.fixture(scope="module")
def services(lab: Lab) -> Iterator[Services]:
    """Return the services of a lab with Ceph 16.2 and an OSD on each of its three hosts."""
    if "version 16.2." not in lab.ok("version"):
        pytest.skip("needs Ceph 16.2: `tests/lab/lab up --release bookworm`")
    for name in lab.machines:
        lab.sh(name, HIDE_PARTITIONS)
    settle(lab)
    with_osds(lab)
    found = Services(lab)
    wait_until("the backend answers", found.ls, 60)
    yield found
    found.close()


def refused(answer: Answer) -> str:
    """Return the one line that a command is refused with."""
    assert answer.rc != 0, answer.out
    assert "Traceback" not in answer.err
    lines = answer.err.strip().splitlines()
    assert len(lines) == 1, answer.err
    return lines[0]


def everything_is_shown(lab: Lab) -> None:
    """Have all that there is shown in each form that Ceph has."""
    for words in SHOWN:
        lab.ok(*words)
        assert json.loads(lab.ok(*words, "--format", "json")), words
        assert list(yaml.safe_load_all(lab.ok(*words, "--format", "yaml"))), words


def test_ceph_s_classes_take_what_they_are_given(services: Services) -> None:
    report = conversions(services.lab.name)

    assert (report["problems"], report["refused"]) == ({}, {})
    assert report["recorded"] == "16.2.15"


def test_hosts(services: Services) -> None:
    hosts(services.lab)


def test_devices_and_osds(services: Services) -> None:
    devices(services.lab)


def test_a_drive_group(services: Services) -> None:
    """The plan first, then OSDs on what it names, then the host's disks free again."""
    lab, text = services.lab, yaml.safe_dump(GROUP)
    left = free(lab, "h3")
    plan = lab.ok("orch", "apply", "-i", "-", "--dry-run", stdin=text)
    assert all(f"h3: {path} " in plan for path in left), plan
    before = set(lab.ceph_json("osd", "ls"))

    lab.ok("orch", "apply", "-i", "-", stdin=text)
    made = lambda: len(set(lab.ceph_json("osd", "ls")) - before) == len(left)  # noqa: E731
    wait_until("the OSDs are made", made, SECONDS)
    new = set(lab.ceph_json("osd", "ls")) - before
    wait_until("they are up", lambda: all(is_up(lab, each) for each in new), SECONDS)
    services.wait_runs("osd.rest", len(left))

    lab.ok("orch", "rm", "osd.rest", "--force")
    lab.ok("orch", "osd", "rm", *map(str, new), "--zap", "--force")
    gone = lambda: not new & set(lab.ceph_json("osd", "ls"))  # noqa: E731
    wait_until("they are gone", gone, SECONDS)
    wait_until("their disks are free", lambda: free(lab, "h3") == left, SECONDS)


def test_services_actions_and_what_is_shown_of_them(services: Services) -> None:
    """Seen to fail before: `ceph orch ls` failed for good once there was an object gateway."""
    lab = services.lab
    with all_services(services, WITHOUT):
        everything_is_shown(lab)
        actions(services)
        everything_is_shown(lab)
        exported = lab.ok("orch", "ls", "--export")
        names = {each.get("service_name") for each in yaml.safe_load_all(exported)}
        assert {"mon", "mgr", *RUNNING} <= names
        jobs = services.changing_jobs()
        specs = [spec for spec in SPECS if spec["service_type"] != WITHOUT]
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(specs))
        ours = [each for each in yaml.safe_load_all(exported) if each["service_name"] in RUNNING]
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(ours))
        services.wait_runs("rgw.verb", 1)
        assert services.changing_jobs() == jobs, "what was exported is not what there is"
        other_manager(lab)
    everything_is_shown(lab)


def test_a_package_without_a_unit_is_named(services: Services) -> None:
    """Seen to fail before: it asked for the package that was there."""
    services.lab.ok("orch", "apply", WITHOUT)
    reason = "the host has cephfs-mirror and no unit"

    def named() -> bool:
        lines = services.health("ANSIBLE_SERVICE_FAILED")
        assert any(reason in line for line in lines), lines
        return True

    wait_until("it is named", named, SECONDS)
    services.remove(WITHOUT)


def other_manager(lab: Lab) -> None:
    """Let the other manager take over, look at it, and let the first one come back."""
    first = lab.ceph_json("mgr", "stat")["active_name"]
    for _ in range(2):
        now = lab.ceph_json("mgr", "stat")["active_name"]
        lab.ok("mgr", "fail", now)

        def answers(now: str = now) -> bool:
            assert lab.ceph_json("mgr", "stat")["active_name"] not in ("", now)
            return "Available: Yes" in lab.ok("orch", "status")

        wait_until("the other manager answers", answers, SECONDS)
        known = lambda: set(lab.listed_devices()) == set(lab.machines)  # noqa: E731
        wait_until("it knows the disks", known, SECONDS)
        everything_is_shown(lab)
    assert lab.ceph_json("mgr", "stat")["active_name"] == first


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_cannot_be_done_is_one_line(services: Services, words: tuple[str, ...]) -> None:
    print(refused(services.lab.ceph(*words)))


def test_the_dashboard_answers(services: Services, dashboard: dict[str, str]) -> None:
    login = {"username": dashboard["user"], "password": dashboard["password"]}
    token = ask(dashboard, "/api/auth", **login)["token"]
    assert ask(dashboard, "/ui-api/orchestrator/status", token)["available"] is True
    shown = {row["hostname"] for row in ask(dashboard, "/api/host", token)}
    assert shown == set(services.lab.machines)
    names = {row["service_name"] for row in ask(dashboard, "/api/service", token)}
    assert {"mon", "mgr"} <= names


def test_pages_of_the_dashboard(
    services: Services, browser: Any, dashboard: dict[str, str]
) -> None:
    for page, word in PAGES.items():
        browser.get("about:blank")
        browser.get(f"{dashboard['url']}/#/{page}")
        wait_until(f"the page {page} shows {word}", lambda: word in words_of(browser), SECONDS)  # noqa: B023


def words_of(browser: Any) -> str:
    return str(browser.execute_script("return document.body.innerText"))


def test_a_host_is_removed_with_its_osds(services: Services) -> None:
    """Last: it takes the OSDs of a host away."""
    lab = services.lab
    rows = lab.ceph_json("osd", "metadata")
    numbers = [str(row["id"]) for row in rows if row.get("hostname") == "h3"]
    assert numbers
    lab.ok("orch", "osd", "rm", *numbers, "--zap", "--force")
    gone = lambda: not set(map(int, numbers)) & set(lab.ceph_json("osd", "ls"))  # noqa: E731
    wait_until("its OSDs are gone", gone, SECONDS)
    lab.ok("orch", "host", "rm", "h3", "--force")
    wait_until("it is in no list", lambda: "h3" not in lab.listed_hosts(), SECONDS)
