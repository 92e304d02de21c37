"""The interpreter that runs the playbooks: has it what they need, and may ceph run it?"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import List, Optional, Tuple

from adapter.cli.needs import NEEDED, how_to_get, numbers
from adapter.errors import AdapterError, InvalidValue, NotReady
from adapter.programs import TimeoutExpired, run_program

# What the service file of ceph-mgr hides from it (ProtectHome), or gives it anew (PrivateTmp).
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - nothing is put there
_LONGEST = 120  # The kernel reads so much of a script's first line, and Python's options follow.
_ASK = """\
import importlib, importlib.metadata, sys
for name in sys.argv[1:]:
    module, _, where = name.partition("=")
    try:
        importlib.import_module(module)
        if where:
            version = importlib.import_module(where).__version__
        else:
            version = importlib.metadata.version(module.replace("_", "-").replace("yaml", "pyyaml"))
    except Exception as error:
        version = "none: %s" % error
    print(module, version.splitlines()[0])
"""
_ASK_TIMEOUT = 60.0
# Debian 13's ansible-runner 2.4.1 calls itself 0.0.0: what a package does not say is not too old.
UNSAID = (0, 0)


def check_name(python: str) -> None:
    """Raise ``InvalidValue`` for a path that cannot stand in a script's first line."""
    if not python.startswith("/") or len(python) > _LONGEST or len(python.split()) != 1:
        raise InvalidValue(
            "interpreter",
            python,
            f"it is not an absolute path without spaces of at most {_LONGEST} characters",
            "Name another one with --python.",
        )


def check_interpreter(python: str, user: Optional[Tuple[int, int]]) -> None:
    """Raise ``NotReady`` if it lacks something, or the user (uid and gid) may not run it."""
    if not os.access(python, os.X_OK):
        raise NotReady(
            f"There is no interpreter {python} that could be run.",
            "Install it again, or name another one with --python.",
        )
    missing = missing_packages(python)
    if missing:
        raise NotReady(
            f"{python} lacks what runs the playbooks: {'; '.join(missing)}.", how_to_get(python)
        )
    reason = out_of_reach(python, user) if user else ""
    if reason:
        raise NotReady(
            f"ceph-mgr cannot run {python}: {reason}.",
            "Make the environment where the user ceph can enter, for example below /opt.",
        )


def missing_packages(python: str) -> List[str]:
    """Return what that interpreter cannot import, or has too old, each with its package."""
    wanted = [f"{name}={where}" for name, where, _, _ in NEEDED]
    try:
        done = run([python, "-I", "-c", _ASK, *wanted], _ASK_TIMEOUT)
    except AdapterError as error:
        return [error.message.rstrip(".")]
    found = dict(line.split(" ", 1) for line in done.splitlines() if " " in line)
    lines = []
    for name, _, least, package in NEEDED:
        version = found.get(name, "none: no answer")
        if version.startswith("none: "):
            lines.append(f"{name} cannot be imported ({version[6:]}; package {package})")
        elif least and UNSAID != numbers(version) < numbers(least):
            lines.append(f"{name} is {version}, {least} is needed (package {package})")
    return lines


def out_of_reach(python: str, user: Tuple[int, int]) -> str:
    """Return why a user (uid and gid) cannot run an interpreter as ceph-mgr does, or nothing."""
    for path in (Path(python), Path(python).resolve()):
        for top in HIDDEN:
            if Path(top) in path.parents:
                return f"its service file hides {top} from it"
        for each in (*reversed(path.parents), path):
            if not _may_run(each.stat(), *user):
                return f"the user ceph may not enter or run {each}"
    return ""


def _may_run(found: os.stat_result, uid: int, gid: int) -> bool:
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def own_environment() -> str:
    """Return this interpreter if it is that of a virtual environment, else nothing."""
    return sys.executable if sys.prefix != sys.base_prefix else ""


def run(argv: List[str], timeout: float) -> str:
    """Run a program of this host and return its output; raises ``AdapterError`` on one line."""
    try:
        done = run_program(argv, timeout, cwd="/")
    except TimeoutExpired as error:
        raise NotReady(f"{argv[0]} did not end within {timeout:g} s.") from error
    except OSError as error:
        raise NotReady(f"{argv[0]} cannot be run: {error.strerror}.") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise NotReady(f"{argv[0]} failed ({done.returncode}): {words[-1]}.")
    return done.stdout
