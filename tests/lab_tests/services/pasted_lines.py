"""The line ``By hand`` of jobs, pasted into a root shell as it was printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS
from tests.lab_tests.test_playbooks import recap

BY_HAND = re.compile(r"^By hand   (?P<line>.*)$", re.M)
# All that a job leaves on a host: files with owner, mode and content, the processes of units (one
# that was restarted has another), the packages. What daemons write into their own stores is theirs.
STATE = r"""
stores='-name store.db -o -name jobs -o -path /var/lib/ceph/orch-ansible -o -name crash'
find /etc/ceph /etc/systemd /var/lib/ceph-orch-ansible /var/lib/ceph -maxdepth 4 \
    \( $stores \) -prune -o ! -path '*/block' -printf '%p %y %m %u %g\n' | sort
find /etc/ceph /etc/systemd /var/lib/ceph-orch-ansible /var/lib/ceph -maxdepth 4 \
    \( $stores \) -prune -o -type f \( -name '*.conf' -o -name '*keyring' -o -name '*.json' \) \
    -print0 | sort -z | xargs -0r sha256sum
systemctl list-units --all --no-legend --plain 'ceph*.service' | cut -d' ' -f1 | sort |
while read -r unit; do
    systemctl show -p Id,ActiveState,UnitFileState,MainPID "$unit" | tr '\n' ' '; echo
done
dpkg-query -W | sha256sum
"""


@dataclass
class Lines:
    """Paste the line of one job of each operation; ``wrong`` says what went otherwise."""

    lab: Lab
    known: set[str] = field(default_factory=set)
    pasted: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Leave out the jobs that are there."""
        self.known = {job["id"] for job in self.lab.jobs()}

    def paste(self) -> None:
        """Paste the lines of what has ended since, of each operation (and step) one."""
        wait_until("no job is under way", lambda: quiet(self.lab), SECONDS)
        for job in self.lab.jobs():
            if job["id"] in self.known:
                continue
            self.known.add(job["id"])
            which = f"{job['operation']} ({job['summary'].partition(' ')[0]})"
            if job["status"] == "succeeded" and which not in self.pasted:
                self.pasted[which] = job["id"]
                self._paste(which, job)

    def _paste(self, which: str, job: dict[str, Any]) -> None:
        shown = BY_HAND.search(self.lab.ok("ansible", "job", "show", job["id"]))
        assert shown, job
        before = state(self.lab)
        print(f"\n{which}: {shown['line']}", flush=True)
        for words in ("--check --diff", "", ""):
            answer = shell(self.lab, f"{shown['line']} {words}".rstrip())
            reason = _reason(answer, job["hosts"])
            if not reason:
                reason = differences(before, state(self.lab))
            print(
                f"    {words or 'pasted'}: {reason or 'changed=0, nothing is different'}",
                flush=True,
            )
            if reason:
                self.wrong.append(f"{which} {words}: {reason}")


def quiet(lab: Lab) -> bool:
    """Tell whether nothing is under way but what looks at hosts."""
    return not any(job["status"] in ("queued", "running") for job in lab.jobs())


def shell(lab: Lab, line: str) -> Answer:
    """Paste a line into a shell of root on the manager's host."""
    return lab.ssh(lab.first, "sh", stdin=f"{line}\n", seconds=300)


def state(lab: Lab) -> dict[str, list[str]]:
    """Return what there is on each host."""
    return {host: lab.sh(host, STATE).splitlines() for host in lab.hosts()}


def _reason(answer: Answer, hosts: list[str]) -> str:
    try:
        changed = recap(answer, *hosts)
    except AssertionError as error:
        return str(error)[-1500:]
    return f"changed={changed}: {answer.out[-1500:]}" if changed else ""


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> str:
    """Return what is not as it was."""
    lines = []
    for host, lines_before in before.items():
        gone, new = set(lines_before) - set(after[host]), set(after[host]) - set(lines_before)
        lines += [f"{host}: -{line}" for line in sorted(gone)]
        lines += [f"{host}: +{line}" for line in sorted(new)]
    return "\n".join(lines)
