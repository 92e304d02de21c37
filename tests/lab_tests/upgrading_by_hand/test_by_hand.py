"""A cluster is upgraded by the playbook while a client writes; no manager has a part in it.

The tests go from one version to the next, and begin with the one that they find.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.lab_tests.lab_client import CONTENT, STATE, Answer, Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.test_playbooks import recap
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, NOW, Upgrades
from tests.lab_tests.upgrading.upgrading_lab import (
    HOSTS,
    LATEST,
    assert_nothing_left,
    newer,
    versions,
    wait_versions,
)

KEY = "ceph-orch-ansible/upgrade_by_hand"
RUNS = f"{KEY}_run."
INVENTORY = "/root/upgrade-by-hand.ini"
OLDER = "20.2.3"
SECONDS = 2400.0


def command(lab: Lab, version: str, *words: str) -> list[str]:
    """Return what runs the playbook on the first host, with an inventory of its own."""
    lines = [f"{name} ansible_host={machine.addr}" for name, machine in lab.machines.items()]
    lab.sh(lab.first, f"cat > {INVENTORY}", stdin="\n".join(lines) + "\n")
    argv = [
        # The manager's own connections end with it.
        *("env", f"ANSIBLE_SSH_ARGS=-F {STATE}/ssh_config -o ControlPath=none"),
        *("ansible-playbook", "-i", INVENTORY, "playbooks/upgrade_start.yml"),
        *("-e", f"host_upgrade_version={version}", *words),
    ]
    return ["sh", "-c", f"cd {CONTENT} && {shlex.join(argv)}"]


@contextlib.contextmanager
def begun(lab: Lab, version: str) -> Iterator[subprocess.Popen[bytes]]:
    """Begin with the playbook; whatever fails, no process of it stays."""
    process = subprocess.Popen(
        lab.argv(lab.first, *command(lab, version)), stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        pids = [str(pid) for row in runs(lab).values() for pid, _ in row["at_work"]]
        lab.ssh(lab.first, "kill", "-KILL", *pids)
        process.kill()
        process.wait()


def play(lab: Lab, version: str, *words: str) -> Answer:
    """Run the playbook to its end."""
    return lab.ssh(lab.first, *command(lab, version, *words), seconds=SECONDS)


def runs(lab: Lab) -> dict[str, Any]:
    """Return the runs that say that they are at work."""
    found = json.loads(lab.ok("config-key", "dump", RUNS))
    return {key: json.loads(text) for key, text in found.items()}


def offered(lab: Lab, upgrades: Upgrades) -> str:
    """Offer hosts the next version, and have them read their lists."""
    version = newer(lab)
    upgrades.offer(version)
    for host in HOSTS:
        lab.sh(host, "apt-get -q update >/dev/null")
    upgrades.check(version)
    return version


def test_what_forbids_it_is_said_and_nothing_is_changed(ground: Ground, upgrades: Upgrades) -> None:
    lab, ran = ground.lab, versions(ground.lab)
    version = offered(lab, upgrades)
    older = play(lab, OLDER)
    assert older.rc != 0
    assert f"in version {OLDER}" in older.out
    alone = play(lab, version, "-l", "h3")
    assert alone.rc != 0
    assert "come first" in alone.out
    assert versions(lab) == ran
    assert_nothing_left(lab)
    assert runs(lab) == {}


def test_one_run_at_a_time_and_one_that_was_killed_is_gone_on_with(
    ground: Ground, upgrades: Upgrades
) -> None:
    lab = ground.lab
    lab.ok("orch", "apply", "crash")
    ground.services.wait_runs("crash", len(HOSTS), SECONDS)
    version = offered(lab, upgrades)
    before = ground.snapshot()
    lab.ok("orch", "pause")
    with ground.writing("h3"), begun(lab, version) as first:
        (row,) = wait_until("it says that it is at work", lambda: [*runs(lab).values()], SECONDS)
        second = play(lab, version)
        assert second.rc != 0
        assert f"is at work: root on h1 (process {row['pid']}) since " in second.out
        assert "changed=0" in second.out
        said = upgrades.refused("start", "--ceph-version", version)
        assert f"is at work, by root on h1 (process {row['pid']}) since " in said
        # Crash collectors that are to be restarted, or noout for a host's OSDs.
        wait_until("there is something to put back", lambda: KEY in store(lab), SECONDS)
        (row,) = runs(lab).values()
        lab.sh("h1", f"kill -KILL {row['pid']}")
        assert first.wait(SECONDS) != 0
        # What is left of it ends its step; until then nobody else begins.
        ended = "; ".join(f"! test -e /proc/{pid}" for pid, _ in row["at_work"])
        wait_until("nothing is at work", lambda: lab.ssh("h1", "sh", "-ec", ended).rc == 0, SECONDS)
        assert recap(play(lab, version), *HOSTS) >= len(HOSTS)
    lab.ok("orch", "resume")
    wait_versions(lab, version)
    assert_nothing_left(lab)
    ground.assert_as_before(before)
    assert runs(lab) == {}
    assert KEY not in store(lab)
    for host in HOSTS:
        assert_followed(lab, host)


def store(lab: Lab) -> set[str]:
    """Return the names of what is in the monitors' store."""
    return {*lab.ceph_json("config-key", "ls")}


def assert_followed(lab: Lab, host: str) -> None:
    """Fail where the crash collector of a host is older than its program."""
    script = (
        "systemctl is-active --quiet ceph-crash || exit 0; "
        'since=$(date -d "$(systemctl show -P ActiveEnterTimestamp ceph-crash)" +%s); '
        "test $since -ge $(stat -c %Z /usr/bin/ceph-crash)"
    )
    answer = lab.ssh(host, "sh", "-euc", script)
    assert answer.rc == 0, answer


def test_a_playbook_upgrades_the_cluster_under_a_client(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    version = offered(lab, upgrades)
    before, ran = ground.snapshot(), versions(lab)
    # What a run that was cut off has left is put back by the next one.
    lab.ok("orch", "pause")
    lab.ok("osd", "set-group", "noout", "h3")
    nodes = {node["name"]: node["id"] for node in lab.ceph_json("osd", "tree")["nodes"]}
    lab.ok("config-key", "set", KEY, json.dumps({"nodes": {"h3": nodes["h3"]}, "systems": []}))

    assert recap(play(lab, version, "--check"), *HOSTS) >= len(HOSTS)
    assert versions(lab) == ran
    assert lab.ceph_json("osd", "dump")["crush_node_flags"] == {"h3": ["noout"]}

    with ground.writing("h3"):
        assert recap(play(lab, version), *HOSTS) >= len(HOSTS)
    wait_versions(lab, version)
    assert_nothing_left(lab)
    assert lab.ceph("config-key", "exists", KEY).rc != 0
    ground.assert_as_before(before)
    ground.wait_well()

    assert recap(play(lab, version), *HOSTS) == 0
    lab.ok("orch", "resume")


def test_packages_and_daemons_go_back_within_the_release(
    ground: Ground, upgrades: Upgrades
) -> None:
    lab = ground.lab
    (now,) = versions(lab)
    order = [NOW, NEXT, AFTER, LATEST]
    older = order[order.index(now) - 1]
    upgrades.offer(older if older != NOW else now)
    for host in HOSTS:
        lab.sh(host, "apt-get -q update >/dev/null")
    before = ground.snapshot()
    lab.ok("orch", "pause")
    refused = play(lab, older)
    assert refused.rc != 0
    assert f"newer than {older}; " in refused.out
    assert versions(lab) == {now}
    back = ("-e", "daemon_upgrade_older=true")
    assert recap(play(lab, older, *back, "--check"), *HOSTS) >= len(HOSTS)
    assert versions(lab) == {now}
    with ground.writing("h3"):
        assert recap(play(lab, older, *back), *HOSTS) >= len(HOSTS)
    wait_versions(lab, older)
    assert_nothing_left(lab)
    ground.assert_as_before(before)
    ground.wait_well()
    assert recap(play(lab, older, *back), *HOSTS) == 0
    lab.ok("orch", "resume")
