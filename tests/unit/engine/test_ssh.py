"""Probes, host keys and connections, against an sshd of our own on loopback."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Tuple

import pytest

from adapter import __version__
from adapter.engine.model import Target
from adapter.engine.remote import why_unreachable
from adapter.engine.ssh import MemoryProber, ProbeResult, SshProber, labels_of
from adapter.engine.ssh_files import SshFiles
from adapter.engine.ssh_reasons import explain
from adapter.errors import InvalidValue
from tests.unit.engine.harness import OTHER_KEY, Sshd, until


def test_learning_a_host(prober: SshProber, files: SshFiles, sshd: Sshd) -> None:
    refused = prober.probe(sshd.target)
    assert not refused.ok
    assert refused.reason == "no ssh host key is pinned for 127.0.0.1"
    seen = prober.probe(sshd.target, learn_keys=True)
    assert seen.reason == ""
    assert seen.keys == (sshd.public_host_key,)
    assert seen.hostname == socket.gethostname()
    machine_id = Path("/etc/machine-id")
    assert seen.machine_id == (machine_id.read_text().strip() if machine_id.exists() else "")
    assert os.access(seen.python, os.X_OK)
    # What was learned is not accepted before it is pinned.
    assert not prober.probe(sshd.target).ok
    assert files.write([(sshd.target, seen.keys)]) == []
    assert prober.probe(sshd.target).ok


def test_a_new_address_is_asked_also_where_it_is_the_name_of_a_host(
    prober: SshProber, files: SshFiles, sshd: Sshd
) -> None:
    """In the configuration the name stands for the address that the host had until now."""
    known = replace(sshd.target, name="localhost", addr="127.0.0.2")
    files.write([(known, [sshd.public_host_key])])
    seen = prober.probe(replace(known, addr="localhost"), learn_keys=True)
    assert (seen.ok, seen.keys) == (True, (sshd.public_host_key,))


def test_probes_share_a_connection_until_it_is_closed(
    prober: SshProber, files: SshFiles, sshd: Sshd
) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    assert prober.probe(sshd.target).ok
    assert any(files.control_dir.iterdir())
    shared = list(files.control_dir.iterdir())
    assert prober.probe(sshd.target).ok
    assert list(files.control_dir.iterdir()) == shared
    prober.close(sshd.target)
    until(lambda: not any(files.control_dir.iterdir()), lambda: None)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_changed_host_key(prober: SshProber, files: SshFiles, sshd: Sshd, kind: str) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    sshd.stop()
    sshd.new_host_key(kind)
    sshd.start()
    seen = prober.probe(sshd.target)
    assert not seen.ok
    assert seen.reason == "the ssh host key of 127.0.0.1 is not the one that was pinned"
    assert "`ceph orch host set-addr h1 127.0.0.1`" in seen.remedy
    assert files.write([(sshd.target, [sshd.public_host_key])]) == [sshd.target]
    assert prober.probe(sshd.target).ok


@pytest.mark.parametrize(("user", "asked"), [("orch", True), ("orch", False), ("root", True)])
def test_a_user_without_sudo(
    state: Path, monkeypatch: pytest.MonkeyPatch, user: str, asked: bool
) -> None:
    """ssh and sudo are scripts here: the one runs its last word, the other refuses."""
    programs = {"ssh": 'for last; do :; done; exec /bin/sh -c "$last"', "sudo": "exit 1"}
    for name, text in programs.items():
        (state / name).write_text(f"#!/bin/sh\n{text}\n")
        (state / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{state}:/usr/bin:/bin")
    target = Target("h1", "10.0.0.1", user=user)
    seen = SshProber(SshFiles(state / "s")).probe(target, as_root=asked)
    assert seen.ok is (user == "root" or not asked)
    if not seen.ok:
        assert seen.reason == "user 'orch' may not become root with sudo on 10.0.0.1"
        assert "orch ALL=(ALL) NOPASSWD: ALL" in seen.remedy


@pytest.mark.parametrize(
    ("sudo", "says"),
    [
        ('cat >"$0.given"', ""),
        ("exit 1", "user 'orch' may not run /usr/local/libexec/ceph-orch-invoker with sudo"),
        ("exit 65", "/usr/local/libexec/ceph-orch-invoker on 10.0.0.1 is not of version"),
    ],
)
def test_a_host_with_the_invoker(
    state: Path, monkeypatch: pytest.MonkeyPatch, sudo: str, says: str
) -> None:
    programs = {"ssh": 'for last; do :; done; exec /bin/sh -c "$last"', "sudo": sudo}
    for name, text in programs.items():
        (state / name).write_text(f"#!/bin/sh\n{text}\n")
        (state / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{state}:/usr/bin:/bin")
    target = Target("h1", "10.0.0.1", user="orch", invoker=True)
    seen = SshProber(SshFiles(state / "s")).probe(target, as_root=True)
    assert seen.ok is (not says), seen
    if says:
        assert seen.reason.startswith(says)
        assert seen.remedy == "As root, run the playbook install_invoker.yml for it."
    else:
        given = json.loads((state / "sudo.given").read_text())
        assert given == {"verb": "version", "version": __version__}
        assert SshProber(SshFiles(state / "s")).probe(target).ok


def test_a_key_that_is_not_accepted(prober: SshProber, files: SshFiles, sshd: Sshd) -> None:
    pair = files.generate_key()
    files.identity_path = files.state_dir / "identity"
    files.set_identity(pair.private)
    files.rewrite()
    seen = prober.probe(sshd.target, learn_keys=True)
    assert not seen.ok
    assert seen.reason == (
        f"permission denied for user '{sshd.user}' with the key {files.identity_path}"
    )
    assert "authorized_keys" in seen.remedy
    # The host has shown its key although the login failed.
    assert seen.keys == (sshd.public_host_key,)


def test_hosts_that_do_not_answer(prober: SshProber) -> None:
    closed = prober.probe(Target("h1", "127.0.0.1", port=1), learn_keys=True)
    assert closed.reason == "connection refused at 127.0.0.1 port 1"
    unknown = prober.probe(Target("h1", "no-such-host.invalid"), timeout=20)
    assert unknown.reason == "the name no-such-host.invalid cannot be resolved"


def test_asking_ssh_why(files: SshFiles, sshd: Sshd) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    closed = Target("h2", "127.0.0.1", port=1)
    targets = (sshd.target, closed, Target("here", "127.0.0.1", connection="local"))
    assert why_unreachable(targets, str(files.config_path)) == {"h2": "Connection refused"}


def test_a_daemon_that_hangs(prober: SshProber) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = Target("h1", "127.0.0.1", port=silent.getsockname()[1])
        started = time.monotonic()
        seen = prober.probe(target, timeout=0.5)
        assert time.monotonic() - started < 5
        assert seen.reason == "no answer from 127.0.0.1 within 0.5 s"
        assert seen.seconds >= 0.5
        prober.files = SshFiles(prober.files.state_dir / "quick", connect_timeout=1)
        seen = prober.probe(target)
        assert seen.reason == (
            f"something accepts connections at 127.0.0.1 port {target.port} "
            "but does not speak ssh in time"
        )


def test_the_machine_itself(files: SshFiles) -> None:
    seen = SshProber(files).probe(Target("here", "127.0.0.1", connection="local"))
    assert seen.ok
    assert seen.hostname == socket.gethostname()


@pytest.mark.parametrize(
    "target",
    [
        Target("h1", "-oProxyCommand=touch${IFS}x"),
        Target("h1", "h1;id"),
        Target("h1", "h1", user="-oProxyCommand=x"),
        Target("h1", "h1", user="a b"),
        Target("h1", "fe80::1%$(id)"),
        Target("h1", ""),
    ],
)
def test_what_ssh_is_not_given(state: Path, target: Target) -> None:
    files = SshFiles(state)
    for call in (
        lambda: SshProber(files).probe(target),
        lambda: SshProber(files).close(target),
        lambda: files.write([(target, [])]),
        lambda: MemoryProber().probe(target),
    ):
        with pytest.raises(InvalidValue):
            call()


def test_the_files_are_private_and_written_once(state: Path) -> None:
    files = SshFiles(state)
    hosts = [
        (Target("h1", "10.0.0.1", port=2222, user="admin"), [OTHER_KEY + " comment"]),
        (Target("h2", "fd00::2"), [OTHER_KEY]),
        (Target("here", "127.0.0.1", connection="local"), []),
    ]
    files.write(hosts)
    assert files.known_hosts_path.read_text() == (
        f"[10.0.0.1]:2222 {OTHER_KEY}\nfd00::2 {OTHER_KEY}\n"
    )
    config = files.config_path.read_text()
    assert "Host h1 10.0.0.1\n  HostName 10.0.0.1\n  Port 2222\n  User admin\n" in config
    before = files.config_path.stat().st_mtime_ns, files.known_hosts_path.stat().st_mtime_ns
    files.write(hosts)
    assert before == (
        files.config_path.stat().st_mtime_ns,
        files.known_hosts_path.stat().st_mtime_ns,
    )
    for path in (files.config_path, files.known_hosts_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Of a key that holds more than a key, only the key is written.
    files.write([(Target("h1", "10.0.0.1"), [f"{OTHER_KEY}\n* {OTHER_KEY}"])])
    assert files.known_hosts_path.read_text() == f"10.0.0.1 {OTHER_KEY}\n"
    with pytest.raises(InvalidValue, match="host key"):
        files.write([(Target("h1", "10.0.0.1"), ["nonsense"])])


def test_a_long_state_directory_gets_short_sockets(state: Path) -> None:
    files = SshFiles(state / ("long" * 20))
    assert files.control_dir is None, "nothing is made before there is a host"
    files.write([(Target("h1", "10.0.0.1"), [OTHER_KEY])])
    assert files.control_dir is not None
    assert len(str(files.control_dir)) < 50
    assert stat.S_IMODE(files.control_dir.stat().st_mode) == 0o700
    files.control_dir.rmdir()
    files.prepare()
    files.control_dir.rmdir()


def test_a_key_that_others_may_use(state: Path) -> None:
    """Seen to fail without ``_close_key``: ssh says so of each host, and nobody mends it."""
    files = SshFiles(state / "s")
    files.set_identity(files.generate_key().private)
    files.identity_path.chmod(0o644)
    assert files.ready() == ""
    assert stat.S_IMODE(files.identity_path.stat().st_mode) == 0o600, "our own copy is not mended"
    theirs = state / "theirs"
    theirs.write_text(files.identity_path.read_text())
    theirs.chmod(0o640)
    files.identity_path = theirs
    assert "(mode 0640)" in files.ready()
    assert "Give it the mode 0600" in files.ready()
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o640, "a file of somebody else's is changed"
    theirs.chmod(0o600)
    assert files.ready() == ""


def test_all_files_are_their_owners_alone(state: Path) -> None:
    """Seen to fail with a state directory that is taken as it is."""
    directory = state / "deep" / "s"
    directory.mkdir(mode=0o777, parents=True)
    files = SshFiles(directory)
    files.set_identity(files.generate_key().private)
    files.write([(Target("h1", "127.0.0.1"), [OTHER_KEY])])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    control = modes.pop("cp", 0o700)
    assert (stat.S_IMODE(directory.stat().st_mode), control) == (0o700, 0o700)
    assert modes == dict.fromkeys(("identity", "known_hosts", "ssh_config"), 0o600)


def test_keys(state: Path) -> None:
    files = SshFiles(state)
    assert "no ssh key" in files.ready()
    assert files.public_key() == ""
    pair = files.generate_key("a comment")
    assert pair.public.startswith("ssh-ed25519 ")
    assert files.check_key(pair.private) == files.set_identity(pair.private)
    assert files.public_key().split()[:2] == pair.public.split()[:2]
    assert files.ready() == ""
    assert stat.S_IMODE(files.identity_path.stat().st_mode) == 0o600
    names = ["identity", "known_hosts", "ssh_config"]
    assert sorted(path.name for path in state.iterdir()) == names
    for text in ("", "nonsense", pair.public, pair.private[:100]):
        with pytest.raises(InvalidValue) as caught:
            files.check_key(text)
        assert "\n" not in str(caught.value)
        assert str(state) not in str(caught.value)
        assert not text or text[:40] not in str(caught.value)


def test_a_shell_that_runs_nothing(prober: SshProber, files: SshFiles, sshd: Sshd) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    sshd.run_only("echo This account is not available; exit 1")
    seen = prober.probe(sshd.target)
    assert seen.reason == "the login works but the probe does not: This account is not available"


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: No route to host", "no route to 10.0.0.1"),
        (
            "ssh: connect to host 10.0.0.1 port 22: Connection timed out",
            "no answer from 10.0.0.1 port 22",
        ),
        (
            "mux_client_request_session: read from master failed: Connection reset by peer",
            "no answer from 10.0.0.1 port 22: the connection that was open broke",
        ),
        (
            "Timeout, server 10.0.0.1 not responding.\nConnection reset",
            "no answer from 10.0.0.1 port 22: the connection that was open broke",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host",
            "10.0.0.1 port 22 closed the connection before the login",
        ),
        (
            'Load key "/x": error in libcrypto\nroot@h: Permission denied (publickey).',
            "the ssh key KEY cannot be used",
        ),
        (
            "Received disconnect: Too many authentication failures",
            "permission denied for user 'root' with the key KEY",
        ),
    ],
)
def test_reasons_in_plain_words(stderr: str, reason: str) -> None:
    found = explain(Target("h1", "10.0.0.1"), f"a banner\r\n{stderr}\r\n", "KEY")
    assert found is not None
    assert found[0] == reason
    assert found[1].endswith((".", "?"))
    assert explain(Target("h1", "10.0.0.1"), "a banner", "KEY") is None


@pytest.mark.parametrize(
    ("record", "labels"),
    [
        ('{"labels": ["mon", "_admin"]}', ("mon", "_admin")),
        ('{"labels": ["mon", 5, null]}', ("mon",)),
        ('{"labels": 5}', ()),
        ('{"labels": true}', ()),
        ('{"labels": "mon"}', ()),
        ('{"labels": {"mon": 1}}', ()),
        ("{}", ()),
        ("[]", ()),
        ("[" * 9999, ()),
        ("", ()),
    ],
)
def test_labels_in_a_record_that_anybody_may_have_written(
    record: str, labels: Tuple[str, ...]
) -> None:
    assert labels_of(record) == labels


def test_the_memory_prober() -> None:
    prober = MemoryProber({"10.0.0.2": ProbeResult(ok=False, reason="it is off")})
    well = prober.probe(Target("h1", "10.0.0.1"), learn_keys=True)
    assert (well.ok, well.hostname, len(well.keys)) == (True, "h1", 1)
    assert prober.probe(Target("h2", "10.0.0.2")).reason == "it is off"
    assert [target.name for target, _ in prober.probed] == ["h1", "h2"]
