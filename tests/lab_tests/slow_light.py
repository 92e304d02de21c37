"""A job that takes as long as a test wants, and that tells what a host saw of it.

It switches the light of a disk by the site's own command, which is a script that writes a line and
sleeps.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab_tests.lab_client import Lab, wait_until

# The module gives a site's command 30 s.
SECONDS = 20
PROGRAM = "/usr/local/sbin/slow-light"
SEEN = "/run/slow-light.seen"
SCRIPT = f"""
cat >{PROGRAM} <<'END'
#!/bin/sh
echo "$$ $2 $3" >>{SEEN}
exec sleep "$1"
END
chmod 755 {PROGRAM}
rm -f {SEEN}
"""


@dataclass(frozen=True)
class SlowLight:
    """The job that runs, and the command that waits for it."""

    lab: Lab
    host: str
    job_id: str
    command: subprocess.Popen[str]

    def seen(self) -> list[str]:
        """Return what the host was asked to do, one line each time."""
        return self.lab.sh(self.host, f"cat {SEEN} 2>/dev/null || true").splitlines()

    def works(self) -> bool:
        """Tell whether the host is still at it."""
        script = f"while read -r pid rest; do test -d /proc/$pid && echo yes; done <{SEEN} || true"
        return "yes" in self.lab.sh(self.host, script)

    def status(self) -> str:
        """Return the job's status."""
        return str(self.lab.job(self.job_id)["status"])

    def wait_for_end(self, seconds: float) -> str:
        """Return the job's final status."""
        return str(self.lab.wait_for_job(self.job_id, seconds)["status"])


@contextlib.contextmanager
def slow_light(lab: Lab, host: str, seconds: int = SECONDS) -> Iterator[SlowLight]:
    """Run a job of so many seconds on a host; at the end it is cancelled if it still runs."""
    disk = lab.machines[host].disks[0]
    lab.sh(host, SCRIPT)
    known = {row["id"] for row in lab.jobs()}
    with lab.option("light_command", f"{PROGRAM} {seconds} {{dev}} {{state}}"):
        command = lab.start("ansible", "device", "light", host, disk, "ident", "on")
        try:
            wait_until("the host is at it", lambda: _runs(lab, host, command), 60)
            new = [
                row["id"]
                for row in lab.jobs()
                if row["operation"] == "blink_device_light" and row["id"] not in known
            ]
            assert len(new) == 1, f"one command made the jobs {new}"
            job = SlowLight(lab, host, new[0], command)
            yield job
        finally:
            command.kill()
            command.communicate()
            for row in lab.jobs():
                if row["id"] not in known and row["status"] in ("queued", "running"):
                    lab.ok("ansible", "job", "cancel", row["id"])


def _runs(lab: Lab, host: str, command: subprocess.Popen[str]) -> bool:
    ended = command.poll()
    assert ended is None or ended == 0, f"ended with {ended}: {command.communicate()}"
    return bool(lab.sh(host, f"cat {SEEN} 2>/dev/null || true"))
