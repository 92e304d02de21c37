"""Start and stop hosts: systemd in a container, over an overlay of an image."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

from ceph_lab import cgroups, upgrades
from ceph_lab.errors import CommandError, LabError
from ceph_lab.files import mounts_below
from ceph_lab.image_files import REPOSITORY
from ceph_lab.model import Host, Lab
from ceph_lab.processes import (
    all_pids,
    children,
    command_line,
    gone_within,
    is_alive,
    namespace_pids,
    send,
)
from ceph_lab.run import run, tail
from ceph_lab.udev import UDEV_RUN

STOP_SECONDS = 30
KILL_SECONDS = 15

# Joins the cgroups named before "--", then becomes the command after it.
LAUNCH = """\
while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done
shift
exec "$@"
"""


def mount_root(lab: Lab, host: Host) -> None:
    """Mount a host's overlay over its image; a mounted one is left as it is."""
    root = lab.host_root(host)
    if root in mounts_below(root):
        return
    upper, work = _layers(lab, host)
    for directory in (upper, work, root):
        directory.mkdir(parents=True, exist_ok=True)
    # The kernel refuses a volatile overlay a second time unless told it is meant.
    shutil.rmtree(work / "work" / "incompat", ignore_errors=True)
    layers = f"lowerdir={host.image_path},upperdir={upper},workdir={work}"
    # Volatile: no sync of the machine's disk for every sync of a test host.
    run(["mount", "-t", "overlay", "overlay", "-o", f"{layers},volatile", str(root)])


def unmount_roots(directory: Path) -> list[Path]:
    """Unmount everything below a lab's directory and return the mount points."""
    points = mounts_below(directory)
    for point in points:
        try:
            run(["umount", str(point)])
        except CommandError as error:
            raise LabError(
                f"{error}; leave that directory (see: fuser -vm {point}) and run lab down again"
            ) from error
    return points


def start(lab: Lab, host: Host) -> int:
    """Start a host and return the pid of its systemd-nspawn, before it has booted."""
    running = find(lab, host)
    if running is not None:
        return running
    upgrades.directory().mkdir(parents=True, exist_ok=True)
    joins = [str(path) for path in cgroups.create(lab.name, host)]
    with log_file(lab, host).open("ab") as log:
        process = subprocess.Popen(
            ["sh", "-c", LAUNCH, "launch", *joins, "--", *nspawn_command(lab, host)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )
    return process.pid


def nspawn_command(lab: Lab, host: Host) -> list[str]:
    """Return the command line that runs a host."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        _directory_option(lab, host),
        f"--machine={lab.name}-{host.name}",
        f"--hostname={host.name}",
        "--register=no",
        "--keep-unit",
        "--settings=no",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--network-veth",
        f"--network-bridge={lab.bridge}",
        "--capability=all",
        "--system-call-filter=@keyring bpf",
        f"--bind-ro={UDEV_RUN}",
        f"--bind-ro={lab.repository}:{REPOSITORY}",
        f"--bind-ro={upgrades.directory()}:{upgrades.PLACE}",
        *(f"--bind={disk.loop}" for disk in host.disks),
    ]


def find(lab: Lab, host: Host) -> int | None:
    """Return the pid of a host's systemd-nspawn, or None when it is off."""
    option = _directory_option(lab, host)
    for pid in all_pids():
        argv = command_line(pid)
        if argv and Path(argv[0]).name == "systemd-nspawn" and option in argv and is_alive(pid):
            return pid
    return None


def leader(pid: int) -> int | None:
    """Return the pid, on the machine, of the systemd that a systemd-nspawn runs."""
    for child in children(pid):
        if namespace_pids(child)[1:] == [1]:
            return child
    return None


def running_leader(lab: Lab, host: Host) -> int:
    """Return the pid of a host's systemd; raise LabError when the host is off."""
    pid = find(lab, host)
    inner = leader(pid) if pid is not None else None
    if inner is None:
        raise LabError(
            f"{host.name} is off; switch it on: lab --name {lab.name} power on {host.name}"
        )
    return inner


def find_all(directory: Path) -> list[int]:
    """Return the pids of all systemd-nspawn processes of the lab in a directory."""
    prefix = f"--directory={directory}/"
    return [
        pid
        for pid in all_pids()
        if (argv := command_line(pid))
        and Path(argv[0]).name == "systemd-nspawn"
        and any(word.startswith(prefix) for word in argv)
    ]


def stop_all(pids: list[int]) -> None:
    """Shut hosts down in order, all at once; kill those that take too long."""
    for pid in pids:
        send(pid, signal.SIGTERM)
    for pid in pids:
        if not gone_within(pid, STOP_SECONDS):
            kill(pid)


def kill(pid: int) -> None:
    """Switch one host off hard: no process in it runs another instruction."""
    inner = leader(pid)
    if inner is not None:
        send(inner, signal.SIGKILL)
        if gone_within(pid, KILL_SECONDS):
            return
    send(pid, signal.SIGKILL)
    if not gone_within(pid, KILL_SECONDS):
        raise LabError(f"systemd-nspawn (process {pid}) does not end after SIGKILL; try again")


def log_file(lab: Lab, host: Host) -> Path:
    """Return the file with what a host and its systemd-nspawn said while booting."""
    return lab.host_directory(host) / "console.log"


def log_tail(lab: Lab, host: Host) -> str:
    """Return the end of a host's console output for an error message."""
    try:
        return tail(log_file(lab, host).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return "no console output"


def _environment() -> dict[str, str]:
    """Return a small environment: the caller's own must not reach a host."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        "LC_ALL": "C.UTF-8",
    }


def _directory_option(lab: Lab, host: Host) -> str:
    return f"--directory={lab.host_root(host)}"


def _layers(lab: Lab, host: Host) -> tuple[Path, Path]:
    directory = lab.host_directory(host)
    return directory / "upper", directory / "work"
