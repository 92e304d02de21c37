"""The line ``By hand`` of every operation, pasted twice: the same end, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.lab_tests.lab_client import RECORD, STATE, Lab, wait_until
from tests.lab_tests.services.every_verb import (
    KEY,
    LIGHT,
    OPERATIONS,
    SETTING,
    SPECS,
    VALUE,
    WANTED,
    free,
    is_up,
)
from tests.lab_tests.services.pasted_lines import Lines
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST, OTHER = "h2", "h3"


def hosts(lab: Lab, paste: Callable[[], None]) -> None:
    """Remove a host, add it, label it, give it the administrator's key, move it, rescan it."""
    lab.ok("orch", "host", "rm", OTHER, "--force")
    gone = lambda: lab.ssh(OTHER, "test", "-e", RECORD).rc == 1  # noqa: E731
    wait_until("the record on the host is gone", gone, SECONDS)
    paste()
    addr = lab.machines[OTHER].addr
    lab.ok("orch", "host", "add", OTHER, addr)
    wait_until("its devices are known", lambda: OTHER in lab.listed_devices(), SECONDS)
    paste()
    for words in (
        ("label", "add", OTHER, "verb"),
        ("label", "rm", OTHER, "verb"),
        ("label", "add", OTHER, "_admin"),
        ("label", "rm", OTHER, "_admin"),
        ("set-addr", OTHER, addr),
        ("rescan", OTHER),
    ):
        lab.ok("orch", "host", *words)
        if words[2:] == ("_admin",):
            there = 0 if words[1] == "add" else 1
            keyring = "/etc/ceph/ceph.client.admin.keyring"
            wait_until(
                "the key follows",
                lambda: lab.ssh(OTHER, "test", "-e", keyring).rc == there,  # noqa: B023
                SECONDS,
            )
        paste()


def profiles(lab: Lab, paste: Callable[[], None]) -> None:
    """Set a kernel setting of a host, and put it back."""
    lab.ok("orch", "tuned-profile", "apply", "verb", "--settings", SETTING, "--placement", OTHER)
    wait_until("it is set", lambda: VALUE in lab.sh(OTHER, f"sysctl -n {KEY}"), SECONDS)
    paste()
    lab.ok("orch", "tuned-profile", "rm", "verb")
    wait_until("it is put back", lambda: VALUE not in lab.sh(OTHER, f"sysctl -n {KEY}"), SECONDS)
    paste()


def reports(lab: Lab, paste: Callable[[], None]) -> None:
    """Have hosts report: no other job here has to."""
    before = {job["id"] for job in lab.jobs()}
    lab.ok("orch", "device", "ls", "--refresh")

    def told() -> bool:
        new = [job for job in lab.jobs() if job["id"] not in before]
        return any(job["operation"] == "get_inventory" for job in new)

    wait_until("hosts report", told, SECONDS)
    paste()


def monitors_named(lab: Lab) -> set[int]:
    """Return how many monitors the files name that are kept up to date."""
    count = "grep -o 'v2:' /etc/ceph/ceph.conf | wc -l"
    return {int(lab.sh(host, count)) for host in (HOST, OTHER)}


def devices(lab: Lab, paste: Callable[[], None]) -> None:
    """Switch a light, make an OSD, remove it with its data, wipe the disk."""
    path = free(lab, HOST)[0]
    with lab.option("light_command", LIGHT):
        answer = lab.light(HOST, path, "ident", "on")
        assert answer.rc == 0, answer.err
        paste()
    before = set(lab.ceph_json("osd", "ls"))
    lab.ok("orch", "daemon", "add", "osd", f"{HOST}:{path}")
    made = lambda: set(lab.ceph_json("osd", "ls")) - before  # noqa: E731
    (number,) = wait_until("the OSD is made", made, SECONDS)
    wait_until("it is up", lambda: is_up(lab, number), SECONDS)
    paste()
    lab.ok("orch", "osd", "rm", str(number), "--force", "--zap")
    wait_until("it is gone", lambda: number not in lab.ceph_json("osd", "ls"), SECONDS)
    wait_until("the queue is empty", lambda: "No OSD" in lab.ok("orch", "osd", "rm", "status"), 60)
    paste()
    lab.ok("orch", "device", "zap", HOST, path, "--force")
    wait_until("the disk is free", lambda: path in free(lab, HOST), SECONDS)
    paste()


def actions(services: Services, paste: Callable[[], None]) -> None:
    """Restart a service, stop, start and restart a daemon, remove one."""
    lab = services.lab
    lab.ok("orch", "restart", "mds.verb")
    paste()
    services.wait_runs("mds.verb", 2)
    name = services.ps("mds.verb")[0]["daemon_name"]
    for action in ("stop", "start", "restart"):
        lab.ok_when_settled("orch", "daemon", action, name)
        paste()
    services.wait_runs("mds.verb", 2)
    lab.ok("orch", "rm", "mds.verb", "--force")
    wait_until("it is gone", lambda: not services.ps("mds.verb"), SECONDS)
    paste()


@pytest.fixture(scope="module")
def pasted(services: Services) -> Iterator[Lines]:
    """Have a job of every operation made, and paste its line when it has ended."""
    lab = services.lab
    lines = Lines(lab)
    services.remove_all()
    for kind in ("mgr", "mon"):
        lab.ok("orch", "apply", kind, f"--placement={lab.first}")
        services.wait_runs(kind, 1)
    lines.begin()
    reports(lab, lines.paste)
    hosts(lab, lines.paste)
    profiles(lab, lines.paste)
    devices(lab, lines.paste)
    try:
        for kind, size in (("mon", 3), ("mgr", 2)):
            lab.ok("orch", "apply", kind, str(size))
            services.wait_runs(kind, size)
            # The hosts' files follow in a job of their own, and a line that is pasted before would
            # do its work.
            wait_until("ceph.conf names them", lambda: monitors_named(lab) == {3}, SECONDS)
            lines.paste()
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(SPECS))
        for name, size in WANTED.items():
            services.wait_runs(name, size)
        lines.paste()
        actions(services, lines.paste)
        yield lines
    finally:
        services.remove(*WANTED)
        for kind in ("mgr", "mon"):
            lab.ok("orch", "apply", kind, f"--placement={lab.first}")
            services.wait_runs(kind, 1)


def test_the_line_does_the_same_again(pasted: Lines) -> None:
    assert pasted.wrong == []


def test_nothing_of_roots_is_left_in_the_managers_directory(pasted: Lines) -> None:
    """A socket or a file of root's would be in the way of the next job."""
    assert pasted.lab.sh(pasted.lab.first, f"find {STATE} ! -user ceph") == ""


def test_of_every_operation_there_was_a_line(pasted: Lines) -> None:
    of = {which.partition(" ")[0] for which in pasted.pasted}
    assert {*OPERATIONS, "update_admin", "get_inventory"} - of == set()
