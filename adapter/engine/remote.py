"""What is asked of hosts without Ansible, with plain ssh.

``python -m adapter.engine.remote JOBDIR`` ends on the hosts what a lost job left there.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

from adapter.engine import invoker
from adapter.engine.files import read_json
from adapter.engine.model import Request, Target
from adapter.engine.processes import REMOTE_MARK
from adapter.engine.ssh_reasons import last_line

_SECONDS = 3.5
_STEP = 0.02
_AT_A_TIME = 20
_COMPLAINT = 16384
_SSH_FAILED = 255
_MARKER = re.compile(r"[0-9a-f]{16}")


def end_on_hosts(targets: Sequence[Target], ssh_config: str, marker: str) -> None:
    """End what a job left running on hosts that are reached by ssh, within some seconds.

    Closing a connection does not end what was started through it. Everything that Ansible starts
    for a job carries the job's mark in its environment, so it can be found: it gets SIGTERM and,
    half a second later, SIGKILL. Hosts that do not answer are left alone.
    """
    if _MARKER.fullmatch(marker):
        _on_each(targets, ssh_config, lambda target: _end_command(target, marker))


def why_unreachable(targets: Sequence[Target], ssh_config: str) -> Dict[str, str]:
    """Return by host name why ssh cannot reach hosts, for those where it says so in seconds.

    Where ssh ends before Ansible has sent it the module, Ansible only says "Broken pipe".
    """
    said = _on_each(targets, ssh_config, lambda target: "true")
    reasons = {name: last_line(text) for name, text in said.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _on_each(
    targets: Sequence[Target], ssh_config: str, command: Callable[[Target], str]
) -> Dict[str, str]:
    """Run a command on each host; return by host name what ssh complained about."""
    waiting = [target for target in targets if target.connection == "ssh"]
    running: List[Tuple[Target, subprocess.Popen[bytes]]] = []
    said: Dict[str, str] = {}
    until = time.monotonic() + _SECONDS
    while (waiting or running) and time.monotonic() < until:
        while waiting and len(running) < _AT_A_TIME:
            target = waiting.pop()
            with contextlib.suppress(OSError):
                running.append((target, _start(target, ssh_config, command(target))))
        time.sleep(_STEP)
        for target, process in running:
            if process.poll() is not None:
                said[target.name] = _complaint(process)
        running = [(target, process) for target, process in running if target.name not in said]
    for _, process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _complaint(process)
    return said


def _start(target: Target, ssh_config: str, command: str) -> subprocess.Popen[bytes]:
    argv = ["ssh", "-F", ssh_config, "-o", "ControlMaster=no", "-T"]
    return subprocess.Popen(
        [*argv, "-p", str(target.port), "-l", target.user, "--", target.addr, command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _complaint(process: subprocess.Popen[bytes]) -> str:
    """Return what an ssh that has ended, or been killed, printed to its standard error."""
    with process:
        text = process.stderr.read(_COMPLAINT) if process.stderr is not None else b""
    return text.decode("utf-8", "replace") if process.returncode == _SSH_FAILED else ""


def _end_command(target: Target, marker: str) -> str:
    """Return the remote command; the marker, hexadecimal digits, is all the data in it."""
    if target.invoker:
        return f"exec /bin/sh -c '{invoker.end(marker)}'"
    find = f"grep -lzxF {REMOTE_MARK}={marker} /proc/[0-9]*/environ 2>/dev/null"
    script = (
        "for s in TERM KILL; do "
        f'f=$({find}); [ -n "$f" ] || break; '
        'for e in $f; do p=${e#/proc/}; kill -$s "${p%/environ}" 2>/dev/null; done; '
        "[ $s = KILL ] || sleep 0.5; done"
    )
    return f"exec {'' if target.user == 'root' else 'sudo -n '}/bin/sh -c '{script}'"


def main(job: Path) -> None:
    """End what the job in a directory left on its hosts; what cannot be read is left alone."""
    settings = read_json(job / "request.json")
    try:
        targets = Request.from_json(settings["request"]).targets
        end_on_hosts(targets, str(settings["ssh_config"]), str(settings["marker"]))
    except (KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"{job / 'request.json'} cannot be read: {error!r}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
