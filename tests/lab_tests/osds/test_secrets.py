"""The key that new OSDs register with is only in its keyrings and with the monitors."""

from __future__ import annotations

import json
import subprocess

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.osd_lab import Osds

ENTITY = "client.bootstrap-osd"
KEYRING = "/var/lib/ceph/bootstrap-osd/ceph.keyring"
# Reads the key, then looks at all processes' arguments and environments until its input ends.
WATCH = r"""
import glob, json, os, select, sys
key, own, seen, rounds = sys.stdin.readline().strip().encode(), str(os.getpid()), set(), 0
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    rounds += 1
    for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(name, "rb") as file:
                if key in file.read():
                    seen.add(name)
        except OSError:
            pass
print(json.dumps([rounds, sorted(seen)]))
"""
PLACES = "/etc /home /root /run /tmp /usr/share/ceph-orch-ansible /usr/local /var"
FIND = f"""
umask 077; cat >/dev/shm/key
find {PLACES} -xdev -path /var/lib/lab-repo -prune -o -type f -size -64M -print0 |
xargs -0 grep -laF -f /dev/shm/key -- 2>/dev/null | sort || true
journalctl -q --no-pager | grep -F -f /dev/shm/key | head -n 3 || true
rm /dev/shm/key
"""


def watch(lab: Lab, host: str, key: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        lab.argv(host, "python3", "-c", WATCH),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(key + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "watching\n"
    return process


def test_the_bootstrap_key_is_nowhere_else(six: Osds) -> None:
    lab = six.lab
    key = six.door.ask("auth get-key", entity=ENTITY)
    key = str(key["key"] if isinstance(key, dict) else key).strip()
    assert len(key) > 20
    (path,) = six.free()["h2"]
    watches = [watch(lab, host, key) for host in (lab.first, "h2")]
    lab.ok("orch", "daemon", "add", "osd", f"h2:{path}")
    six.wait_up(count=7)
    for process in watches:
        rounds, seen = json.loads(process.communicate(timeout=30)[0])
        assert rounds > 10
        assert seen == [], "the key is among arguments or in an environment"
    assert stray(lab, lab.first, key) == []
    assert stray(lab, "h2", key) == []

    (number,) = [each for each, place in six.places().items() if place == ("h2", path)]
    lab.ok("orch", "osd", "rm", str(number), "--force", "--zap")
    six.wait_gone(number)
    six.wait_free("h2", path)


def stray(lab: Lab, host: str, key: str) -> list[str]:
    """Return the files with the key other than its keyring and the monitors' store."""
    found = lab.sh(host, FIND, stdin=key + "\n").split("\n")
    own = (KEYRING, "/var/lib/ceph/mon/")
    return [name for name in found if name and not name.startswith(own)]
