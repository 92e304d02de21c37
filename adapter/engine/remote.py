"""End what a cancelled job left running on the hosts.

Closing an ssh connection does not end what was started through it. Everything that Ansible starts
for a job carries the job's mark in its environment, so it can be found and ended by it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from typing import List, Sequence

from adapter.engine.model import Target
from adapter.engine.processes import MARK

_SECONDS = 5.0
_AT_A_TIME = 20
_MARKER = re.compile(r"[0-9a-f]{16}")


def end_on_hosts(targets: Sequence[Target], ssh_config: str, marker: str) -> None:
    """End the job's processes on hosts that are reached by ssh, within some seconds.

    They get SIGTERM and, half a second later, SIGKILL. Hosts that do not answer are left alone.
    """
    if not _MARKER.fullmatch(marker):
        return
    waiting = [target for target in targets if target.connection == "ssh"]
    running: List[subprocess.Popen[bytes]] = []
    until = time.monotonic() + _SECONDS
    while (waiting or running) and time.monotonic() < until:
        while waiting and len(running) < _AT_A_TIME:
            with contextlib.suppress(OSError):
                running.append(_start(waiting.pop(), ssh_config, marker))
        time.sleep(0.02)
        running = [process for process in running if process.poll() is None]
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(target: Target, ssh_config: str, marker: str) -> subprocess.Popen[bytes]:
    argv = ["ssh", "-F", ssh_config, "-T", "-p", str(target.port), "-l", target.user]
    return subprocess.Popen(
        [*argv, "--", target.addr, _script(marker, as_root=target.user == "root")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _script(marker: str, *, as_root: bool) -> str:
    """Return the remote command; the marker, hexadecimal digits, is all the data in it."""
    find = f"grep -lzxF {MARK}={marker} /proc/[0-9]*/environ 2>/dev/null"
    script = (
        "for s in TERM KILL; do "
        f'f=$({find}); [ -n "$f" ] || break; '
        'for e in $f; do p=${e#/proc/}; kill -$s "${p%/environ}" 2>/dev/null; done; '
        "[ $s = KILL ] || sleep 0.5; done"
    )
    return f"exec {'' if as_root else 'sudo -n '}/bin/sh -c '{script}'"
