"""Bad input: one line that names the field, the value and the remedy; nothing is changed."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import STATE, Answer, Lab, wait_until

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "bad_input.yml").read_text()
)
SPARE = "h3"
# One process instead of four `ceph`: it is run before and after every case. What other mgr
# modules keep is theirs and changes by itself (mgr/progress writes whenever it likes); of our
# own values the digest is compared, so that a failed test prints no private key.
STATE_PROGRAM = """
import hashlib, json, rados
def ours(name):
    # When a manager was last there, and which jobs have not ended: of others, too.
    if name in ("mgr/ansible/state.present", "mgr/ansible/state.turns"):
        return False
    return name.startswith("mgr/ansible/") or not name.startswith("mgr/")
def shape(answer):
    if isinstance(answer, dict):
        kept = {name: text for name, text in answer.items() if ours(name)}
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in kept.items()}
    return [item for item in answer if not isinstance(item, str) or ours(item)]
with rados.Rados(conffile="/etc/ceph/ceph.conf") as cluster:
    for ask, words in (
        (cluster.mgr_command, {"prefix": "orch host ls"}),
        (cluster.mon_command, {"prefix": "config-key ls"}),
        (cluster.mon_command, {"prefix": "config-key dump", "key": "mgr/ansible/"}),
        (cluster.mon_command, {"prefix": "config dump"}),
    ):
        status, answer, error = ask(json.dumps({**words, "format": "json"}), b"")
        assert status == 0, error
        print(json.dumps(shape(json.loads(answer))))
"""
PWNED = "/run/pwned"
GENERATE = "rm -f /run/other-key*; ssh-keygen -q -t ed25519 -N '' -f /run/other-key"
OTHER_KEY = f"{GENERATE}; cat /run/other-key; rm -f /run/other-key*"


@pytest.fixture(scope="module")
def values(lab: Lab) -> dict[str, str]:
    """Return what the placeholders in the cases stand for."""
    machines = lab.machines
    network = machines[lab.first].addr.rpartition(".")[0]
    return {
        **{f"<{name}>": machine.addr for name, machine in machines.items()},
        "<free>": f"{network}.231",
        "<254>": "a" * 254,
    }


def filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def state(lab: Lab) -> str:
    """Return the hosts as they are listed, and everything that is kept or set."""
    return lab.sh(lab.first, 'exec python3 -c "$1"', STATE_PROGRAM)


def assert_refused(answer: Answer, says: list[str]) -> str:
    """Return the one line with which something was refused."""
    assert answer.rc != 0, f"it was accepted: {answer.out}"
    assert "Traceback" not in answer.out + answer.err
    assert answer.out.strip() == ""
    lines = answer.err.strip().splitlines()
    assert len(lines) == 1, f"not one line: {answer.err}"
    missing = [words for words in says if words.lower() not in lines[0].lower()]
    assert not missing, f"{missing} missing in: {lines[0]}"
    print(lines[0])
    return lines[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"].replace(" ", "-"))
def test_bad_input_is_refused(ready: Lab, values: dict[str, str], case: dict[str, Any]) -> None:
    before = state(ready)
    command = [filled(word, values) for word in case["command"]]
    answer = ready.ceph(*command, stdin=case.get("stdin", ""), seconds=60)
    assert_refused(answer, [filled(words, values) for words in case["says"]])
    assert state(ready) == before


def test_nothing_was_run_as_code(ready: Lab) -> None:
    for host in ready.hosts():
        assert ready.ssh(host, "test", "-e", PWNED).rc == 1, host


def test_a_machine_under_another_name_or_twice(ready: Lab) -> None:
    other = ready.machines["h2"].addr.rpartition(".")[0] + ".213"
    ready.sh("h2", "ip addr add $1/24 dev host0", other)
    before = state(ready)
    try:
        assert_refused(
            ready.ceph("orch", "host", "add", "h9", other),
            ["host name", "'h9'", other, "calls itself 'h2'", "Add it as 'h2'"],
        )
        assert_refused(
            ready.ceph("orch", "host", "add", "h2.example.org", other),
            ["'h2'", "same machine", "h2.example.org", other, "systemd-machine-id-setup"],
        )
        assert_refused(
            ready.ceph("orch", "host", "set-addr", SPARE, other),
            [SPARE, other, "calls itself 'h2'"],
        )
        assert state(ready) == before
    finally:
        ready.sh("h2", "ip addr del $1/24 dev host0", other)


def test_a_wrong_key(cluster: Lab) -> None:
    addr = cluster.machines[SPARE].addr
    good = cluster.ok("config-key", "get", "mgr/ansible/ssh_identity_key")
    cluster.ok("orch", "host", "rm", SPARE)
    try:
        wrong = cluster.sh(cluster.first, OTHER_KEY)
        cluster.ok("ansible", "set-priv-key", "-i", "-", stdin=wrong)
        before, hosts = state(cluster), sorted(cluster.listed_hosts())
        assert_refused(
            cluster.ceph("orch", "host", "add", SPARE, addr),
            [SPARE, addr, f"permission denied for user '{cluster.user}'", "authorized_keys"],
        )
        # Without the first line: hosts that the key does not open come to be offline meanwhile.
        assert state(cluster).splitlines()[1:] == before.splitlines()[1:]
        assert sorted(cluster.listed_hosts()) == hosts
        assert_refused(
            cluster.ceph("ansible", "check-host", "h2"),
            ["'h2'", "permission denied", "authorized_keys"],
        )
        wait_until(
            "the hosts are shown offline",
            lambda: cluster.listed_hosts()["h2"]["status"] == "Offline",
            cluster.patience(30),
        )
    finally:
        cluster.ok("ansible", "set-priv-key", "-i", "-", stdin=good)
    wait_until(
        "the hosts are back with the right key",
        lambda: cluster.listed_hosts()["h2"]["status"] == "",
        cluster.patience(30),
    )
    cluster.ok("orch", "host", "add", SPARE, addr)


def test_a_changed_host_key(cluster: Lab) -> None:
    addr = cluster.machines[SPARE].addr
    keys = "/etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub"
    save = f"mkdir -p /root/host-keys; mv {keys} /root/host-keys; ssh-keygen -q -A"
    restore = f"rm -f {keys}; mv /root/host-keys/* /etc/ssh/; rmdir /root/host-keys"
    says = [SPARE, addr, "host key", "pinned", f"set-addr {SPARE} {addr}"]
    before = state(cluster)
    cluster.inside(SPARE, f"{save}; systemctl restart ssh")
    try:
        disconnect(cluster, SPARE)
        assert_refused(cluster.ceph("ansible", "check-host", SPARE), says)
        wait_until(
            "the host is shown offline",
            lambda: cluster.listed_hosts()[SPARE]["status"] == "Offline",
            cluster.patience(30),
        )
        (line,) = wait_until(
            "the health says so", lambda: cluster.health_lines("ANSIBLE_HOST_OFFLINE"), 10
        )
        assert "host key" in line
        assert_refused(cluster.ceph("orch", "host", "rescan", SPARE), [SPARE, "host key"])
        assert_refused(cluster.ceph("orch", "host", "rm", SPARE), [SPARE, "host key", "--offline"])
        assert state(cluster).splitlines()[1:] == before.splitlines()[1:]
        cluster.ok("orch", "host", "set-addr", SPARE, addr)
        cluster.ok("ansible", "check-host", SPARE)
    finally:
        cluster.inside(SPARE, f"{restore}; systemctl restart ssh")
        cluster.ok("orch", "host", "set-addr", SPARE, addr)
    wait_until("the host is back", lambda: cluster.listed_hosts()[SPARE]["status"] == "", 30)
    assert state(cluster) == before


def test_an_address_that_accepts_and_hangs(ready: Lab) -> None:
    gateway = ready.machines[ready.first].addr.rpartition(".")[0] + ".1"
    before = state(ready)
    with silent_listener(gateway):
        assert_refused(
            ready.ceph("orch", "host", "add", "h9", gateway, seconds=60),
            ["'h9", gateway, "accepts connections", "does not speak ssh", "hung"],
        )
        assert_refused(
            ready.ceph("orch", "host", "set-addr", "h2", gateway, seconds=60),
            ["'h2", gateway, "does not speak ssh"],
        )
    assert state(ready) == before


def test_a_host_whose_sshd_hangs(cluster: Lab) -> None:
    addr = cluster.machines[SPARE].addr
    sshd = "$(systemctl show -P MainPID ssh)"
    cluster.inside(SPARE, f"kill -STOP {sshd}")
    try:
        disconnect(cluster, SPARE)
        assert_refused(
            cluster.ceph("ansible", "check-host", SPARE),
            [SPARE, addr, "does not speak ssh", "hung"],
        )
        wait_until(
            "the host is shown offline",
            lambda: cluster.listed_hosts()[SPARE]["status"] == "Offline",
            cluster.patience(30),
        )
        assert cluster.ok("orch", "status").splitlines()[1] == "Available: Yes"
    finally:
        cluster.inside(SPARE, f"kill -CONT {sshd}")
    wait_until(
        "the host is back",
        lambda: cluster.listed_hosts()[SPARE]["status"] == "",
        cluster.patience(30),
    )


def disconnect(lab: Lab, host: str) -> None:
    """End the manager's open connection to a host, as any hiccup of the network would."""
    ssh = f"ssh -F {STATE}/ssh_config -O exit -p 22 -l {lab.user} -- {lab.machines[host].addr}"
    lab.ssh(lab.first, "runuser", "-u", "ceph", "--", "sh", "-c", ssh)


@contextlib.contextmanager
def silent_listener(addr: str) -> Iterator[None]:
    """Accept connections at port 22 of an address of this machine, and say nothing."""
    held: list[socket.socket] = []
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((addr, 22))
        except OSError as error:
            pytest.skip(f"port 22 of {addr} cannot be listened on: {error}")
        listener.listen()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()
