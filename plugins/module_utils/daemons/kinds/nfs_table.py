"""The table in the cluster in which gateways of an NFS service agree on grace periods.

A gateway that is in it and does not run holds the others up: after one that was stopped nobody can
open files until it is back, and one that starts waits for it. So a gateway enters the table before
it starts, and leaves it before it is stopped: then it closes its sessions with CephFS too, which
else keep for minutes what its clients had open. One that is restarted stays in it, for its clients
then take back what they had. NFS-Ganesha's own tool changes the table; what has come of it is read
from the table, for the tool may end with an error when it has done its work.
"""

from __future__ import annotations

import re
from typing import List

from ...system.command import Answer, find_program, run
from ...system.reading import clean
from .base import DaemonRefused
from .nfs_conf import POOL, exports_of

TABLE = "grace"
TOOL = "ganesha-rados-grace"
# What a gateway writes down of its clients, in an object of its own for each period.
_PERIOD = re.compile(r"rec-[0-9a-f]{16}:(.+)")
# ENOENT: `ceph nfs cluster rm` has deleted it with all else, or somebody the pool.
_NO_TABLE = re.compile(r"^(Failure|rados_ioctx_create): -2$", re.MULTILINE)
_NO_POOL = "(2) No such file or directory"
_ROW = re.compile(r"(\S+)\t[N ][E ]")
_TIMEOUT = 30.0
# In so many seconds a gateway gives its clients' state and file systems back.
STOPS_WITHIN = 15
# Its tool may crash, and be right the next time.
_TRIES = 3

# systemd runs it before a gateway starts, to stop it, and after it has ended.
SCRIPT = """\
#!/bin/sh
# Made by ceph-orch-ansible: the place of this gateway in the table of its service's grace periods.
table() {{ timeout 20 {tool} --userid nfs.{id} --pool {pool} --ns {namespace} "$@"; }}
# The tool may crash before what it has read is out.
dump() {{ for _ in 1 2 3; do table dump | grep -A 2000 ^cur= && return; done; }}
is_there() {{ dump | cut -f 1 | grep -qxF {id}; }}
# Not when it is restarted, or has failed and is started again: clients take back what they had.
is_stopped() {{ systemctl list-jobs --plain --no-legend {unit} | grep -q ' stop '; }}
leave() {{ ! is_there || table remove {id} || ! is_there; }}
case "$1" in
join)
  is_there || table add {id} || is_there
  ;;
stop)
  # Before its end: one that is in the table leaves its sessions to CephFS, for when it is back.
  ! is_stopped || leave
  kill -TERM "$MAINPID" || exit 0
  # One that has exported buckets hangs at its very end, when all else is done.
  timeout {patience} tail -s 0.2 -f --pid="$MAINPID" /dev/null || kill -KILL "$MAINPID"
  ;;
leave)
  ! is_stopped || leave
  ;;
esac
"""


class Unreachable(Exception):
    """Say why the cluster did not do what was asked."""


class GraceTable:
    """What a service keeps in the cluster, as one of its gateways may see and change it."""

    def __init__(self, daemon_id: str, namespace: str) -> None:
        self._id, self._namespace = daemon_id, namespace

    def script(self, unit: str) -> str:
        """Return the program that systemd runs."""
        return SCRIPT.format(
            tool=find_program(TOOL) or f"/usr/bin/{TOOL}",
            id=self._id,
            pool=POOL,
            namespace=self._namespace,
            patience=STOPS_WITHIN,
            unit=unit,
        )

    def make_exports(self) -> None:
        """Make the list of exports where there is none: a gateway does not start without it.

        Raises ``DaemonRefused``.
        """
        name = exports_of(self._namespace)
        for verb in ("stat", "create", "stat"):
            answer = self._rados(verb, name)
            if verb == "stat" and answer.status == 0:
                return
        raise DaemonRefused(
            f"The object {name} in the pool {POOL} cannot be made: "
            f"{_said(answer)}. The gateway would not start without it."
        )

    def leave(self) -> None:
        """Take the gateway out of the table, with what it wrote down of its clients.

        The table goes with the last one. Raises ``Unreachable``.
        """
        for _ in range(_TRIES):
            if self._id not in self._members():
                break
            self._tool("remove", self._id)
        else:
            if self._id in self._members():
                raise Unreachable(f"{TOOL} does not take it out of the table")
        answer = self._rados("ls")
        if answer.status != 0 and _NO_POOL in answer.err:
            return
        if answer.status != 0:
            raise Unreachable(_said(answer))
        for name in answer.out.splitlines():
            match = _PERIOD.fullmatch(name)
            if match is not None and match.group(1) == self._id:
                self._rados("rm", name)
        if not self._members():
            self._rados("rm", TABLE)

    def _members(self) -> List[str]:
        """Return the gateways that are in the table; raises ``Unreachable``."""
        for _ in range(_TRIES):
            answer = self._tool("dump")
            lines = answer.out.splitlines()
            if lines and lines[0].startswith("cur="):
                return [each.group(1) for each in map(_ROW.fullmatch, lines) if each is not None]
            if _NO_TABLE.search(answer.err):
                return []
        raise Unreachable(_said(answer))

    def _tool(self, *words: str) -> Answer:
        own = ["--userid", f"nfs.{self._id}", "--pool", POOL, "--ns", self._namespace]
        return run([TOOL, *own, *words], _TIMEOUT)

    def _rados(self, *words: str) -> Answer:
        own = ["--id", f"nfs.{self._id}", "-p", POOL, "-N", self._namespace]
        return run(["rados", *own, *words], _TIMEOUT)


def _said(answer: Answer) -> str:
    """Return what a program says went wrong."""
    lines = [each.strip() for each in (answer.err or answer.out).splitlines() if each.strip()]
    return clean(lines[-1] if lines else answer.problem, 300).rstrip(".")
