"""What is on a host: names, modes, owners and hashes of all that an installation could change."""

from __future__ import annotations

import fnmatch
from typing import Dict, Set

from tests.lab_tests.lab_client import Lab

# What changes by itself: logs, caches, lists of packages, what running daemons write.
MOVES = (
    *("/var/log", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd", "/var/tmp"),
    *("/var/lib/ceph/mon", "/var/lib/ceph/mgr", "/var/lib/ceph/crash", "/var/lib/private"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/root/dist", "/root/.bash_history", "/root/.cache"),
    *("/var/lib/lab-repo", "/etc/.pwd.lock", "/var/lib/python", "/var/lib/ucf", "/root/.ssh"),
)
# What the scripts of Debian's packages make on a bare host: users, enabled units, settings of
# their own. Units of Ceph's are in the document.
BY_PACKAGES = (
    *("/etc/passwd*", "/etc/group*", "/etc/shadow*", "/etc/gshadow*", "/etc/rc?.d/*"),
    *("/etc/systemd/system/*.wants/[!c]*", "/etc/inputrc", "/etc/networks", "/etc/nvme/*"),
    *("/etc/python3/*", "/var/lib/smartmontools/*", "/etc/.updated", "/var/.updated"),
)
# All of these is hashed; of the rest of /usr names, sizes and modes are enough.
HASHED = "/etc /home /opt /root /srv /usr/local /var"
_SCRIPT = """
cd /
find {hashed} -xdev ! -type d ! -name '*.pyc' -printf '%p\\t%y %m %u:%g %l\\n' 2>/dev/null
echo ==
find {hashed} -xdev -type f ! -name '*.pyc' -print0 2>/dev/null |
  xargs -0 -r sha256sum 2>/dev/null || true
echo ==
find /usr -xdev -path /usr/local -prune -o ! -type d ! -name '*.pyc' \\
  -printf '%p\\t%y %m %u:%g %s %l\\n'
echo ==
cat /var/lib/dpkg/info/*.list
"""


class Snapshot:
    """Files by name, and the names that packages of the host have brought."""

    def __init__(self, lab: Lab, host: str) -> None:
        text = lab.sh(host, _SCRIPT.format(hashed=HASHED))
        named, sums, rest, owned = (part.splitlines() for part in text.split("\n==\n"))
        self.files: Dict[str, str] = {}
        for line in (*named, *rest):
            name, _, what = line.partition("\t")
            self.files[name] = what
        for line in sums:
            digest, _, name = line.partition("  ")
            if name in self.files:
                self.files[name] += f" {digest}"
        self.files = {name: what for name, what in self.files.items() if not name.startswith(MOVES)}
        # /bin and /lib are links into /usr.
        self.owned = {*owned, *(f"/usr{name}" for name in owned)}

    def changed_since(self, before: Snapshot) -> Set[str]:
        """Return the files that are new, gone or different, but for those of packages."""
        names = self.files.keys() | before.files.keys()
        different = {name for name in names if self.files.get(name) != before.files.get(name)}
        return not_said(different - self.owned, set(BY_PACKAGES))


def not_said(names: Set[str], patterns: Set[str]) -> Set[str]:
    """Return the names that no pattern matches."""
    return {name for name in names if not any(fnmatch.fnmatchcase(name, each) for each in patterns)}
