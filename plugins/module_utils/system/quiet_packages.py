"""Keep packages from starting and restarting daemons while they change, and put that back.

Debian's packages ask ``/usr/sbin/policy-rc.d`` before they start a daemon. The file that is put
there forbids it only to the transaction that has our variable in its environment, and asks the
administrator's file otherwise: one that is left behind holds nobody else up. EL's packages of Ceph
restart daemons where ``/etc/sysconfig/ceph`` says so.

What is put aside is recorded on the host before. A run that is killed leaves the record, and the
next one puts everything back first.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import List, Mapping, Optional, Sequence

from .atomic_write import make_directory, read_record_text, read_whole, write_text
from .distribution import DEBIAN
from .reading import Roots
from .upgrade_record import record_path

SCHEMA = 1
VARIABLE = "CEPH_ORCH_QUIET"
ENVIRONMENT: Mapping[str, str] = {
    VARIABLE: "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    # needrestart restarts daemons whose libraries have changed.
    "NEEDRESTART_SUSPEND": "1",
    "NEEDRESTART_MODE": "l",
}
SAVED = ".ceph-orch-saved"
_MARK = "# Written by ceph-orch-ansible while packages of Ceph are upgraded."
_POLICY = f"""#!/bin/sh
{_MARK}
# It forbids the start of daemons to that upgrade alone.
[ "${{{VARIABLE}:-}}" = 1 ] && exit 101
[ -x SAVED ] && exec SAVED "$@"
exit 0
"""
_RESTARTS = "CEPH_AUTO_RESTART_ON_UPGRADE"


class RecordUnusable(Exception):
    """Say that nobody knows what an upgrade before has put aside."""


@dataclass(frozen=True)
class _Change:
    """A file that stands in the place of another one, or of none, for a while."""

    path: str
    text: str
    mode: int

    @property
    def saved(self) -> str:
        """Return where the file is that was there before."""
        return self.path + SAVED


def put(roots: Roots, family: str) -> None:
    """Keep packages quiet; raises ``OSError`` and ``RecordUnusable``."""
    put_back(roots)
    changes = _wanted(roots, family)
    data = {"schema": SCHEMA, "files": [each.path for each in changes]}
    write_text(record_path(roots), json.dumps(data, indent=2) + "\n", 0o644)
    _sync(record_path(roots))
    for each in changes:
        make_directory(os.path.dirname(each.path))
        if os.path.lexists(each.path):
            # At no time the administrator's file is missing.
            os.link(each.path, each.saved, follow_symlinks=False)
        write_text(each.path, each.text, each.mode)


def put_back(roots: Roots) -> bool:
    """Put back what was put aside; return whether anything was. Raises as ``put``."""
    paths = _recorded(roots)
    for path in paths or ():
        if os.path.lexists(path + SAVED):
            if _is_ours(path) or not os.path.lexists(path):
                os.replace(path + SAVED, path)
            else:
                # Somebody has written another one meanwhile.
                os.unlink(path + SAVED)
        elif _is_ours(path):
            os.unlink(path)
    if paths is None:
        return False
    os.unlink(record_path(roots))
    _sync(record_path(roots))
    return True


def _wanted(roots: Roots, family: str) -> List[_Change]:
    if family == DEBIAN:
        path = os.path.join(roots.usr, "sbin/policy-rc.d")
        return [_Change(path, _POLICY.replace("SAVED", path + SAVED), 0o755)]
    path = os.path.join(roots.etc, "sysconfig/ceph")
    lines = read_whole(path).splitlines()
    asked = [line for line in lines if line.strip().startswith(f"{_RESTARTS}=")]
    if not any(line.partition("=")[2].strip().strip("\"'") == "yes" for line in asked):
        return []
    kept = [line for line in lines if line not in asked]
    return [_Change(path, "\n".join([_MARK, *kept, f"{_RESTARTS}=no"]) + "\n", 0o644)]


def _is_ours(path: str) -> bool:
    try:
        return not os.path.islink(path) and _MARK in read_whole(path)
    except OSError:
        return False


def _recorded(roots: Roots) -> Optional[Sequence[str]]:
    """Return the files of the record, None without one."""
    path = record_path(roots)
    try:
        text = read_record_text(path)
    except OSError as error:
        raise RecordUnusable(f"{path}: {error.strerror}") from None
    if text is None:
        return None
    known = (
        os.path.join(roots.usr, "sbin/policy-rc.d"),
        os.path.join(roots.etc, "sysconfig/ceph"),
    )
    if not text.strip():
        # A host that lost its power as the record was made.
        return known
    try:
        files = json.loads(text)["files"]
    except (ValueError, KeyError, TypeError):
        raise RecordUnusable(f"{path} is not what was written there") from None
    if not isinstance(files, list) or not set(map(str, files)) <= {*known}:
        raise RecordUnusable(f"{path} names files that no upgrade puts aside")
    return [str(each) for each in files]


def _sync(path: str) -> None:
    handle = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
