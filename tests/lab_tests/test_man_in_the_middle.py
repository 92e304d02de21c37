"""Another machine answers under a host's address: it gets nothing, and everybody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lab_tests.lab_client import STATE, Lab, wait_until

HOST = "h2"
UNIT, PLACE = "lab-other-sshd", "/run/lab-other-sshd"
CONFIG = f"""
Port 22
HostKey {PLACE}/key
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
UseDNS no
MaxStartups 200
PerSourcePenalties no
LogLevel DEBUG2
"""
# The other sshd has its own key and sees everything; who knows the old one is cut off.
OTHER = f"""
mkdir -p {PLACE}; rm -f {PLACE}/*
ssh-keygen -q -t $KIND -N '' -f {PLACE}/key
cat >{PLACE}/config <<'END'{CONFIG}END
systemctl stop ssh.service
for pid in $(pgrep -x sshd-session; pgrep -x sshd); do kill $pid || true; done
mkdir -p /run/sshd
systemd-run -q --collect --unit={UNIT} $(command -v sshd) -D -E {PLACE}/log -f {PLACE}/config
"""
BACK = f"""
systemctl stop {UNIT}.service 2>/dev/null || true
for pid in $(pgrep -x sshd-session; pgrep -x sshd); do kill $pid || true; done
systemctl start ssh.service
"""
REACHED = "Connection from "
# What sshd writes when somebody tries to log in, with whatever.
LOGIN = ("userauth-request", "Accepted ", "Postponed ", "Failed ")


class Impostor:
    """The sshd with another host key in the place of the host's own."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.addr = lab, lab.machines[HOST].addr

    def answer(self, kind: str) -> None:
        """Answer instead of the host, with a key of that kind."""
        self.lab.inside(HOST, f"KIND={kind}\n{OTHER}")
        forget_connections(self.lab)

    def leave(self) -> None:
        """Let the host answer for itself again."""
        self.lab.inside(HOST, BACK)
        forget_connections(self.lab)

    def log(self) -> str:
        """Return what its sshd wrote."""
        return self.lab.inside(HOST, f"cat {PLACE}/log")


def forget_connections(lab: Lab) -> None:
    """End what the manager's machine has open to the host, as a cable in other hands does."""
    script = f"runuser -u ceph -- ssh -F {STATE}/ssh_config -O exit $1 2>/dev/null || true"
    lab.sh(lab.first, script, HOST)


@pytest.fixture
def impostor(cluster: Lab) -> Iterator[Impostor]:
    """Return the other sshd; in the end the host is itself again, and known so."""
    found = Impostor(cluster)
    yield found
    found.leave()
    answer = cluster.ceph("ansible", "check-host", HOST)
    if answer.rc:
        cluster.ok("orch", "host", "set-addr", HOST, found.addr)


def verbs(lab: Lab, addr: str) -> dict[str, tuple[str, ...]]:
    """Return commands that would have to reach the host, by what they are."""
    disk = lab.machines[HOST].disks[0]
    return {
        "check": ("ansible", "check-host", HOST),
        "light": ("ansible", "device", "light", HOST, disk, "ident", "on"),
        "zap": ("orch", "device", "zap", HOST, disk, "--force"),
        "OSD": ("orch", "daemon", "add", "osd", f"{HOST}:{disk}"),
        "rescan": ("orch", "host", "rescan", HOST),
        "removal": ("orch", "host", "rm", HOST),
        "another address": ("orch", "host", "set-addr", HOST, addr),
    }


@pytest.mark.fault(
    "Hosts of a lab with real Ceph", "another machine answers at a host's address", full=2
)
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_machine_gets_nothing(
    cluster: Lab, impostor: Impostor, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """Seen to fail with ``StrictHostKeyChecking no``: the manager logs in there."""
    changed = f"the ssh host key of {impostor.addr} is not the one that was pinned"
    accept = f"`ceph orch host set-addr {HOST} {impostor.addr}`"
    impostor.answer(kind)
    known = {job["id"] for job in cluster.jobs()}
    # The manager has not noticed yet: this one is a job, or is refused already.
    early = cluster.ceph("orch", "device", "zap", HOST, cluster.machines[HOST].disks[0], "--force")
    print(early)

    def shown() -> bool:
        assert cluster.listed_hosts()[HOST]["status"] == "Offline"
        lines = [line for line in cluster.health_lines("ANSIBLE_HOST_OFFLINE") if HOST in line]
        assert any(changed in line and accept in line for line in lines), lines
        return True

    wait_until("the host is shown with what happened and what to do", shown, cluster.patience(60))
    other = impostor.addr.rpartition(".")[0] + ".212"
    for what, command in verbs(cluster, other).items():
        refused = cluster.ceph(*command)
        print(f"{what}: {refused.rc} {refused.err.strip()}")
        assert refused.rc != 0, f"{what}: {refused}"
        if what != "another address":
            assert changed in refused.err, what
    cluster.ok("orch", "device", "ls", "--refresh")
    for job in cluster.jobs():
        if job["id"] not in known and HOST in cluster.job(job["id"])["outcomes"]:
            outcome = cluster.wait_for_job(job["id"])["outcomes"][HOST]
            assert outcome["status"] == "unreachable", outcome
    log = impostor.log()
    assert REACHED in log, "nobody came to the other machine"
    tried = [line for line in log.splitlines() if any(word in line for word in LOGIN)]
    assert tried == [], "somebody tried to log in there"
    print(f"{log.count(REACHED)} connections, no login")
    record_property("outcome", "each verb is refused, no login is tried")


def test_a_changed_key_is_accepted_when_asked(cluster: Lab, impostor: Impostor) -> None:
    """Seen to fail where ``set-addr`` keeps the keys that it knows."""
    impostor.answer("ed25519")
    refused = cluster.ceph("ansible", "check-host", HOST)
    assert f"`ceph orch host set-addr {HOST} {impostor.addr}`" in refused.err, refused
    cluster.ok("orch", "host", "set-addr", HOST, impostor.addr)
    cluster.ok("ansible", "check-host", HOST)
    assert "Accepted publickey for root" in impostor.log()
    wait_until("the host is online", lambda: not cluster.listed_hosts()[HOST]["status"], 60)
    cluster.ok("orch", "host", "label", "add", HOST, "accepted")

    def told() -> bool:
        # One that a newer one makes needless is dropped while it is queued.
        jobs = [job for job in cluster.jobs() if job["operation"] == "add_host_label"]
        return bool(jobs[-1]["status"] == "succeeded")

    wait_until("the host is told of its label", told, 60)
    impostor.leave()
    refused = cluster.ceph("ansible", "check-host", HOST)
    assert "is not the one that was pinned" in refused.err, "the old key is still accepted"
