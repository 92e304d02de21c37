"""Install the packages that a host lacks, or predict it."""

from __future__ import annotations

import contextlib
import re
from typing import Dict, Iterable, List, Mapping, NoReturn, Optional, Sequence, Tuple, Union

from .distribution import family_of
from .host_lock import HostLock
from .package_manager import Apt, Dnf, PackagesRefused, manager_of, no_source_has
from .reading import Roots, clean

PRESENT, UNKNOWN = "present", "unknown"
_NAME = re.compile(r"[a-z0-9][A-Za-z0-9+._-]{0,100}\??")


class PackageInstall:
    """The packages of one host. ``packages`` are names by the family of the distribution.

    ``optional`` leaves out what no source of the host has, as for a name that ends with ``?``;
    ``timeout`` is in seconds. With ``quiet`` no package starts a daemon, and none that is merely
    recommended comes along. ``rows`` has a name and a state for each package. Raises
    ``PackagesRefused`` and ``HostIsBusy``.
    """

    def __init__(
        self,
        roots: Roots,
        packages: Mapping[str, Optional[Sequence[str]]],
        optional: bool = False,
        timeout: float = 600,
        check_mode: bool = False,
        quiet: bool = False,
    ) -> None:
        family, names = _names_of(roots, packages)
        self._optional = {name[:-1] for name in names if name.endswith("?")}
        names = [name.rstrip("?") for name in names]
        if optional:
            self._optional.update(names)
        self._timeout = max(timeout, 1)
        self._check_mode = check_mode
        self._roots, self._family, self._quiet = roots, family, quiet
        self.rows: List[Dict[str, str]] = []
        states = self._install(manager_of(family, roots), names) if names else {}
        self.rows = [{"name": name, "state": states.get(name, PRESENT)} for name in names]

    @property
    def done(self) -> List[str]:
        """Return the packages that were installed, or would be."""
        return [row["name"] for row in self.rows if row["state"] not in (PRESENT, UNKNOWN)]

    def _install(self, manager: Union[Apt, Dnf], names: List[str]) -> Dict[str, str]:
        """Install what is missing, or predict it; return the state of each that was."""
        missing = manager.missing(names)
        if not missing:
            return {}
        guard = HostLock(self._timeout, part="packages")
        with contextlib.nullcontext() if self._check_mode else guard as lock:
            unknown, problem = self._look_for(manager, missing, lock)
            lacking = [name for name in unknown if name not in self._optional]
            if lacking:
                _refuse(lacking, problem or no_source_has(lacking))
            missing = [name for name in missing if name not in unknown]
            if missing and self._check_mode:
                problem = manager.predict(missing)
            elif missing and lock:
                problem = self._carry_out(manager, missing, lock)
        if missing and problem:
            _refuse(missing, problem)
        done = "would be installed" if self._check_mode else "installed"
        return {**dict.fromkeys(unknown, UNKNOWN), **dict.fromkeys(missing, done)}

    def _carry_out(self, manager: Union[Apt, Dnf], names: List[str], lock: HostLock) -> str:
        """Install packages; return what went wrong, if anything did."""
        if not self._quiet:
            return manager.install(names, lock, self._timeout)
        # Imported where it is needed: Python compiles what a module imports on every call.
        from . import quiet_packages

        try:
            quiet_packages.put(self._roots, self._family)
            try:
                return manager.install(names, lock, self._timeout, quiet_packages.ENVIRONMENT)
            finally:
                quiet_packages.put_back(self._roots)
        except quiet_packages.RecordUnusable as error:
            return str(error)

    def _look_for(
        self, manager: Union[Apt, Dnf], names: List[str], lock: Optional[HostLock]
    ) -> Tuple[List[str], str]:
        """Have the lists read where they do not know a package; return what is unknown then, why.

        Without a lock nothing is read: what a host without any list has is not known before.
        """
        unknown = manager.unknown(names)
        if not unknown or not lock:
            return (unknown if manager.has_lists() else []), ""
        problem = manager.refresh(lock, self._timeout)
        return manager.unknown(names), problem


def _names_of(
    roots: Roots, packages: Mapping[str, Optional[Sequence[str]]]
) -> Tuple[str, List[str]]:
    """Return the host's family and the names for it; raises ``PackagesRefused``."""
    family = family_of(roots)
    if family not in packages:
        raise PackagesRefused(
            "This host's distribution (/etc/os-release) is not supported; packages are known for "
            f"{' and '.join(sorted(packages))}. Install them by hand."
        )
    names = [str(name) for name in packages[family] or []]
    for name in names:
        if not _NAME.fullmatch(name):
            raise PackagesRefused(f"Invalid package {clean(name)!r}. Give a package's name.")
    return family, names


def _refuse(names: Iterable[str], problem: str) -> NoReturn:
    """Raise ``PackagesRefused`` with the reason."""
    raise PackagesRefused(
        f"{', '.join(names)} cannot be installed: {problem}. Check the host's package sources; it "
        "is tried again by the next run."
    )
