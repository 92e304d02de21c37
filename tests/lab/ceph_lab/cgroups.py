"""Give each host a cgroup of its own, so that systemd in it sees only its units."""

from __future__ import annotations

import signal
from pathlib import Path

from ceph_lab.errors import LabError
from ceph_lab.model import Host
from ceph_lab.processes import gone_within, send

TOP = "ceph-orch-lab"
KILL_SECONDS = 10


def create(lab_name: str, host: Host) -> list[Path]:
    """Make a host's cgroups and return the files that a process joins them by."""
    joins = []
    for hierarchy in _hierarchies():
        cgroup = hierarchy / TOP / lab_name / host.name
        cgroup.mkdir(parents=True, exist_ok=True)
        joins.append(cgroup / "cgroup.procs")
    if not joins:
        raise LabError("no cgroup hierarchy for systemd is mounted; hosts cannot start")
    return joins


def remove(lab_name: str) -> None:
    """Kill what is left in the lab's cgroups, then remove them."""
    for hierarchy in _hierarchies():
        top = hierarchy / TOP / lab_name
        if top.is_dir():
            _kill(top)
            _remove_tree(top)
        if (hierarchy / TOP).is_dir() and not any(p.is_dir() for p in (hierarchy / TOP).iterdir()):
            (hierarchy / TOP).rmdir()


def _hierarchies() -> list[Path]:
    """Return the mount points of systemd's v1 hierarchy and of cgroup v2."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(before.split()[4]))
    return found


def _kill(top: Path) -> None:
    pids = {
        int(pid)
        for procs in top.rglob("cgroup.procs")
        for pid in procs.read_text(encoding="ascii").split()
    }
    for pid in pids:
        send(pid, signal.SIGKILL)
    for pid in pids:
        if not gone_within(pid, KILL_SECONDS):
            raise LabError(f"process {pid} of the lab does not end; try lab down again")


def _remove_tree(top: Path) -> None:
    directories = [path for path in top.rglob("*") if path.is_dir()]
    for directory in sorted(directories, reverse=True):
        directory.rmdir()
    top.rmdir()
