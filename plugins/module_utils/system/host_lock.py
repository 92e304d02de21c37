"""Let one run at a time work on a part of a host, and let that work outlive who began it.

The lock is an open file. The work holds it too, as its standard input: when the module that began
the work is killed, the work goes on to its end, and the next run waits for that.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from typing import Iterable, List, Mapping, Optional, Sequence

from .command import SEARCH_PATH, Answer, find_program
from .json_cache import RUN_DIR

# For so long (seconds) who changes disks waits for another run. A host whose network was cut
# does not hear that its job has failed: what waits there for longer acts when nobody expects it.
SOON = 20.0

# What a run that makes OSDs is at from its begin on, while it has no lock of the disks too.
CREATION = "osd-creation"

_INTERVAL = 0.1
_TEXT_LIMIT = 1 << 20


class HostIsBusy(Exception):
    """Say that somebody else works on this part of the host."""


class HostLock:
    """The right to change a part of this host, for as long as the ``with`` lasts.

    ``part`` is what is worked on, in the plural: disks, daemons, packages.
    """

    def __init__(self, timeout: float, directory: str = RUN_DIR, part: str = "disks") -> None:
        self._timeout = timeout
        self._part = part
        self.directory = directory
        self.descriptor = -1

    def __enter__(self) -> HostLock:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        path = os.path.join(self.directory, f"{self._part}.lock")
        self.descriptor = os.open(path, flags, 0o600)
        deadline = time.monotonic() + self._timeout
        while not self._take():
            if time.monotonic() > deadline:
                os.close(self.descriptor)
                raise HostIsBusy(
                    f"Another run has worked on the {self._part} of this host for more than "
                    f"{self._timeout:g} s. "
                    "Look with `systemctl list-units 'ceph-orch-*'`, and try again when it is done."
                )
            time.sleep(_INTERVAL)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Marked:
    """Say that a run is at a part of this host, for as long as the ``with`` lasts.

    Several may be; none waits for another.
    """

    def __init__(self, part: str, directory: str = RUN_DIR) -> None:
        self._path = os.path.join(directory, f"{part}.lock")
        self._descriptor = -1

    def __enter__(self) -> Marked:
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def is_at_work(part: str, directory: str = RUN_DIR) -> bool:
    """Tell whether a run has the lock of a part of this host, or has said that it is at it."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(os.path.join(directory, f"{part}.lock"), flags)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Detached:
    """A program that systemd runs, whatever becomes of this process.

    ``only`` are the devices that it may write to, where the kernel can hold it to that; without
    them it may do what it wants. ``description`` is what systemd lists it by, ``properties`` are
    more of the unit's settings.
    """

    def __init__(
        self,
        name: str,
        argv: Iterable[str],
        lock: HostLock,
        environment: Optional[Mapping[str, str]] = None,
        only: Sequence[str] = (),
        description: str = "",
        properties: Sequence[str] = (),
    ) -> None:
        self._unit = unit_name(name)
        self._output = os.path.join(lock.directory, f"{self._unit}.log")
        words = [f"--description={description}"] if description else []
        words += [f"--property={each}" for each in properties]
        self._argv = [*self._systemd_run(only, environment or {}, words), *argv]
        self._problem = ""
        self._process: Optional[subprocess.Popen[bytes]] = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self._output, flags, 0o600), "wb") as stream:
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=lock.descriptor,
                    stdout=stream,
                    stderr=stream,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                self._problem = f"{self._argv[0]} cannot be started: {error}"

    def _systemd_run(
        self, only: Sequence[str], environment: Mapping[str, str], words: Sequence[str]
    ) -> List[str]:
        argv = [find_program("systemd-run") or "systemd-run", "--quiet", "--wait", "--collect"]
        argv += ["--pipe", f"--unit={self._unit}", *words]
        if only:
            argv += ["--property=DevicePolicy=closed"]
            allowed = ["char-* rwm", "block-* r", *(f"{path} rwm" for path in only)]
            argv += [f"--property=DeviceAllow={rule}" for rule in allowed]
        variables = {"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8", **environment}
        return [*argv, *(f"--setenv={name}={value}" for name, value in variables.items()), "--"]

    @property
    def is_running(self) -> bool:
        """Tell whether the program was still at work when it was last waited for."""
        return self._process is not None and self._process.returncode is None

    def result(self, timeout: float) -> Answer:
        """Wait for the end, at most for so many seconds; then the program is left to itself."""
        if self._process is None:
            return Answer(problem=self._problem)
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return Answer(
                problem=f"it still runs after {timeout:g} s as {self._unit}.service; run this "
                "again to wait for it"
            )
        with open(self._output, "rb") as stream:
            text = stream.read(_TEXT_LIMIT).decode("utf-8", "replace")
        os.unlink(self._output)
        return Answer(text, text, f"it ended with status {status}" if status else "")


def unit_name(name: str) -> str:
    """Return a name for the unit, whatever the disk is called."""
    return "ceph-orch-" + re.sub(r"[^A-Za-z0-9.-]", "_", name)
