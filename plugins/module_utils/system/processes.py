"""Read what a daemon's process uses, from /proc."""

from __future__ import annotations

import os
import re
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Sequence

from .reading import Roots, link_name, list_dir, read_bytes, read_lines, to_int

# A daemon binds its ports when it starts, so its listening sockets have low numbers; an OSD with
# thousands of connections is not searched to the end.
_DESCRIPTORS = 512
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_LISTENING = "0A"


class Processes:
    """The processes of a host as /proc shows them at one moment."""

    def __init__(self, roots: Roots) -> None:
        self._proc = roots.proc
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._boot = self._boot_time()
        self._sockets: Optional[Dict[str, int]] = None

    def describe(self, pid: int) -> Dict[str, Any]:
        """Return memory, processor share, start, ports and program of a process.

        A process that does not exist has none of them.
        """
        fields = self._stat(pid) if pid > 0 else []
        if len(fields) < 20:
            return {
                "memory_usage": 0,
                "cpu_percentage": "",
                "started": "",
                "ports": [],
                "program": "",
            }
        started = self._boot + to_int(fields[19]) / self._ticks
        return {
            "memory_usage": self._memory(pid),
            "cpu_percentage": self._share(fields, started),
            "started": iso_time(started),
            "ports": self._ports(pid),
            "program": self._program(pid),
        }

    def _stat(self, pid: int) -> List[str]:
        """Return the fields after the process's name, which may itself hold blanks and brackets."""
        text = read_bytes(f"{self._proc}/{pid}/stat", 4096).decode("ascii", "replace")
        return text.rpartition(")")[2].split()

    def _boot_time(self) -> float:
        for line in read_lines(os.path.join(self._proc, "stat")):
            if line.startswith("btime "):
                return float(to_int(line[6:]))
        return 0.0

    def _memory(self, pid: int) -> int:
        fields = read_bytes(f"{self._proc}/{pid}/statm", 4096).split()
        return to_int(fields[1]) * self._page if len(fields) > 1 else 0

    def _share(self, fields: Sequence[str], started: float) -> str:
        used = (to_int(fields[11]) + to_int(fields[12])) / self._ticks
        lived = datetime.now(timezone.utc).timestamp() - started
        return f"{100 * used / lived:.2f}%" if lived > 0 else ""

    def _program(self, pid: int) -> str:
        try:
            return os.readlink(f"{self._proc}/{pid}/exe")
        except OSError:
            return ""

    def _ports(self, pid: int) -> List[int]:
        if self._sockets is None:
            self._sockets = self._listening()
        directory = f"{self._proc}/{pid}/fd"
        numbers = sorted(to_int(name, 1 << 30) for name in list_dir(directory))
        ports = set()
        for number in numbers[:_DESCRIPTORS]:
            match = _SOCKET.fullmatch(link_name(f"{directory}/{number}"))
            if match and match.group(1) in self._sockets:
                ports.add(self._sockets[match.group(1)])
        return sorted(ports)

    def _listening(self) -> Dict[str, int]:
        """Return the port of each listening TCP socket by the socket's number."""
        sockets = {}
        for name in ("tcp", "tcp6"):
            for line in read_lines(f"{self._proc}/net/{name}", 16 << 20)[1:]:
                fields = line.split()
                if len(fields) > 9 and fields[3] == _LISTENING:
                    sockets[fields[9]] = to_int(int(fields[1].rpartition(":")[2], 16))
        return sockets


def iso_time(seconds: float) -> str:
    """Return a time as Ceph writes it: UTC with microseconds and a Z; nothing for an absurd one."""
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
