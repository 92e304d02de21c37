"""What hosts are at inside of a task that takes long: which packages are being installed.

A module says nothing before its end. The package manager runs as a unit of systemd, whose
description says what it does, so a host can be asked meanwhile, over the job's own connection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from adapter.engine.model import Target
from adapter.engine.outcomes import one_line

_EVERY = 3.0
_SECONDS = 3.0
_AT_A_TIME = 4
_LENGTH = 160
_OURS = ("installs ", "reads ")
_ASK = (
    "systemctl", "list-units", "--no-legend", "--plain", "--full", "--no-pager",
    "ceph-orch-packages.service",
)  # fmt: skip


class Doing(threading.Thread):
    """Ask the hosts that have been at the same task for some seconds.

    ``busy`` gives the task by host, ``tell`` is called with a host and what it does, once for each
    change; an empty text is that it does nothing of it any more.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        ssh_config: str,
        busy: Callable[[], Mapping[str, str]],
        tell: Callable[[str, str], None],
        *,
        every: float = _EVERY,
    ) -> None:
        super().__init__(name="doing", daemon=True)
        self._targets = {target.name: target for target in targets}
        self._ssh_config = ssh_config
        self._busy, self._tell = busy, tell
        self._every = every
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._asking: Optional[subprocess.Popen[str]] = None
        self._told: Dict[str, str] = {}

    def run(self) -> None:
        """Ask again and again until ``finish``."""
        before: Mapping[str, str] = {}
        while not self._done.wait(self._every):
            busy = dict(self._busy())
            for host, task in list(busy.items()):
                if len(self._told) >= _AT_A_TIME and host not in self._told:
                    continue
                if before.get(host) == task and host in self._targets:
                    self._look(self._targets[host])
            for host in [host for host in self._told if host not in busy]:
                self._say(host, "")
            before = busy

    def finish(self) -> None:
        """Ask nobody any more; what is being asked is ended."""
        self._done.set()
        with self._lock:
            if self._asking is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._asking.pid, signal.SIGKILL)

    def _look(self, target: Target) -> None:
        with self._lock:
            if self._done.is_set():
                return
            try:
                self._asking = process = subprocess.Popen(
                    self._argv(target),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    text=True,
                    errors="replace",
                )
            except OSError:
                return
        try:
            text, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            text = ""
        with self._lock:
            self._asking = None
        if process.returncode == 0:
            self._say(target.name, said(text))

    def _argv(self, target: Target) -> List[str]:
        if target.connection != "ssh":
            return list(_ASK)
        argv = ["ssh", "-F", self._ssh_config, "-o", "ControlMaster=no", "-T"]
        argv += ["-p", str(target.port), "-l", target.user, "--", target.addr]
        return [*argv, " ".join(_ASK)]

    def _say(self, host: str, text: str) -> None:
        if self._told.get(host, "") == text or self._done.is_set():
            return
        self._told[host] = text
        if not text:
            del self._told[host]
        with contextlib.suppress(OSError):
            self._tell(host, text)


def said(text: str) -> str:
    """Return what the unit does, from what systemd lists of it; nothing where it does not run."""
    for line in text.splitlines():
        words = line.split(None, 4)
        if len(words) == 5 and words[2] in ("active", "activating") and words[4].startswith(_OURS):
            return one_line(words[4], _LENGTH)
    return ""
