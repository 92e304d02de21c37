"""Looking for secrets: in what processes show while something runs, and then on all disks.

What is searched for reaches the hosts through standard input and memory alone.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.lab_tests.lab_client import Lab

# Every key of a Ceph user, also one that is made while it is looked; and private keys of ssh.
SHAPES = (rb"AQ[A-Za-z0-9+/]{36}==", rb"BEGIN OPENSSH PRIVATE KEY")
# Looks at all processes' arguments and environments until its input ends.
WATCH = r"""
import glob, json, os, re, select, sys
shapes = [re.compile(text.encode("latin-1")) for text in json.loads(sys.stdin.readline())]
seen, rounds = {}, 0
print("watching", flush=True)
while not select.select([sys.stdin], [], [], 0.1)[0]:
    rounds += 1
    for name in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(name, "rb") as file:
                text = file.read()
        except OSError:
            continue
        for shape in shapes:
            found = shape.search(text)
            if found:
                place = text.replace(b"\0", b" ").replace(found.group(), b"<secret>")
                seen[name] = place.decode("utf-8", "replace")[:300]
print(json.dumps([rounds, seen]))
"""
PLACES = "/etc /home /root /run /srv /tmp /usr/share/ceph-orch-ansible /usr/local /var"
FIND = f"""
umask 077; cat >/dev/shm/secrets
find {PLACES} -xdev -path /var/lib/lab-repo -prune -o -type f -size -256M -print0 |
xargs -0 grep -laF -f /dev/shm/secrets -- 2>/dev/null | while read -r file; do
  for secret in $(grep -aohF -f /dev/shm/secrets -- "$file" | sort -u); do
    echo "$(stat -c '%a %U' "$file") $secret $file"
  done
done
journalctl -q --no-pager -o export | grep -aoF -f /dev/shm/secrets | sort -u |
while read -r secret; do echo "600 journal $secret journal"; done
rm /dev/shm/secrets
"""


class Found(NamedTuple):
    """A place on a host's disk that has a secret."""

    host: str
    whose: str
    path: str
    mode: str
    owner: str


class Watch:
    """Look at the processes of hosts while something runs, as a context.

    ``texts`` are secrets that have no shape of their own.
    """

    def __init__(self, lab: Lab, *texts: str) -> None:
        self._lab = lab
        shapes = [shape.decode() for shape in SHAPES] + [re.escape(text) for text in texts]
        self._request = json.dumps(shapes) + "\n"
        self._watches: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Watch:
        for host in self._lab.hosts():
            argv = self._lab.argv(host, "python3", "-c", WATCH)
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self._watches[host] = process
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(self._request)
            process.stdin.flush()
            assert process.stdout.readline() == "watching\n"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._watches.values():
            if process.returncode is None:
                process.kill()
                process.communicate()

    def seen(self) -> dict[str, dict[str, str]]:
        """End it; return by host which processes showed a secret, and how."""
        found = {}
        for host, process in self._watches.items():
            rounds, seen = json.loads(process.communicate(timeout=30)[0])
            assert rounds > 10, f"nobody looked on {host}"
            found[host] = seen
        return {host: seen for host, seen in found.items() if seen}


def on_disks(lab: Lab, hosts: Iterable[str], secrets: Mapping[str, str]) -> list[Found]:
    """Return where secrets lie; ``secrets`` are the texts by whose they are."""
    whose = {text: name for name, text in secrets.items()}
    lines = "".join(f"{text}\n" for text in whose)
    found = []
    for host in hosts:
        for line in lab.sh(host, FIND, stdin=lines).splitlines():
            mode, owner, text, path = line.split(" ", 3)
            found.append(Found(host, whose[text], path, mode, owner))
    return found
