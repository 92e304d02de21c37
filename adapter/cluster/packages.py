"""Which versions of Ceph's packages a host has, and which it is offered. Pure functions.

A package's version (``20.2.4+ds-2``, ``2:18.2.7-0.el9``) begins with the version of Ceph that is in
it. Packages of one host can have different ones: an upgrade that was cut leaves them so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

_CEPH = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)(?![\d.])")


def upstream(version: str) -> str:
    """Return the version of Ceph in a package's version, an empty text where there is none."""
    found = _CEPH.match(version)
    return found.group(1) if found else ""


def number(version: str) -> Tuple[int, ...]:
    """Return what orders versions of Ceph; one that is unknown comes first."""
    return tuple(int(part) for part in upstream(version).split(".") if part)


def newest_first(versions: Sequence[str]) -> List[str]:
    """Return versions of Ceph once each, the newest first."""
    return sorted(dict.fromkeys(filter(None, versions)), key=number, reverse=True)


@dataclass(frozen=True)
class HostPackages:
    """What a host reported of Ceph's packages: see the module ``host_report``."""

    installed: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, Sequence[str]] = field(default_factory=dict)
    held: Sequence[str] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    lists_read: Optional[int] = None
    problem: str = ""
    unread: str = ""

    @classmethod
    def of(cls, part: Mapping[str, Any]) -> HostPackages:
        """Return the packages of a report (``HostReport.packages``)."""
        return cls(**part)

    @property
    def on_disk(self) -> List[str]:
        """Return the versions of Ceph that are installed, the newest first."""
        return newest_first([upstream(each) for each in self.installed.values()])

    @property
    def installed_versions(self) -> List[str]:
        """Return the versions of the packages that are installed, the newest first."""
        found = dict.fromkeys(self.installed.values())
        return sorted(found, key=lambda each: (number(each), each), reverse=True)

    @property
    def versions(self) -> List[str]:
        """Return the versions of Ceph of which a repository has any package, the newest first."""
        return newest_first([upstream(each) for found in self.offered.values() for each in found])

    def having(self, target: str) -> Dict[str, str]:
        """Return the version that each package would have, of those that a target has.

        A target is a version of Ceph or of its packages. Packages that have it already count.
        """
        found = {}
        for name, version in self.installed.items():
            fitting = (each for each in self.offered.get(name, ()) if _is_of(target, each))
            wanted = next(fitting, version if _is_of(target, version) else "")
            if wanted:
                found[name] = wanted
        return found

    def lacking(self, target: str) -> List[str]:
        """Return the packages that cannot be brought to a target."""
        return sorted({*self.installed} - {*self.having(target)})

    def is_at(self, target: str) -> bool:
        """Tell whether all packages have the target's version, and none is left halfway.

        A host that names none has not said so.
        """
        versions = self.installed.values()
        known = bool(versions) and not self.problem and not self.unfinished
        return known and all(_is_of(target, each) for each in versions)

    def complete(self) -> List[str]:
        """Return the versions of Ceph that all packages can be brought to, the newest first."""
        return [each for each in self.versions if not self.lacking(each)]


def _is_of(target: str, version: str) -> bool:
    return target in (version, upstream(version))
