"""Tuned profiles on real hosts: values are read back in the hosts' kernels each time."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.test_faults import answers
from tests.lab_tests.tuned.tuned_lab import (
    BUFFERS,
    CONNECTIONS,
    FORWARD,
    MEMORY,
    READ_ONLY,
    SECONDS,
    Tuned,
)

PROFILE = {
    "profile_name": "net",
    "placement": {"label": "fast"},
    "settings": {CONNECTIONS: 1234, BUFFERS: "4096 65536   4194304"},
}


def label(tuned: Tuned, host: str, verb: str, name: str = "fast") -> None:
    tuned.lab.ok("orch", "host", "label", verb, host, name)


def test_applied_changed_moved_by_label_and_removed(tuned: Tuned) -> None:
    before = {host: tuned.values(host) for host in tuned.lab.hosts()}
    label(tuned, "h2", "add")
    text = yaml.safe_dump(PROFILE)
    unknown = text.replace(CONNECTIONS, "net.core.no_such")
    assert "no net.core.no_such on h2" in tuned.call("apply", "-i", "-", stdin=unknown).err
    said = tuned.lab.ok("orch", "tuned-profile", "apply", "-i", "-", stdin=text)
    assert "Saved the tuned profile net (hosts: h2)" in said
    tuned.wait("h2", CONNECTIONS, "1234")
    tuned.wait("h2", BUFFERS, "4096 65536 4194304")
    tuned.wait_files("h2", "net")
    assert tuned.values("h3") == before["h3"]

    tuned.ok("add-setting", "net", CONNECTIONS, "2345")
    tuned.wait("h2", CONNECTIONS, "2345")
    tuned.ok("rm-setting", "net", BUFFERS)
    tuned.wait("h2", BUFFERS, before["h2"][BUFFERS])
    (profile,) = json.loads(tuned.ok("ls", "--format", "json"))
    assert profile == {**PROFILE, "settings": {CONNECTIONS: "2345"}}

    label(tuned, "h3", "add")
    label(tuned, "h2", "rm")
    tuned.wait("h3", CONNECTIONS, "2345")
    tuned.wait("h2", CONNECTIONS, before["h2"][CONNECTIONS])
    tuned.wait_files("h2")

    tuned.lab.ok("orch", "tuned-profile", "rm", "net")
    tuned.wait("h3", CONNECTIONS, before["h3"][CONNECTIONS])
    tuned.wait_files("h3")
    assert tuned.lab.sh("h3", f"test -e {MEMORY} && echo there || true") == ""


def test_what_hosts_do_not_have_or_refuse_is_named_with_the_host(tuned: Tuned) -> None:
    before = {host: tuned.values(host) for host in tuned.lab.hosts()}
    unknown = tuned.call("apply", "bad", "--settings", f"net.core.no_such=1,{CONNECTIONS}=7")
    assert unknown.rc
    assert "no net.core.no_such on h1, h2, h3" in unknown.err
    assert tuned.ok("ls").strip() == ""

    tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2")
    tuned.wait("h2", CONNECTIONS, "1234")
    tuned.call("add-settings", "net", f"{CONNECTIONS}=4444,{FORWARD}=junk")
    line = tuned.wait_line("host h2", f"{FORWARD} = junk", "Invalid argument", "the kernel has 0")
    assert "ceph orch tuned-profile add-setting" in line
    assert tuned.value("h2", CONNECTIONS) == "1234", "a profile is there as a whole or not at all"
    text = tuned.lab.sh("h2", "cat /etc/sysctl.d/net-ceph-orch-ansible.conf")
    assert "junk" not in text
    assert f"{CONNECTIONS} = 1234" in text
    tuned.ok("rm-setting", "net", FORWARD)
    tuned.wait("h2", CONNECTIONS, "4444")

    tuned.call("add-setting", "net", READ_ONLY, "10")
    tuned.wait_line("host h2", f"{READ_ONLY} can only be read")
    tuned.ok("rm", "net")
    tuned.wait("h2", CONNECTIONS, before["h2"][CONNECTIONS])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["apply", "../x", "--settings", "net.core.somaxconn=1"], "profile_name"),
        (["apply", ".x", "--settings", "net.core.somaxconn=1"], "profile_name"),
        (["apply", "x", "--settings", "net.core.somaxconn=1", "--placement", "3"], "count"),
        (["apply", "x", "--settings", "net.core.somaxconn=1", "--placement", "h9"], "'h9'"),
        (["apply", "x", "--settings", "a.b=1", "--placement", "x*"], "no host"),
        (["apply", "x", "--settings", "net.core.*=1"], "kernel setting"),
        (["apply", "x", "--settings", "net.core.somaxconn="], "empty"),
        (["rm", "nobody"], "nobody"),
        (["add-setting", "nobody", "net.core.somaxconn", "1"], "nobody"),
        (["rm-setting", "nobody", "net.core.somaxconn"], "nobody"),
    ],
)
def test_what_is_refused_changes_nothing(tuned: Tuned, words: list[str], why: str) -> None:
    answer = tuned.call(*words)
    assert answer.rc
    assert why in answer.err, answer
    assert "Traceback" not in answer.err
    assert tuned.ok("ls").strip() == ""


def test_a_host_that_was_off_follows_and_a_fail_over_forgets_nothing(tuned: Tuned) -> None:
    tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234")
    for host in tuned.lab.hosts():
        tuned.wait(host, CONNECTIONS, "1234")
    tuned.lab.power("h3", "off")
    offline = lambda: tuned.lab.listed_hosts()["h3"]["status"] == "Offline"  # noqa: E731
    wait_until("h3 is offline", offline, SECONDS)
    tuned.ok("add-setting", "net", CONNECTIONS, "2345")
    tuned.wait("h2", CONNECTIONS, "2345")
    tuned.wait_line("host h3", "the tuned profile net is not in force", "offline")
    tuned.lab.fail_over()
    wait_until("the next manager has it", lambda: "2345" in tuned.call("ls").out, SECONDS)
    tuned.lab.power("h3", "on")
    tuned.wait("h3", CONNECTIONS, "2345")
    tuned.wait_silent()


def test_a_manager_that_is_killed_forgets_nothing(tuned: Tuned) -> None:
    lab = tuned.lab
    kill = ("systemctl", "kill", "-s", "KILL", "--kill-whom=main", f"ceph-mgr@{lab.first}")
    for number in range(3):
        value = str(1000 + number)
        asked = lab.start(
            "orch", "tuned-profile", "apply", "net", "--settings", f"{CONNECTIONS}={value}"
        )
        kept = lambda value=value: value in tuned.call("ls").out  # noqa: E731
        wait_until("the profile is kept", kept, SECONDS)
        lab.ssh(lab.first, *kill)
        asked.communicate(timeout=SECONDS)
        for host in lab.hosts():
            tuned.wait(host, CONNECTIONS, value)
        # The job may have done it before systemd starts the manager again.
        wait_until("the manager is back", lambda: answers(lab), SECONDS)
        lab.sh(lab.first, f"systemctl reset-failed ceph-mgr@{lab.first} || true")
    tuned.ok("rm", "net")


def test_what_somebody_has_set_by_hand_is_set_again(tuned: Tuned) -> None:
    tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2")
    tuned.wait("h2", CONNECTIONS, "1234")
    tuned.set("h2", CONNECTIONS, "77")
    tuned.lab.ok("orch", "device", "ls", "--refresh")
    tuned.wait("h2", CONNECTIONS, "1234")


def test_a_file_of_somebody_else_that_is_read_later_is_named(tuned: Tuned) -> None:
    tuned.lab.sh("h2", f"echo '{CONNECTIONS} = 99' > /etc/sysctl.d/zz-site.conf")
    try:
        tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2")
        tuned.wait("h2", CONNECTIONS, "1234")
        tuned.wait_line("host h2", "/etc/sysctl.d/zz-site.conf", f"{CONNECTIONS} = 99")
    finally:
        tuned.lab.sh("h2", "rm /etc/sysctl.d/zz-site.conf")
    # What was there before comes back: that file was never in force.
    tuned.lab.ok("orch", "device", "ls", "--refresh")
    tuned.wait_silent()


def test_a_drained_host_is_left_alone_and_a_removed_one_keeps_nothing(tuned: Tuned) -> None:
    lab, before = tuned.lab, tuned.values("h3")
    tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2 h3")
    tuned.wait("h3", CONNECTIONS, "1234")
    label(tuned, "h3", "add", "_no_schedule")
    said = tuned.ok("add-setting", "net", CONNECTIONS, "2345")
    assert "host h3 is left as it is: the host is drained" in said
    tuned.wait("h2", CONNECTIONS, "2345")
    assert tuned.value("h3", CONNECTIONS) == "1234"
    tuned.wait_line("host h3", "drained", "_no_schedule")
    lab.ok("orch", "host", "rm", "h3", "--force")
    tuned.wait("h3", CONNECTIONS, before[CONNECTIONS])
    tuned.wait_files("h3")
    # Where the lab has OSDs they go on, and start from what stands in `osd`.
    left = f"ls -A {MEMORY.rpartition('/')[0]} 2>/dev/null | grep -vx osd || true"
    wait_until("nothing of ours is left", lambda: lab.sh("h3", left) == "", SECONDS)
    lab.ok("orch", "host", "add", "h3", lab.machines["h3"].addr)
    tuned.wait("h3", CONNECTIONS, "2345")


def test_the_job_by_hand_changes_nothing_more(tuned: Tuned) -> None:
    tuned.ok("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2")
    tuned.wait("h2", CONNECTIONS, "1234")
    lab = tuned.lab
    jobs = [job for job in lab.jobs() if job["operation"] == "apply_tuned_profiles"]
    lab.wait_for_job(jobs[-1]["id"])
    shown = re.search(r"^By hand   (.*)$", lab.ok("ansible", "job", "show", jobs[-1]["id"]), re.M)
    assert shown
    for more in (" --check --diff", ""):
        recap = lab.sh(lab.first, shown[1] + more)
        assert re.search(r"h2\s+: ok=\d+\s+changed=0\s+unreachable=0\s+failed=0", recap), recap
    tuned.set("h2", CONNECTIONS, "5")
    assert "changed=1" in lab.sh(lab.first, shown[1] + " --check")
    assert tuned.value("h2", CONNECTIONS) == "5"
    assert "changed=1" in lab.sh(lab.first, shown[1])
    assert tuned.value("h2", CONNECTIONS) == "1234"
