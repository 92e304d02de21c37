"""Bring Ceph's packages of a host to another version, quietly, or predict it."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from . import apt_versions, dnf_versions
from .distribution import DEBIAN, REDHAT, family_of
from .host_lock import HostLock
from .installed_packages import Installed
from .package_manager import PackagesRefused
from .quiet_packages import RecordUnusable, put, put_back
from .reading import Roots, clean
from .upgrade_record import left_behind, record_path
from .upgrade_transactions import AptTransaction, DnfTransaction, StillWorks

PREPARE, INSTALL, PUT_BACK = "prepare", "install", "put_back"
STEPS = (PREPARE, INSTALL, PUT_BACK)
_FAMILIES: Mapping[str, Any] = {
    DEBIAN: (apt_versions, AptTransaction),
    REDHAT: (dnf_versions, DnfTransaction),
}
_CEPH = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)(?![\d.])")
TARGET = re.compile(r"[0-9][A-Za-z0-9.+~:-]{0,100}")


class PackageUpgrade:
    """One step of the upgrade of a host's packages.

    ``target`` is a version of Ceph or of its packages. ``wanted`` has by name the version that each
    package of Ceph is to have, ``changes`` those that have another one. ``kept_files`` are the
    configuration files that an administrator has changed and the package as well: they stay.
    The units ``stopped`` do not run while packages change, whatever becomes of this process.
    ``older`` lets packages go back to an older version of the same release.
    ``ran`` says that the package manager was let at it. Raises ``PackagesRefused`` and
    ``HostIsBusy``.
    """

    def __init__(
        self,
        roots: Roots,
        target: str,
        step: str,
        timeout: float,
        check: bool,
        stopped: Sequence[str] = (),
        *,
        older: bool = False,
    ) -> None:
        self._older = older
        self._roots, self._target, self._timeout, self._check = roots, target, timeout, check
        self._stopped = stopped
        self.ran = False
        family = family_of(roots)
        if family not in _FAMILIES:
            raise PackagesRefused(
                "This host's distribution (/etc/os-release) is not supported: its packages are "
                "not known. Upgrade them by hand."
            )
        self._family = family
        self._manager, transaction = _FAMILIES[family]
        self._transaction = transaction(roots, older)
        self.put_back = False
        self.kept_files: List[str] = []
        self.wanted: Dict[str, str] = {}
        self.changes: Dict[str, str] = {}
        if check:
            self._act(step, None)
            return
        with HostLock(timeout, part="packages") as lock:
            self._act(step, lock)

    def _act(self, step: str, lock: Optional[HostLock]) -> None:
        if step != PREPARE:
            self._put_back()
        if step == PUT_BACK:
            return
        installed = self._read()
        self.wanted = self._find(installed)
        self.changes = {
            name: version
            for name, version in self.wanted.items()
            if installed.versions[name] != version
        }
        self._look_back(installed)
        if step == INSTALL and installed.unfinished and lock:
            self._install(lock, [*installed.versions])
            return
        if not self.changes:
            return
        problem = self._transaction.predict(self.changes, [*installed.versions])
        if problem:
            _refuse(f"the packages cannot be brought to {self._target}: {problem}")
        if step == INSTALL and lock:
            self._install(lock)
        elif lock:
            problem = self._transaction.download(self.changes, lock, self._timeout)
            if problem:
                _refuse(f"the packages of {self._target} cannot be fetched: {problem}")

    def _read(self) -> Installed:
        installed: Installed = self._manager.read_installed()
        if installed.problem:
            _refuse(f"which packages are installed is not known: {installed.problem}")
        held = self._manager.read_held(self._roots, installed)
        if held:
            _refuse(
                f"{', '.join(held)} {'are' if len(held) > 1 else 'is'} kept by the administrator; "
                "`apt-mark unhold` or `dnf versionlock delete` lets them change"
            )
        return installed

    def _find(self, installed: Installed) -> Dict[str, str]:
        """Return the version that each package is to have."""
        names = sorted(installed.versions)
        if not names:
            return {}
        offered, problem = self._manager.read_offered(names)
        if problem:
            _refuse(f"what the repositories have is not known: {problem}")
        found, lacking = {}, []
        for name in names:
            there = installed.versions[name]
            fitting = (each for each in offered.get(name, ()) if self._fits(each))
            version = next(fitting, there if self._fits(there) else "")
            if version:
                found[name] = version
            else:
                lacking.append(name)
        if lacking:
            _refuse(
                f"no repository of this host has {', '.join(lacking)} in version {self._target}"
            )
        return found

    def _look_back(self, installed: Installed) -> None:
        """Refuse to go back to an older version, if that is not wanted or Ceph has no way back."""
        newer = {
            name: installed.versions[name]
            for name, version in sorted(self.changes.items())
            if _number(installed.versions[name]) > _number(version)
        }
        # Their names may be so many that nothing else of the sentence were left.
        words = f"{', '.join(sorted({*newer.values()}))} of {', '.join([*newer][:3])}"
        words += f" and {len(newer) - 3} more" if len(newer) > 3 else ""
        if newer and not self._older:
            _refuse(
                f"{words} is installed, newer than "
                f"{self._target}; `older` lets packages go back within a release"
            )
        if any(_number(newer[name])[:2] != _number(self.changes[name])[:2] for name in newer):
            _refuse(
                f"{words} is installed, of a later release than "
                f"{self._target}: Ceph has no way back from one release to another"
            )

    def _fits(self, version: str) -> bool:
        match = _CEPH.match(version)
        return self._target in (version, match.group(1) if match else "")

    def _install(self, lock: HostLock, own: Sequence[str] = ()) -> None:
        """Run the transaction; what keeps it quiet stays while the package manager still works.

        ``own`` are Ceph's packages of the host where nothing was predicted.
        """
        try:
            put(self._roots, self._family)
            self.ran = True
            problem = self._transaction.install(
                self.changes, lock, self._timeout, self._stopped, own
            )
        except StillWorks as error:
            raise PackagesRefused(str(error)) from None
        except OSError as error:
            _refuse(f"{error.filename}: {error.strerror}")
        except RecordUnusable as error:
            _refuse(str(error))
        self.kept_files = self._transaction.kept_files
        self._put_back()
        if problem:
            _refuse(f"the packages are not all upgraded to {self._target}: {problem}")
        after = self._read()
        wrong = [name for name in self.wanted if after.versions.get(name) != self.wanted[name]]
        halfway = sorted(after.unfinished)
        if wrong or halfway:
            names = ", ".join(dict.fromkeys([*wrong, *halfway]))
            _refuse(f"the package manager reported success, but {names} did not get their version")

    def _put_back(self) -> None:
        if self._check:
            self.put_back = self.put_back or left_behind(self._roots)
            return
        try:
            self.put_back = put_back(self._roots) or self.put_back
        except RecordUnusable as error:
            _refuse(
                f"what an upgrade before has put aside is not known ({error}). Look whether "
                f"{os.path.join(self._roots.usr, 'sbin/policy-rc.d')} is as it should be, then "
                f"remove {record_path(self._roots)}"
            )
        except OSError as error:
            _refuse(f"{error.filename}: {error.strerror}")


def _number(version: str) -> Tuple[int, ...]:
    """Return what orders versions of Ceph in those of packages; its first two are the release."""
    match = _CEPH.match(version)
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def _refuse(problem: str) -> NoReturn:
    raise PackagesRefused(f"{clean(problem, 700).rstrip('.')}.".replace("..", "."))
