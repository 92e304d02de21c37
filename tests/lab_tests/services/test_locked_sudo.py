"""The backend logs in as a user who may run the invoker as root, and nothing else."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Iterator

import pytest

from adapter import __version__
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.locked_user import (
    FILES,
    INVOKER,
    as_locked,
    commands_of_sudo,
    let_in,
    let_out,
    make_user,
)
from tests.lab_tests.services.every_verb import (
    LIGHT,
    OPERATIONS,
    actions,
    all_services,
    devices,
    hosts,
    no_job,
    profiles,
)
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.slow_light import PROGRAM, slow_light
from tests.lab_tests.sudo_user import USER
from tests.lab_tests.test_playbooks import by_hand, fingerprint, recap
from tests.unit.plugins.invoker.hostile import inputs

HOST, OTHER = "h2", "h3"
LIMITS = {
    "light_commands": [shlex.split(LIGHT), [PROGRAM, "28", "{dev}", "{state}"]],
    "clusters": [],
}
ALLOWED = {"host_invoker_user": USER, "host_invoker_limits": LIMITS}
# Each starts sudo and Python; a unit test has two thousand.
COUNT = 300
VOLUME = "ceph-volume@lvm-9-0b3d7f2a-64f5-4d6b-9c7e-0d6d0a3c1f55.service"
MORE = {"enter_host_maintenance", "exit_host_maintenance"}
# Each input by a process of its own, as sudo starts it.
ATTACK = f"""
import base64, collections, json, subprocess, sys
found = collections.Counter()
for line in sys.stdin:
    done = subprocess.run(
        ["sudo", "-n", "{INVOKER}"], input=base64.b64decode(line), capture_output=True
    )
    found[str(done.returncode)] += 1
print(json.dumps(found))
"""
SEE = """
find /etc /usr/local /var/lib/ceph /root /var/spool -xdev -type f -newer /run/attacked \
  ! -path /etc/ceph/ceph.conf ! -path '*/store.db/*' \
  ! -path '/var/lib/ceph/orch-ansible/*' ! -path '/var/lib/ceph/crash/*'
"""


@pytest.fixture(scope="module")
def locked(services: Services) -> Iterator[Services]:
    """Return the services of a lab whose hosts are worked on through the invoker."""
    let_in(services.lab, LIMITS)
    yield services
    let_out(services.lab)


def test_root_installs_it_once(services: Services) -> None:
    """Check mode predicts it and changes nothing; a second run changes nothing."""
    lab = services.lab
    make_user(lab)
    before = fingerprint(lab, HOST)
    assert recap(by_hand(lab, ("install_invoker",), "--check", **ALLOWED), *lab.hosts()) == 3
    assert fingerprint(lab, HOST) == before
    assert recap(by_hand(lab, ("install_invoker",), **ALLOWED), *lab.hosts()) == 3
    for words in ((), ("--check",)):
        assert recap(by_hand(lab, ("install_invoker",), *words, **ALLOWED), *lab.hosts()) == 0
    modes = lab.sh(HOST, 'stat -c "%a %U:%G %n" "$@"', *FILES)
    assert modes.split() == [
        *("700", "root:root", FILES[0]),
        *("440", "root:root", FILES[1]),
        *("644", "root:root", FILES[2]),
    ]
    rule = f'{USER} ALL=(root) NOPASSWD: {INVOKER} ""\n'
    assert lab.sh(HOST, 'cat "$1"', FILES[1]) == rule
    assert recap(by_hand(lab, ("remove_invoker",)), *lab.hosts()) == 3
    assert recap(by_hand(lab, ("remove_invoker",)), *lab.hosts()) == 0
    assert fingerprint(lab, HOST) == before


@pytest.mark.fault("ssh", "every verb, through the invoker", full=1)
def test_every_verb_works_through_the_invoker(
    locked: Services, record_property: Callable[[str, object], None]
) -> None:
    """sudo has run nothing else meanwhile."""
    lab = locked.lab
    since = {host: lab.sh(host, "date +%s").strip() for host in lab.hosts()}
    known = {job["id"] for job in lab.jobs()}
    hosts(lab)
    profiles(lab)
    devices(lab)
    with all_services(locked):
        actions(locked)
        maintenance(lab)
    found: dict[str, set[str]] = {}
    for job in lab.jobs():
        if job["id"] not in known:
            found.setdefault(job["operation"], set()).add(job["status"])
    wanted = OPERATIONS | MORE
    assert wanted - found.keys() == set(), "not every verb was tried"
    assert {name: all_ for name, all_ in found.items() if "succeeded" not in all_} == {}
    for host in lab.hosts():
        assert commands_of_sudo(lab, host, since[host]) == {INVOKER}
    record_property("outcome", f"{len(wanted)} operations succeeded")


def maintenance(lab: Lab) -> None:
    """Stop all daemons of a host, and put them back, with what starts OSDs on LVM among them."""
    lab.sh(OTHER, "systemctl enable -q $1", VOLUME)
    # It may have the only gateway.
    lab.ok_when_settled("orch", "host", "maintenance", "enter", OTHER, "--force")
    wait_until("it is in maintenance", lambda: status_of(lab) == "maintenance", SECONDS)
    lab.ok_when_settled("orch", "host", "maintenance", "exit", OTHER)
    wait_until("it is out of it", lambda: status_of(lab) == "" and no_job(lab), SECONDS)
    assert lab.sh(OTHER, "systemctl is-enabled $1", VOLUME).strip() == "enabled"
    lab.sh(OTHER, "systemctl disable -q $1", VOLUME)


def status_of(lab: Lab) -> str:
    return str(lab.listed_hosts()[OTHER]["status"]).lower()


def test_the_manager_says_which_invoker_answers(locked: Services) -> None:
    said = locked.lab.ok("ansible", "check-host", HOST)
    assert f"through its invoker {__version__}" in said


def test_a_host_is_found_for_adoption(locked: Services) -> None:
    """Seen to fail where it was asked for all of sudo."""
    lab = locked.lab
    lab.ok("orch", "host", "rm", OTHER, "--force")

    def proposed() -> str:
        answer = lab.ceph("ansible", "adopt")
        assert answer.rc == 0, answer.err
        return answer.out

    try:
        found = wait_until("all hosts have been read", proposed, SECONDS, every=2.0)
        assert f"hostname: {OTHER}" in found, found
    finally:
        lab.ok("orch", "host", "add", OTHER, lab.machines[OTHER].addr)
        wait_until("its devices are known", lambda: OTHER in lab.listed_devices(), SECONDS)


def test_what_is_written_for_review_is_what_hosts_have(locked: Services) -> None:
    lab = locked.lab
    try:
        said = lab.sh(lab.first, "orch-ansible invoker write /root/review")
        assert lab.sh(HOST, 'sha256sum <"$1"', INVOKER).split()[0] in said
        again = lab.ssh(lab.first, "orch-ansible", "invoker", "write", "/root/review")
        assert again.rc == 2
        assert "is there already" in again.err
    finally:
        lab.sh(lab.first, "rm -f /root/review")


@pytest.mark.parametrize(
    "command",
    [
        "sudo -n id",
        "sudo -n sh -c id",
        "sudo -n /bin/sh -c 'echo BECOME-SUCCESS-x ; id'",
        f"sudo -n {INVOKER} x",
        f"sudo -n {INVOKER} ''",
        f"sudo -n -E {INVOKER}",
        f"sudo -n -u ceph {INVOKER}",
        f"sudo -n PATH=/tmp {INVOKER}",
        "ln -sf /bin/sh /tmp/ceph-orch-invoker; sudo -n /tmp/ceph-orch-invoker -c id",
        f"cat {INVOKER}",
        INVOKER,
        "sudo -n visudo",
    ],
)
def test_sudo_runs_nothing_else(locked: Services, command: str) -> None:
    status, said = as_locked(locked.lab, HOST, f"{command} </dev/null")
    assert status not in (0, 64), said
    assert "uid=0" not in said


def test_what_is_not_allowed_runs_nothing(
    locked: Services, record_property: Callable[[str, object], None]
) -> None:
    """As the user, through sudo: noise, bad documents, values that are not allowed."""
    lab = locked.lab
    lines = "".join(base64.b64encode(data).decode() + "\n" for data in inputs(COUNT, seed=11))
    lab.sh(HOST, "touch /run/attacked; sleep 1")
    before = lab.sh(HOST, "systemctl list-units --all --plain --no-legend --type=service | wc -l")
    # The inputs name another version than that of this host, unless they are made for it.
    given = lines_for_version(lines)
    lab.sh(HOST, "cat >/tmp/attack.py", stdin=ATTACK)
    status, said = as_locked(lab, HOST, "python3 /tmp/attack.py", stdin=given)
    assert status == 0, said
    found = json.loads(said)
    assert sum(found.values()) == COUNT
    assert set(found) == {"1", "64", "65"}, found
    assert lab.sh(HOST, SEE).split() == []
    # The manager itself may write it meanwhile.
    assert "log" not in lab.sh(HOST, "cat /etc/ceph/ceph.conf")
    after = lab.sh(HOST, "systemctl list-units --all --plain --no-legend --type=service | wc -l")
    assert after == before
    record_property("outcome", f"{COUNT} inputs refused")


def lines_for_version(lines: str) -> str:
    """Return the inputs with the version of this checkout in place of the one that they name."""
    old, new = b'"version": "1.2.3"', f'"version": "{__version__}"'.encode()
    rows = [base64.b64decode(line).replace(old, new) for line in lines.splitlines()]
    return "".join(base64.b64encode(row).decode() + "\n" for row in rows)


@pytest.mark.fault("ssh", "cancel, through the invoker", full=2)
def test_what_is_cancelled_is_ended_by_the_invoker(locked: Services) -> None:
    lab = locked.lab
    with slow_light(lab, HOST, seconds=28) as job:
        assert job.works()
        lab.ok("ansible", "job", "cancel", job.job_id)
        assert job.wait_for_end(lab.patience(15)) == "cancelled"
        assert not job.works(), "root's process on the host goes on"


RENEW = f"""
import zipfile, io, os
path = "{INVOKER}"
data = open(path, "rb").read()
first, _, rest = data.partition(b"\\n")
new = io.BytesIO()
with zipfile.ZipFile(io.BytesIO(rest)) as old, zipfile.ZipFile(new, "w") as made:
    for name in old.namelist():
        text = old.read(name)
        if name == "__main__.py":
            text = text.replace(b'"version": "{__version__}"', b'"version": "0.0.1"')
        made.writestr(name, text)
with open(path, "wb") as stream:
    stream.write(first + b"\\n" + new.getvalue())
"""


def test_another_version_is_told_with_the_remedy(locked: Services) -> None:
    lab = locked.lab
    kept = f"cp -p {INVOKER} /root/kept-invoker"
    lab.sh(OTHER, kept)
    try:
        lab.ssh(OTHER, "python3", "-", stdin=RENEW)
        checked = lab.ceph("ansible", "check-host", OTHER)
        assert checked.rc != 0
        assert f"{INVOKER} on {lab.machines[OTHER].addr} is not of version" in checked.err
        assert "install_invoker.yml" in checked.err
        known = {job["id"] for job in lab.jobs()}
        lab.ok("orch", "host", "label", "add", OTHER, "other-version")
        (job,) = [
            row["id"]
            for row in lab.jobs()
            if row["id"] not in known and row["operation"] == "add_host_label"
        ]
        message = lab.wait_for_job(job)["message"]
        assert "The invoker of this host has the version 0.0.1" in message, message
        assert "run the playbook install_invoker.yml" in message, message
    finally:
        lab.sh(OTHER, f"cp -p /root/kept-invoker {INVOKER}; rm /root/kept-invoker")
    lab.ok("orch", "host", "label", "rm", OTHER, "other-version")
    wait_until("the host knows its labels", lambda: no_job(lab), SECONDS)


def test_a_command_that_root_has_not_allowed(locked: Services) -> None:
    lab = locked.lab
    path = lab.machines[HOST].disks[0]
    known = {job["id"] for job in lab.jobs()}
    with lab.option("light_command", "/usr/bin/touch /run/not-allowed"):
        lab.ceph("ansible", "device", "light", HOST, path, "ident", "on")
    (job,) = [
        row["id"]
        for row in lab.jobs()
        if row["id"] not in known and row["operation"] == "blink_device_light"
    ]
    assert "root has not allowed it" in lab.wait_for_job(job)["message"]
    assert lab.ssh(HOST, "test", "-e", "/run/not-allowed").rc == 1


def test_a_host_without_the_backend_gets_no_manager(locked: Services) -> None:
    lab = locked.lab
    manifest = "/usr/share/ceph/mgr/ansible"
    lab.sh(OTHER, "mv $1 $1.kept", manifest)
    try:
        answer = by_locked_hand(lab)
        assert "Run the playbook install.yml as root for this host" in answer, answer
    finally:
        lab.sh(OTHER, "mv $1.kept $1", manifest)


def by_locked_hand(lab: Lab) -> str:
    """Run the playbook for a manager by hand, as the user through the invoker."""
    answer = by_hand(
        lab,
        ("apply_mgr",),
        *("-l", OTHER, "-u", USER),
        ceph_orch_invoker=True,
        daemon_deploy_fsid=lab.ok("fsid").strip(),
        daemon_deploy_daemons={OTHER: [{"daemon_id": "x", "keyring_file": ""}]},
    )
    assert answer.rc != 0
    return answer.out
