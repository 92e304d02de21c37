"""Whether a host has said which disks it has: a manager that took over may not know it yet."""

from __future__ import annotations

from adapter.core import Core
from adapter.errors import InvalidValue, ReportAwaited


def check_said_disks(core: Core, hostname: str) -> None:
    """Raise ``ReportAwaited`` where nobody knows yet which disks a host has.

    A disk that is not known yet is not one that is not there.
    """
    with core.lock:
        report = core.reports.get(hostname)
        # One of this manager's last turn may not have a disk that was put in since.
        known = report is not None and "devices" in report.taken
        if known and hostname not in core.outdated():
            return
        core.refresh.want([hostname])
    core.wake_event.set()
    raise ReportAwaited(
        f"Host '{hostname}' has not said yet which disks it has.", "Try again in some seconds."
    )


def refuse_begun(core: Core, hostname: str, path: str) -> None:
    """Raise ``InvalidValue`` for a device on which an OSD is being made.

    The manager before may have been told to, and not have answered any more.
    """
    with core.lock:
        begun = path in core.intents.paths(hostname)
    if begun:
        raise InvalidValue(
            "device", f"{hostname}:{path}", "an OSD is being made on it", "Wait for it."
        )
