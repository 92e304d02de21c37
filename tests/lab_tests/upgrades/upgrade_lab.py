"""Package sources of the lab's hosts, and what the backend says of them."""

from __future__ import annotations

import json
from typing import Any

from tests.lab_tests.lab_client import Answer, Lab, wait_until

SECONDS = 300.0
NOW, NEXT, AFTER = "20.2.4", "20.2.5", "20.2.6"
# What is there, also halfway: all but what is not installed, and what only has configuration left.
OF_CEPH = "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${source:Package}\\n' "
OF_CEPH += "| awk '$1 !~ /^.[nc]/ && $3 == \"ceph\" {print $2}'"
# No service of the host is started or restarted by a package.
QUIET = "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold"


class Upgrades:
    """What hosts are offered, and ``ceph orch upgrade``."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def offer(self, versions: str, *words: str) -> None:
        """Offer versions to hosts, as ``lab offer`` does; the hosts' lists stay as they are."""
        self.lab.lab("offer", versions, *words, seconds=1200)

    def take_back(self) -> None:
        """Offer no host anything, and put back what tests did to package managers."""
        self.offer("none")
        for host in self.lab.hosts():
            self.lab.sh(
                host,
                f"rm -f /usr/sbin/policy-rc.d /etc/apt/sources.list.d/gone.list; "
                f"{OF_CEPH} | xargs -r apt-mark unhold >/dev/null; apt-get -q update >/dev/null",
            )

    def candidates(self, host: str) -> str:
        """Return what apt says of a package on a host."""
        return self.lab.sh(host, "apt-get -q update >/dev/null; apt-cache policy ceph-common")

    def install(self, host: str, version: str, *names: str) -> Answer:
        """Install a version of packages by hand, or of all of Ceph's; nothing is restarted."""
        words = " ".join(names) if names else f"$({OF_CEPH})"
        script = (
            f"{QUIET}; apt-get -q update >/dev/null; "
            f"packages=$(for p in {words}; do echo $p={version}+ds-1lab1; done); "
            f"status=0; {APT} install $packages || status=$?; rm -f /usr/sbin/policy-rc.d; "
            "exit $status"
        )
        return self.lab.ssh(host, "sh", "-euc", script, seconds=900)

    def check(self, version: str) -> dict[str, Any]:
        """Return ``ceph orch upgrade check``, when no job reads lists any more."""

        def asked() -> dict[str, Any]:
            words = ("orch", "upgrade", "check", "--ceph-version", version)
            found: dict[str, Any] = json.loads(self.lab.ok(*words))
            return found if not any("still reads" in line for line in found["obstacles"]) else {}

        return wait_until("the check is answered", asked, SECONDS)

    def ls(self, *words: str) -> dict[str, Any]:
        """Return ``ceph orch upgrade ls``."""
        found: dict[str, Any] = json.loads(self.lab.ok("orch", "upgrade", "ls", *words))
        return found

    def refused(self, *words: str) -> str:
        """Return why words of ``ceph orch upgrade`` are refused: one line, and a status."""
        answer = self.lab.ceph("orch", "upgrade", *words)
        assert answer.rc != 0, answer
        (line,) = answer.err.strip().splitlines()
        assert "Traceback" not in line
        return line
