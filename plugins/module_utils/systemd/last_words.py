"""What a daemon said last: to the journal, and to its own log file where the journal is poor.

Nothing here is trusted: lines are bounded and printable, and no link is followed.
"""

from __future__ import annotations

import os
import re
import stat
import time
from typing import Iterable, List, Optional, Sequence, Tuple

from ..cluster.conf import cluster_name
from ..system.command import find_program, run
from ..system.reading import Roots, clean

_TIMEOUT = 30.0
# So many lines of the journal are read, so many different ones are shown.
_READ, _SHOWN = 20, 5
# With so many different lines the journal has said enough.
_ENOUGH = 3
_LOG_BYTES = 64 << 10
# A file that was written longer ago is of another start (seconds).
_FRESH = 600.0
# Ceph's servers log under their own kind; whoever else runs is a client of theirs.
_SERVERS = ("mon", "mgr", "osd", "mds")
# Units of Ceph's packages; ours do their work before a daemon's, and log to the journal alone.
_UNIT = re.compile(
    r"(?:ceph|cephfs)-(?!orch-)([a-z-]+)@([A-Za-z0-9_][A-Za-z0-9_.:-]{0,199})\.service"
)
# Time, thread and priority, as Ceph puts them before each line.
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d{4} [0-9a-f]+ +(-?\d+) ")
_INVOCATION = re.compile(r"[0-9a-f]{32}")
# What systemd says of how a start ended, beside much else.
_ENDED = re.compile(r"process exited|Failed at step |Failed to (run|spawn|locate)|timed out")
# A daemon says this when it begins.
_BEGINS = re.compile(r"\bceph version .*, process \S+, pid \d+")
_SAYS_WHY = re.compile(
    r"\b(error|fail(ed|ure|s)?|cannot|can't|could(n't| not)|unable)\b|\(\d+\) ", re.I
)


def words_of(units: Iterable[str], roots: Optional[Roots] = None) -> str:
    """Return the last lines that units wrote, as sentences to add."""
    words = []
    for unit in units:
        ended, process = _how_it_ended(unit)
        lines = _different(ended or _journal(unit))[-_SHOWN:]
        if lines:
            words.append(f" Last words of {unit}: {' | '.join(lines)}")
        more = _more_of(unit, lines, roots or Roots(), process)
        if more:
            words.append(f"{'.' if lines else ''} In the log file of {unit}: {' | '.join(more)}")
    return "".join(words)


def systemds_words(unit: str) -> str:
    """Return the last line that systemd wrote of a unit itself."""
    program = find_program("journalctl")
    lines = _lines(program, 1, f"UNIT={unit}", "_PID=1") if program else []
    return lines[-1] if lines else ""


def _how_it_ended(unit: str) -> Tuple[List[str], str]:
    """Return how systemd says that a daemon's last start ended that said nothing itself.

    What the journal has of the daemon then is of the start before, which somebody has stopped; so
    may be what its log file has: beside it is the process whose lines there are of this start.
    """
    systemctl, journalctl = find_program("systemctl"), find_program("journalctl")
    if not systemctl or not journalctl:
        return [], ""
    argv = [systemctl, "show", "--no-pager", "--property=InvocationID,ExecMainPID", "--", unit]
    said = dict(line.split("=", 1) for line in run(argv, _TIMEOUT).out.split() if "=" in line)
    start, process = said.get("InvocationID", ""), said.get("ExecMainPID", "")
    if not _INVOCATION.fullmatch(start) or _lines(
        journalctl, 1, f"_SYSTEMD_INVOCATION_ID={start}", f"_SYSTEMD_UNIT={unit}"
    ):
        return [], ""
    lines = _lines(journalctl, _READ, f"INVOCATION_ID={start}", f"UNIT={unit}")
    ended = [line for line in lines if _ENDED.search(line)]
    return ended, process if ended else ""


def _journal(unit: str) -> List[str]:
    """Return the last lines of a unit's daemon, or else what systemd says of the unit.

    That alone would push out the reason, which the daemon said before.
    """
    program = find_program("journalctl")
    if not program:
        return []
    return _lines(program, _READ, f"_SYSTEMD_UNIT={unit}") or _lines(
        program, _SHOWN, f"--unit={unit}"
    )


def _lines(program: str, count: int, *matches: str) -> List[str]:
    argv = [program, "--no-pager", "-q", "-o", "cat", "-n", str(count), *matches]
    lines = [clean(line) for line in run(argv, _TIMEOUT).out.splitlines()]
    return [line for line in lines if line]


def _different(lines: Sequence[str]) -> List[str]:
    """Return lines without those that say the same again later, whatever their time is."""
    last = {_STAMP.sub("", line, count=1): index for index, line in enumerate(lines)}
    return [lines[index] for index in sorted(last.values())]


def _more_of(unit: str, said: Sequence[str], roots: Roots, process: str) -> List[str]:
    """Return what the daemon's log file says in addition, where the journal has said little.

    Of a ``process``, where one is given, and of no other.
    """
    if len(said) >= _ENOUGH:
        return []
    found = [
        line for line in errors_of(unit, roots, process) if not any(line in each for each in said)
    ]
    return found[-_SHOWN:]


def errors_of(unit: str, roots: Roots, process: str = "") -> List[str]:
    """Return the errors in a daemon's log file since it began last, each once, without times.

    Where a ``process`` is given and another one began last there are none.
    """
    path = log_of(unit, roots)
    text = _tail(path) if path else ""
    lines = text.splitlines()
    begins = [index for index, line in enumerate(lines) if _BEGINS.search(line)]
    if process and not (begins and lines[begins[-1]].endswith(f", pid {process}")):
        return []
    errors = []
    for line in lines[begins[-1] + 1 if begins else 0 :]:
        stamp = _STAMP.match(line)
        if stamp and _is_error(int(stamp.group(1)), line[stamp.end() :]):
            errors.append(clean(line[stamp.end() :]))
    return _different([line for line in errors if line])


def _is_error(priority: int, text: str) -> bool:
    """Tell whether a line is one: Ceph says many of them at the priority of what is normal."""
    return priority < 0 or (priority == 0 and bool(_SAYS_WHY.search(text)))


def log_of(unit: str, roots: Roots) -> str:
    """Return the path of the file to which a unit's daemon logs by default, or an empty text."""
    match = _UNIT.fullmatch(unit)
    if not match:
        return ""
    kind = match.group(1) if match.group(1) in _SERVERS else "client"
    name = f"{cluster_name(roots)}-{kind}.{match.group(2)}.log"
    return os.path.join(roots.var, "log/ceph", name) if "/" not in name else ""


def _tail(path: str) -> str:
    """Return the end of a log file that was written just now, and that is a plain file itself.

    Its directory is the daemons': what else has this name there is not read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        about = os.fstat(handle)
        is_own = stat.S_ISREG(about.st_mode) and about.st_nlink == 1
        if not is_own or time.time() - about.st_mtime > _FRESH:
            return ""
        begin = max(about.st_size - _LOG_BYTES, 0)
        text = os.pread(handle, _LOG_BYTES, begin).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
    return text.partition("\n")[2] if begin else text
