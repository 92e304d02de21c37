"""Give the lab's disks an identity that Ceph can read: udev on the machine.

Hosts cannot run udev themselves; they read what the machine's udevd knows.
"""

from __future__ import annotations

import os
from pathlib import Path

from ceph_lab import settings
from ceph_lab.errors import LabError
from ceph_lab.files import remove_tree
from ceph_lab.locks import held
from ceph_lab.model import Lab
from ceph_lab.processes import gone_within
from ceph_lab.report import say
from ceph_lab.run import run, succeeds

UDEV_RUN = Path("/run/udev")
DAEMONS = ("/lib/systemd/systemd-udevd", "/usr/lib/systemd/systemd-udevd")
VENDOR = "LAB"
MODEL = "LABDISK"
SETTLE_SECONDS = 30
STOP_SECONDS = 10


def publish(lab: Lab) -> None:
    """Make udevd know the lab's disks; start udevd when the machine has none."""
    with held("udev"):
        _rules_file(lab.name).parent.mkdir(parents=True, exist_ok=True)
        _rules_file(lab.name).write_text(rules(lab), encoding="utf-8")
        _register(lab.name)
        if _answers():
            run(["udevadm", "control", "--reload"])
        else:
            _await_end()
            _start_daemon()
        loops = [disk.loop for disk in lab.disks]
        if loops:
            run(["udevadm", "trigger", "--action=change", *(f"--name-match={x}" for x in loops)])
        run(["udevadm", "settle", f"--timeout={SETTLE_SECONDS}"])


def forget_rules(lab_name: str) -> None:
    """Remove the lab's rules; its disks are detached after that."""
    with held("udev"):
        if not _rules_file(lab_name).exists():
            return
        _rules_file(lab_name).unlink()
        if _answers():
            run(["udevadm", "control", "--reload"])


def release(lab_name: str) -> None:
    """Stop udevd if a lab started it and this was the last lab that used it."""
    with held("udev"):
        if not _user(lab_name).exists():
            return
        _user(lab_name).unlink()
        if any(_users().iterdir()) or not _started_mark().exists():
            return
        _stop_daemon()
        _started_mark().unlink()
        remove_tree(UDEV_RUN)


def rules(lab: Lab) -> str:
    """Return udev rules that name each disk by the file behind its loop device."""
    lines = [f"# Disks of the lab {lab.name}; lab down removes this file."]
    for disk in lab.disks:
        names = {
            "ID_SERIAL": disk.serial,
            "ID_SERIAL_SHORT": disk.serial,
            "ID_VENDOR": VENDOR,
            "ID_MODEL": MODEL,
        }
        settings_ = ", ".join(f'ENV{{{key}}}="{value}"' for key, value in names.items())
        lines.append(
            f'SUBSYSTEM=="block", KERNEL=="loop*", ATTR{{loop/backing_file}}=="{disk.file}", '
            f"{settings_}"
        )
    return "\n".join(lines) + "\n"


def _start_daemon() -> None:
    daemon = next((path for path in DAEMONS if os.access(path, os.X_OK)), None)
    if daemon is None:
        raise LabError(f"no systemd-udevd at {' or '.join(DAEMONS)}; install the package udev")
    # Written first: a lab that is killed now still knows that udevd is its own.
    _started_mark().write_text("udevd was started by a lab\n", encoding="utf-8")
    run([daemon, "--daemon"])
    say("udevd started on this machine; the last lab stops it")
    run(["udevadm", "trigger", "--subsystem-match=block"])


def _stop_daemon() -> None:
    if _daemon_pids():
        succeeds(["udevadm", "control", "--exit", f"--timeout={STOP_SECONDS}"])
    _await_end()


def _answers() -> bool:
    """Tell whether udevd is there; a worker of one that has ended may be for a moment more."""
    return succeeds(["udevadm", "control", "--ping", f"--timeout={STOP_SECONDS}"])


def _await_end() -> None:
    for pid in _daemon_pids():
        if not gone_within(pid, STOP_SECONDS):
            raise LabError(f"udevd (process {pid}) does not end; end it by hand: kill -9 {pid}")


def _daemon_pids() -> list[int]:
    """Return the pids of udevd on this machine, those inside hosts not counted."""
    own = os.readlink("/proc/self/ns/pid")
    pids = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text(encoding="utf-8").strip() != "systemd-udevd":
                continue
            if os.readlink(entry / "ns/pid") == own:
                pids.append(int(entry.name))
        except OSError:
            continue
    return pids


def _register(lab_name: str) -> None:
    _users().mkdir(parents=True, exist_ok=True)
    _user(lab_name).write_text("", encoding="utf-8")


def _users() -> Path:
    return settings.RUN_DIRECTORY / "udev-users"


def _user(lab_name: str) -> Path:
    return _users() / lab_name


def _started_mark() -> Path:
    return settings.RUN_DIRECTORY / "udevd-started"


def _rules_file(lab_name: str) -> Path:
    return UDEV_RUN / "rules.d" / f"90-ceph-orch-lab-{lab_name}.rules"
