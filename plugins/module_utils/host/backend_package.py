"""Install this project's own package on a manager's host, from a file."""

from __future__ import annotations

import re

from ..daemons.kinds.registry import ALL
from ..system.command import find_program, run
from ..system.distribution import DEBIAN, REDHAT, family_of
from ..system.host_lock import HostLock
from ..system.package_manager import PackagesRefused, manager_of
from ..system.reading import Roots, clean
from .backend_tree import CONTENT, is_packaged

# As `make deb` and `make rpm` name their files: the package, and its version.
_NAMES = {
    DEBIAN: re.compile(r"(ceph-mgr-ansible(?:-bundled)?)_([A-Za-z0-9.+~-]+)_all\.deb"),
    REDHAT: re.compile(r"(ceph-mgr-ansible)-([A-Za-z0-9.+~]+-[A-Za-z0-9.+~]+)\.noarch\.rpm"),
}
_ASK = {
    DEBIAN: ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", "--"],
    REDHAT: ["rpm", "-q", "--qf", "ii %{VERSION}-%{RELEASE}", "--"],
}
_ASK_TIMEOUT = 60.0


class BackendPackage:
    """A package's file by its name; raises ``PackagesRefused`` where it is not for the host."""

    def __init__(self, roots: Roots, file_name: str) -> None:
        self._roots = roots
        self._family = family_of(roots)
        match = _NAMES[self._family].fullmatch(file_name) if self._family in _NAMES else None
        if match is None:
            raise PackagesRefused(
                f"{clean(file_name)} is no package of this backend for this host's distribution. "
                "Give the file that `make deb` or `make rpm` made, under the name that it has."
            )
        loaders = [kind.program for kind in ALL.values() if kind.loads_modules]
        if not any(map(find_program, loaders)):
            raise PackagesRefused(
                "There is no ceph-mgr on this host. Install the package ceph-mgr, or leave the "
                "host out."
            )
        self.name, self.version = match.groups()

    @property
    def present(self) -> str:
        """Return the version that is installed, an empty text where none is."""
        words = run([*_ASK[self._family], self.name], _ASK_TIMEOUT).out.split()
        return words[1] if len(words) > 1 and words[0] == "ii" else ""

    @property
    def change(self) -> str:
        """Return the line for what is to be done, an empty text where that is nothing."""
        present = self.present
        if present == self.version:
            return ""
        if not present and not is_packaged(CONTENT):
            raise PackagesRefused(
                f"{CONTENT} is there, and no package has put it there. Remove it first: "
                "`orch-ansible mgr uninstall` on that host; hosts, specs, keys and jobs are kept."
            )
        if present:
            return f"replace the package {self.name} {present} by {self.version}"
        return f"install the package {self.name} {self.version}"

    def install(self, path: str, timeout: float) -> None:
        """Install it from a file of this host; raises ``PackagesRefused``."""
        manager = manager_of(self._family, self._roots)
        with HostLock(timeout, part="packages") as lock:
            problem = manager.refresh(lock, timeout)
            problem = manager.install([path], lock, timeout) or (
                problem if not self.present else ""
            )
        if problem:
            raise PackagesRefused(f"{self.name} cannot be installed: {problem}.")
