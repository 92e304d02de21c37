"""What the invoker has around it: its own file, environment, limits and signals. None is trusted.

Whoever calls it by sudo has chosen the environment as far as sudo lets it through, the limits, the
signals that are ignored, the directory and what is open.
"""

from __future__ import annotations

import os
import resource
import signal
import stat
from typing import Dict, Sequence

from .document import Refused

# Without /usr/local, where on Debian a group may write.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TASK = "CEPH_ORCH_TASK"
_ENDLESS = (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA, resource.RLIMIT_AS)
_OPEN_FILES = 1024


def refuse_arguments(arguments: Sequence[str]) -> None:
    """Refuse any argument: what is asked for comes as a document. Raises ``Refused``."""
    if arguments:
        raise Refused("It takes no arguments: what is asked for is a JSON document on its input.")


def refuse_strangers(path: str, user: int) -> None:
    """Raise ``Refused`` unless root runs this file, and nobody else can have written it."""
    if user != 0:
        raise Refused(f"Only root may run this: `sudo -n {path}`.")
    problem = who_may_write(path)
    if problem:
        raise Refused(f"{problem}. As root, install the invoker again.")


def who_may_write(path: str) -> str:
    """Return how others than root could put something in a file's place, or an empty text."""
    if not os.path.isabs(path):
        return f"{path} is not a whole path"
    parts = path.rstrip("/").split("/")
    for end in range(len(parts), 0, -1):
        place = "/".join(parts[:end]) or "/"
        try:
            state = os.lstat(place)
        except OSError as error:
            return f"{place} cannot be looked at: {error.strerror}"
        if stat.S_ISLNK(state.st_mode):
            return f"{place} is a link"
        if state.st_uid != 0:
            return f"{place} does not belong to root"
        # In a sticky directory nobody can replace what is root's.
        sticky = stat.S_ISDIR(state.st_mode) and state.st_mode & stat.S_ISVTX
        if state.st_mode & 0o022 and not sticky:
            return f"{place} may be written by others than root"
    return ""


def environment(mark: str) -> Dict[str, str]:
    """Return all that programs which are run from here find in their environment."""
    marked = {TASK: mark} if mark else {}
    return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", "LOGNAME": "root", **marked}


def clear(mark: str) -> None:
    """Leave nothing of what the caller has chosen."""
    os.environ.clear()
    os.environ.update(environment(mark))
    os.chdir("/")
    os.umask(0o022)
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE):
            _default(number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for kind in _ENDLESS:
        _raise_limit(kind, resource.RLIM_INFINITY)
    _raise_limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _default(number: int) -> None:
    try:
        # Python has a handler of its own for an interrupt, as for a pipe that is closed.
        handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, handler)
    except (OSError, ValueError):
        # Numbers that the C library keeps for itself.
        return


def _raise_limit(kind: int, least: int) -> None:
    """Raise a limit that is below; one that may not be raised stays as it is."""
    soft, hard = resource.getrlimit(kind)
    if soft == resource.RLIM_INFINITY or (least != resource.RLIM_INFINITY and soft >= least):
        return
    endless = least == resource.RLIM_INFINITY
    most = least if endless or (hard != resource.RLIM_INFINITY and hard < least) else hard
    try:
        resource.setrlimit(kind, (least, most))
    except (OSError, ValueError):
        return
