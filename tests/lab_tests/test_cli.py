"""``orch-ansible`` without a manager: hosts in a directory, and this machine without any."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import CONTENT, RECORD, ROOT, Answer, Lab, run, wait_until
from tests.lab_tests.test_devices import ENCLOSURE, MAKE_ENCLOSURE
from tests.lab_tests.test_playbooks import THROUGH_INVOKER, recap

HOSTS = ("h2", "h3")
SLOT = f"{ENCLOSURE}/class/enclosure/0:0:8:0/Slot01"
Standalone = Callable[..., Answer]
KEEP = "cp -p $1/.ssh/authorized_keys $1/.ssh/kept; cat >>$1/.ssh/authorized_keys"
PUT_BACK = "mv $1/.ssh/kept $1/.ssh/authorized_keys"


def command(directory: Path) -> Standalone:
    """Return what runs ``orch-ansible`` from this checkout on a directory."""
    argv = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "adapter.cli", "--dir"]
    return lambda *words: run([*argv, str(directory), *words])


@pytest.fixture(scope="module")
def standalone(ready: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """Return the command on a directory with a key that the hosts accept; no mgr manages them."""
    directory = tmp_path_factory.mktemp("standalone")
    orch = command(directory)
    configure(directory, ready)
    for host in HOSTS:
        ready.ok("orch", "host", "rm", host)
        wait_until("its record is gone", lambda: ready.ssh(host, "test", "-e", RECORD).rc == 1, 60)  # noqa: B023
    public = orch("key", "generate").out
    assert public.startswith("ssh-ed25519 ")
    assert orch("key", "public").out == public
    for host in HOSTS:
        ready.sh(host, KEEP, ready.home, stdin=public)
    try:
        yield orch
    finally:
        for host in HOSTS:
            orch("host", "rm", host, "--force")
            ready.sh(host, PUT_BACK, ready.home)
        settle(ready)


def configure(directory: Path, lab: Lab, *lines: str) -> None:
    """Write the settings of the command, with the user of a lab that is worked on by another."""
    user = [f"ssh_user: {lab.user}", "sudo_invoker: true"] if lab.locked else []
    (directory / "config.yml").write_text("".join(f"{line}\n" for line in [*user, *lines]))


def ok(answer: Answer) -> str:
    assert answer.rc == 0, answer.err
    return answer.out


def test_without_hosts_it_shows_this_machine(tmp_path: Path) -> None:
    answer = command(tmp_path / "none")("device", "ls")
    assert "HOST  PATH" in ok(answer)
    assert "showing this machine" in answer.err
    (row,) = json.loads(ok(command(tmp_path / "none")("device", "ls", "-f", "json")))
    assert row["name"] == os.uname().nodename.split(".")[0]


def test_without_hosts_it_needs_no_root(lab: Lab) -> None:
    """A user without any rights, on a machine that has what the packages bring."""
    home = "/run/lab-tests-nobody"
    orch = f"PYTHONPATH={CONTENT} python3 -m adapter.cli device ls -f json"
    inner = f"cd / && env -i HOME={home} PATH=$PATH {orch}"
    script = f"install -d -o nobody {home}; runuser -u nobody -- sh -c {shlex.quote(inner)}"
    try:
        (row,) = json.loads(lab.sh(lab.first, script))
    finally:
        lab.sh(lab.first, f"rm -rf {home}")
    assert row["name"] == lab.first
    assert sorted(each["path"] for each in row["devices"]) == sorted(lab.machines[lab.first].disks)


def test_add_list_label_and_check(ready: Lab, standalone: Standalone) -> None:
    for host in HOSTS:
        addr = ready.machines[host].addr
        dry = standalone("host", "add", host, addr, "--check")
        assert f"+hostname: {host}" in ok(dry)
        assert ready.ssh(host, "test", "-e", RECORD).rc == 1, "--check changed the host"
        assert f"Added host '{host}'" in ok(standalone("host", "add", host, addr, "--labels", "a"))
        assert json.loads(ready.sh(host, f"cat {RECORD}"))["labels"] == ["a"]
    ok(standalone("host", "label", "add", "h3", "b"))
    assert json.loads(ok(standalone("host", "ls", "-f", "json"))) == [
        {"addr": ready.machines["h2"].addr, "hostname": "h2", "labels": ["a"], "status": ""},
        {"addr": ready.machines["h3"].addr, "hostname": "h3", "labels": ["a", "b"], "status": ""},
    ]
    assert ok(standalone("host", "check")).splitlines() == ["h2: ok", "h3: ok"]


def added(standalone: Standalone, lab: Lab) -> None:
    """Have the hosts in the directory, whichever test runs first."""
    there = {row["hostname"] for row in json.loads(ok(standalone("host", "ls", "-f", "json")))}
    for host in set(HOSTS) - there:
        ok(standalone("host", "add", host, lab.machines[host].addr))


def test_devices_are_those_of_the_hosts(ready: Lab, standalone: Standalone) -> None:
    added(standalone, ready)
    rows = json.loads(ok(standalone("device", "ls", "-f", "json")))
    assert {row["name"]: sorted(each["path"] for each in row["devices"]) for row in rows} == {
        host: sorted(ready.machines[host].disks) for host in HOSTS
    }
    plain = ok(standalone("device", "ls", "--cached"))
    assert plain.splitlines()[0].split()[:3] == ["HOST", "PATH", "TYPE"]


def test_light(ready: Lab, standalone: Standalone) -> None:
    added(standalone, ready)
    disk = ready.machines["h2"].disks[0]
    refused = standalone("device", "light", "h2", disk, "ident", "on")
    assert refused.rc == 1
    assert "enclosure" in refused.err
    assert "Traceback" not in refused.err
    ready.sh("h2", MAKE_ENCLOSURE, disk.rpartition("/")[2])
    directory = directory_of(standalone)
    configure(directory, ready, f"light_sysfs_root: {ENCLOSURE}")
    try:
        ok(standalone("device", "light", "h2", disk, "ident", "on", "--check"))
        assert ready.sh("h2", f"cat {SLOT}/locate").strip() == "0", "--check switched it"
        for state, value in (("on", "1"), ("off", "0")):
            assert f"is {state}" in ok(standalone("device", "light", "h2", disk, "ident", state))
            assert ready.sh("h2", f"cat {SLOT}/locate").strip() == value
    finally:
        configure(directory, ready)


def test_the_line_by_hand_does_the_same(ready: Lab, standalone: Standalone) -> None:
    """Each operation that runs without a manager: pasted twice it changes nothing."""
    added(standalone, ready)
    disk = ready.machines["h2"].disks[0]
    light = "/usr/bin/touch /run/lit"
    ready.follow("light_command", light)
    configure(directory_of(standalone), ready, f"light_command: {light}")
    done = []
    try:
        for words in (
            ("host", "label", "add", "h2", "hand"),
            ("host", "label", "rm", "h2", "hand"),
            ("host", "set-addr", "h2", ready.machines["h2"].addr),
            ("host", "rescan", "h2"),
            ("host", "check", "h2"),
            ("host", "facts", "h2"),
            ("device", "ls", "h2"),
            ("device", "light", "h2", disk, "ident", "on"),
            ("ps", "h2"),
            ("host", "label", "add", "h2", "never", "--check"),
        ):
            ok(standalone(*words))
            job = json.loads(ok(standalone("job", "ls", "--all", "-f", "json")))[-1]
            done.append(job["operation"])
            shown = ok(standalone("job", "show", job["id"]))
            (line,) = re.findall("^By hand   (.*)$", shown, re.M)
            for more in (" --check --diff", "", ""):
                answer = run(
                    ["env", "-i", f"PATH={os.defpath}", "HOME=/root", "sh"], stdin=line + more
                )
                changed = recap(answer, "h2")
                # A dry run once more is a dry run: it says again what would be changed.
                assert changed == ("--check" in words), f"{line}{more}: {answer.out}"
    finally:
        configure(directory_of(standalone), ready)
    record = json.loads(ready.sh("h2", f"cat {RECORD}"))
    assert not {"hand", "never"} & set(record["labels"])
    assert len(set(done)) == 9, done


def directory_of(standalone: Standalone) -> Path:
    """Return the directory of the command, as its status says."""
    for line in ok(standalone("status")).splitlines():
        if line.startswith("Directory: "):
            return Path(line.partition(": ")[2])
    raise AssertionError("orch-ansible status does not name its directory")


def test_a_playbook_by_hand_sees_the_directorys_hosts(ready: Lab, standalone: Standalone) -> None:
    added(standalone, ready)
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = [
        f"ORCH_ANSIBLE_DIR={directory_of(standalone)}",
        f"ANSIBLE_CONFIG={ROOT / 'ansible.cfg'}",
    ]
    playbook = str(ROOT / "playbooks" / "get_inventory.yml")
    user = ["-u", ready.user, "-e", json.dumps(THROUGH_INVOKER)] if ready.locked else []
    answer = run(["env", *environment, str(program), playbook, *user])
    lines = [line.split() for line in ok(answer).partition("PLAY RECAP")[2].splitlines()[1:]]
    assert [(words[0], words[3]) for words in lines if words] == [
        (host, "changed=0") for host in HOSTS
    ]


def test_a_host_that_a_cluster_manages_is_refused(ready: Lab, standalone: Standalone) -> None:
    """Two orchestrators must not take a host from each other without being told to."""
    first, fsid = ready.first, ready.ok("fsid").strip()
    before = ready.sh(first, f"cat {RECORD}")
    public = ok(standalone("key", "public"))
    ready.sh(first, KEEP, ready.home, stdin=public)
    try:
        answer = standalone("host", "add", first, ready.machines[first].addr)
    finally:
        ready.sh(first, PUT_BACK, ready.home)
    assert answer.rc != 0
    assert fsid in answer.err
    assert "Added" not in answer.out
    assert first not in ok(standalone("host", "ls"))
    assert ready.sh(first, f"cat {RECORD}") == before


def test_bad_input_is_one_line(standalone: Standalone) -> None:
    for words, says in (
        (("host", "add", "a b", "192.0.2.9"), "'a b'"),
        (("host", "add", "--", "-oProxyCommand=x", "192.0.2.9"), "-oProxyCommand"),
        (("host", "add", "h9", "{{ 7 * 7 }}"), "{{ 7 * 7 }}"),
        (("host", "add", "h9", "no-such-host.invalid"), "cannot be resolved"),
        (("host", "label", "add", "nope", "x"), "'nope'"),
        (("device", "light", "nope", "/dev/sda", "ident", "on"), "'nope'"),
        (("job", "show", "../x"), "../x"),
        (("hosts",), "hosts"),
    ):
        answer = standalone(*words)
        assert answer.rc in (1, 2), words
        assert answer.out == ""
        assert len(answer.err.strip().splitlines()) == 1, answer.err
        assert says in answer.err
