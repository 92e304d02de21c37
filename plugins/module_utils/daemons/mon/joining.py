"""Have a new monitor join its cluster, whatever the configuration says of the first monitors.

Until a monitor has joined once, Ceph obeys ``mon_initial_members`` at each of its starts: one that
is named there alone leads a second cluster of the same fsid. A drop-in file of its unit overrides
that with an empty value. It is written before the store is made, outlives jobs and reboots, and
goes when the monitor has joined: from then on Ceph itself does not look at the option any more.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import FrozenSet, Iterable, List

from ...system.atomic_write import write_text
from ...system.reading import Roots, list_dir, read_assignments, read_lines, to_int
from ...systemd.units import act

# On a command line or in CEPH_ARGS it is stronger than any configuration file, however it is spelt.
NO_FIRST_MEMBERS = "--mon_initial_members="
_ADDRESS = "--public-addr="
_DIRECTORY = "systemd/system/{unit}.d"
_NAME = "ceph-orch-joining"
_CONF = """\
# Made by ceph-orch-ansible until this monitor has joined its cluster; it goes by itself.
[Service]
EnvironmentFile={path}
"""
# What the packages' units read; a value of CEPH_ARGS there would be lost otherwise.
_DEFAULTS = ("default/ceph", "sysconfig/ceph")
_ARGS_LIMIT = 4096
_MEMBERS, _EPOCH = "# Members:", "# Epoch:"
_UNIT = re.compile(r"ceph-mon@(.+)\.service\.d")


class Joining:
    """The drop-in file of a monitor that has not joined yet."""

    def __init__(self, roots: Roots, unit: str) -> None:
        self._etc = roots.etc
        self._directory = os.path.join(roots.etc, _DIRECTORY.format(unit=unit))
        self._conf = os.path.join(self._directory, _NAME + ".conf")
        self._environment = os.path.join(self._directory, _NAME + ".env")

    @property
    def is_begun(self) -> bool:
        """Tell whether the monitor is still to join."""
        return os.path.lexists(self._conf)

    @property
    def members(self) -> FrozenSet[str]:
        """Return the other monitors of the map that the store was made of."""
        return frozenset(self._noted(_MEMBERS))

    @property
    def epoch(self) -> int:
        """Return the epoch of that map; one that has joined is at a later one."""
        return to_int(next(iter(self._noted(_EPOCH)), ""))

    def _noted(self, key: str) -> List[str]:
        for line in read_lines(self._environment):
            if line.startswith(key):
                return line[len(key) :].split()
        return []

    @property
    def knows_address(self) -> bool:
        """Tell whether each start is told the monitor's address."""
        return any(_ADDRESS in line for line in read_lines(self._environment))

    def begin(self, members: Iterable[str], epoch: int, addr: str) -> None:
        """Have every start from now on join these members' cluster.

        From the second start on its store may hold the cluster's map, which does not name it yet:
        nothing else says then at which address it is.
        """
        args = " ".join([*self._args(), NO_FIRST_MEMBERS, f"{_ADDRESS}{addr}"])
        quoted = args.replace("\\", "\\\\").replace('"', '\\"')
        names = " ".join(sorted(members))
        text = f'{_MEMBERS} {names}\n{_EPOCH} {epoch}\nCEPH_ARGS="{quoted}"\n'
        # The file that is named comes first: a unit that names a missing one does not start.
        write_text(self._environment, text, 0o644)
        write_text(self._conf, _CONF.format(path=self._environment), 0o644)
        act("daemon-reload", [])

    def end(self) -> None:
        """Give the unit back what the package's and the host's files say."""
        if not self.is_begun and not os.path.lexists(self._environment):
            return
        for path in (self._conf, self._environment):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        with contextlib.suppress(OSError):
            os.rmdir(self._directory)
        act("daemon-reload", [])

    def _args(self) -> List[str]:
        for name in _DEFAULTS:
            found = read_assignments(os.path.join(self._etc, name), _ARGS_LIMIT)
            there = found.get("CEPH_ARGS", "").strip()
            if there:
                return [there]
        return []


def joining(roots: Roots) -> FrozenSet[str]:
    """Return the ids of this host's monitors that have not joined yet."""
    top = os.path.join(roots.etc, "systemd/system")
    found = filter(None, map(_UNIT.fullmatch, list_dir(top)))
    units = {match.group(1): match.group(0)[: -len(".d")] for match in found}
    return frozenset(name for name, unit in units.items() if Joining(roots, unit).is_begun)
