"""What an operator can set, with its defaults: mgr options and the command's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class Settings:
    """The settings of an orchestrator. Intervals are in seconds.

    ``ssh_user`` logs in to the hosts, with sudo where it is not root; with ``sudo_invoker`` sudo
    runs nothing there but the invoker (docs/invoker.md). ``report_interval`` is the
    age at which a host report is taken again, ``probe_interval`` how often hosts are asked
    whether they answer (stretched for very many hosts). ``report_batch`` hosts are reported by
    one job. ``light_command`` is the site's own command for device lights (an argv list) and
    ``light_sysfs_root`` another root for /sys, see docs/verbs.md. ``python`` is the
    interpreter that runs the jobs on all managers' hosts, empty where each host's installation says
    it. ``warn_on_stray_hosts`` and ``warn_on_stray_daemons`` let health name what runs and nobody
    looks after.
    """

    ssh_user: str = "root"
    sudo_invoker: bool = False
    report_interval: float = 600.0
    probe_interval: float = 10.0
    report_batch: int = 100
    light_command: Tuple[str, ...] = ()
    light_sysfs_root: str = ""
    python: str = ""
    warn_on_stray_hosts: bool = True
    warn_on_stray_daemons: bool = True
