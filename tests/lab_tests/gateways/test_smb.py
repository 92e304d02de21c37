"""Samba before CephFS by the stock commands of the module smb, with a real client."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.gateways.smb_lab import FOLDER, LEFT, SERVICE, Smb
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

# Where no password, hash or key may be: records, logs, the journal, what runs.
SEEN = (
    "(journalctl --no-pager; grep -rsaF . /var/lib/ceph/orch-ansible /var/log/ceph /var/log/samba; "
    "ps axeww) 2>/dev/null | grep -v grep | grep -cF -- {word} || true"
)


@pytest.fixture
def smb(cluster: Lab) -> Iterator[Smb]:
    """Return an SMB service that is not there yet, on a lab with CephFS."""
    services = Services(cluster)
    wait_until("the backend answers", services.ls, 60)
    found = Smb(services)
    found.prepare()
    yield found
    cluster.repair()
    found.forget()
    services.close()


def created(smb: Smb, *words: str) -> None:
    """Make the service with a share, as an administrator types it."""
    user = ("--define-user-pass", "user1%first")
    smb.lab.ok("smb", "cluster", "create", "files", "user", *user, "--placement", "1 h1", *words)
    share = ("files", "one", "smbvol", "/", "--subvolume", "one")
    smb.lab.ok("smb", "share", "create", *share)
    smb.services.wait_runs(SERVICE, 1)


def test_shares_and_users_follow_the_module_without_a_restart(smb: Smb) -> None:
    lab = smb.lab
    created(smb)
    row = smb.daemon()
    assert row["ports"] == [445]
    assert row["version"][0].isdigit()
    assert smb.services.ls()[SERVICE]["status"]["ports"] == [445]
    # By libcephfsd, which is what the module's default says.
    assert smb.copies("one", "first")
    assert "NT_STATUS_LOGON_FAILURE" in smb.says("one", "ls", "wrong")
    assert "NT_STATUS_LOGON_FAILURE" in smb.says("one", "ls", "", user="root")

    jobs, pid = smb.services.changing_jobs(), smb.pid()
    spec = {"resource_type": "ceph.smb.share", "cluster_id": "files", "share_id": "one"}
    given = lab.ceph_json("smb", "show", "ceph.smb.share.files.one")
    assert spec.items() <= given.items()
    smb.apply(given)
    assert smb.services.changing_jobs() == jobs, "applied again, something was done"

    # A share more, which Samba serves itself.
    smb.share("two", provider="samba-vfs/new")
    wait_until("the share is there", lambda: smb.copies("two", "first"), SECONDS)
    assert smb.copies("one", "first")
    # One that goes is closed to who has it open.
    lab.sh(smb.client, HOLD, *smb.target("one", "first"))
    wait_until("it is open", lambda: "one" in smb.opened(), 60)
    lab.ok("smb", "share", "rm", "files", "one")
    wait_until("it is closed", lambda: "one" not in smb.opened(), SECONDS)
    assert "NT_STATUS_BAD_NETWORK_NAME" in smb.says("one", "ls", "first")
    lab.sh(smb.client, "touch /tmp/smb.go")
    held = "cat /tmp/smb.held"
    wait_until("the client is told", lambda: "NT_STATUS" in lab.sh(smb.client, held), 60)
    assert lab.sh(smb.client, held).count("blocks available") == 1
    assert smb.copies("two", "first")
    proxy = f"ceph-orch-libcephfsd@{row['daemon_id']}.service"
    assert lab.sh("h1", f"systemctl is-active {proxy} || true") == "inactive\n"

    # Another password.
    word = secrets.token_hex(12)
    smb.password(word)
    wait_until("the password counts", lambda: smb.copies("two", word), SECONDS)
    assert "NT_STATUS_LOGON_FAILURE" in smb.says("two", "ls", "first")
    assert smb.pid() == pid, "Samba was restarted"

    files = f"{FOLDER}/{row['daemon_id']}"
    assert lab.sh("h1", f"stat -c %a:%U {files} {files}/smbpasswd {files}/keyring").split() == [
        "700:root",
        "600:root",
        "600:root",
    ]
    (digest,) = re.findall(r":([0-9A-F]{32}):\[", lab.sh("h1", f"cat {files}/smbpasswd"))
    (key,) = re.findall(r"key = (\S+)", lab.sh("h1", f"cat {files}/keyring"))
    for host in lab.machines:
        for each in (word, digest, key):
            assert lab.sh(host, SEEN.format(word=each)) == "0\n", host
    assert word not in lab.ok("orch", "ls", "--export")

    smb.forget()
    for host in lab.machines:
        left = lab.sh(host, LEFT).split()
        assert set(left) <= {"disabled", "not-found"}, f"{host}: {left}"
    # What is stored stays, and another host serves it; the module calls this one clustered.
    user = ("--define-user-pass", "user1%first")
    lab.ok("smb", "cluster", "create", "files", "user", *user, "--placement", "h2")
    smb.share("two")
    smb.services.wait_runs(SERVICE, 1)
    assert "x.bin" in smb.says("two", "ls", "first", host="h2")


# Has a share open until /tmp/smb.go is there, and looks into it then.
HOLD = """
rm -f /tmp/smb.go /tmp/smb.held
echo 'until test -e /tmp/smb.go; do sleep 0.5; done' >/tmp/smb.wait
umask 077; printf 'username = user1\\npassword = %s\\n' "$2" >/tmp/smb.auth2
run='(echo ls; timeout 300 sh /tmp/smb.wait; echo ls) | smbclient "$0" -A /tmp/smb.auth2 -t 20'
setsid nohup sh -c "$run" "$1" >/tmp/smb.held 2>&1 </dev/null &
"""


def test_a_playbook_does_the_same_and_what_ends_comes_back(smb: Smb) -> None:
    lab = smb.lab
    created(smb)
    row = smb.daemon()
    folder = f"{FOLDER}/{row['daemon_id']}"
    names = ("smb.conf", "smbpasswd", "passwd", "group", "keyring", "ceph.conf", "environment")
    files = {name: lab.sh("h1", f"cat {folder}/{name}") for name in names}
    given: dict[str, Any] = {
        "daemon_deploy_fsid": lab.ok("fsid").strip(),
        "daemon_deploy_daemons": {"h1": [{"id": row["daemon_id"], "port": 445, "files": files}]},
    }
    for more in ((), ("--check",)):
        answer = by_hand(lab, ("apply_smb",), "--limit", "h1", *more, **given)
        assert recap(answer, "h1") == 0, "by hand it is another end"
    (digest,) = re.findall(r":([0-9A-F]{32}):\[", files["smbpasswd"])
    assert lab.sh("h1", SEEN.format(word=digest)) == "0\n", "Ansible logs what modules are given"

    for unit in ("smb", "libcephfsd"):
        name = f"ceph-orch-{unit}@{row['daemon_id']}.service"
        lab.sh("h1", f"systemctl kill -s KILL {name}")
        wait_until(f"{unit} serves again", lambda: smb.copies("one", "first"), 60)
    smb.services.wait_healed(SERVICE, 1)


def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(smb: Smb) -> None:
    lab = smb.lab
    jobs = smb.services.changing_jobs()
    user = ("--define-user-pass", "user1%first")
    lab.ok("smb", "cluster", "create", "files", "user", *user, "--placement", "h1 h2")
    share = ("smb", "share", "create", "files", "one", "smbvol", "/", "--subvolume", "one")
    answer = lab.ceph(*share)
    assert answer.rc != 0
    assert "CTDB" in answer.out + answer.err
    spec = {"cluster_id": "none", "config_uri": "rados://.smb/none/config.smb"}
    data = {"service_type": "smb", "service_id": "none", "spec": spec}
    answer = lab.ceph("orch", "apply", "-i", "-", stdin=yaml.safe_dump(data))
    assert answer.rc != 0
    assert "rados://.smb/none/config.smb" in answer.err
    assert smb.services.changing_jobs() == jobs
    assert SERVICE not in smb.services.ls()
    assert json.loads(lab.ok("smb", "cluster", "ls", "--format", "json")) == ["files"]
