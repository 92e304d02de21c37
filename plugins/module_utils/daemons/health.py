"""Wait until daemons do their work, and say of those that do not what they lack."""

from __future__ import annotations

import os
import time

from ..cluster.admin_socket import ask
from ..cluster.storage_state import storage_lack
from ..system.command import find_program, last_line, run
from ..system.listening import holders, listens
from ..system.reading import clean, to_int
from ..systemd.faults import is_skipped
from ..systemd.last_words import words_of
from ..systemd.units import has_failed, reason_skipped, runs, show_units
from .mon.views import own_view

_INTERVAL = 0.1
_ASK_TIMEOUT = 2.0
_CONNECT_SECONDS = 10
# A daemon that cannot run, and that nobody can ask, ends within this time.
_SETTLE = 1.5
# A manager that stands by knows no more than its version; it answers once it had the monitors'
# configuration, and ends when its key is refused.
_COMMANDS = {"mon": "mon_status", "mgr": "version", "mds": "status"}
_LACKS = {
    "mon": "it runs, but has not joined the quorum",
    "mgr": "it runs, but has not reached the monitors",
    "mds": "it runs, but the monitors have not taken it up",
    "rgw": "it runs, but does not listen on its port",
}


def can_be_asked(kind):
    """Tell whether it can be seen of daemons of a kind that they do their work."""
    return kind in _COMMANDS or kind == "rgw"


class _Watched:
    """A daemon that is waited for, and since when its present process runs.

    ``hopeless`` is a sentence when waiting is of no use.
    """

    def __init__(self, wanted):
        self.daemon = wanted.daemon
        self.port = wanted.port
        self.others = wanted.others
        self.must_answer = getattr(wanted, "must_answer", False)
        self.hopeless = ""
        self._pid = ""
        self._since = 0.0

    def works(self, proc, state, now):
        """Tell whether the daemon does its work; one that cannot be asked only has to stay."""
        if state.get("MainPID") != self._pid:
            self._pid, self._since = state.get("MainPID"), now
        answer = self._ask(proc)
        return now - self._since >= _SETTLE if answer is None else answer

    def _ask(self, proc):
        """Return whether the daemon works, None when there is no way to ask."""
        kind = self.daemon.kind.name
        if kind == "rgw":
            pid = to_int(self._pid)
            if not self.port:
                return listens(proc, pid)
            return any(holder.pid == pid for holder in holders(proc, self.port))
        if kind == "crash":
            self.hopeless = _reason_against_key(self.daemon)
            return not self.hopeless
        path = self.daemon.socket_path
        if kind not in _COMMANDS or not os.path.exists(path):
            # A monitor opens its store before it can be asked; that it stays is no word of others.
            return False if self.others or self.must_answer else None
        answer = ask(path, _COMMANDS[kind], _ASK_TIMEOUT)
        if kind == "mon":
            self.hopeless = split_off(self.daemon, answer, self.others)
        return is_at_work(kind, answer, self.others)


def _reason_against_key(daemon):
    """Ask the monitors something with the daemon's key: the collector itself needs it too late."""
    argv = [find_program("ceph") or "ceph", "--connect-timeout", str(_CONNECT_SECONDS)]
    argv += ["--name", daemon.entity, "--keyring", daemon.keyring_path, "mon", "versions"]
    answer = run(argv, 2.0 * _CONNECT_SECONDS)
    if not answer.problem:
        return ""
    reason = clean(last_line(answer.err), 300) or answer.problem
    return f"{daemon.unit}: it runs, but cannot report anything: {reason.rstrip('.')}."


def is_at_work(kind, answer, others=frozenset()):
    """Tell from a daemon's status whether it has its place in the cluster.

    A monitor must have one of ``others`` in its quorum, where there are any: nobody else tells it
    from one that leads a cluster of its own.
    """
    if kind == "mon":
        view = own_view(answer)
        return view is not None and bool(view.quorum & others if others else view.quorum)
    if kind == "mds":
        state = str(answer.get("state", ""))
        return state.startswith("up:") and state != "up:boot"
    return "version" in answer


def split_off(daemon, answer, others):
    """Return a sentence if a monitor leads a cluster of its own, where it should have joined."""
    view = own_view(answer)
    if view is None or not view.quorum or not others or view.quorum & others:
        return ""
    return (
        f"{daemon.unit}: it has formed a cluster of its own (monmap epoch {view.epoch}: "
        f"{', '.join(sorted(view.mons))}) instead of joining {', '.join(sorted(others))}. This "
        "happens when mon_initial_members names it. Remove mon_initial_members from "
        f"/etc/ceph/ceph.conf, then run `ceph orch daemon redeploy {daemon.name}`: it puts the "
        "store aside and lets the monitor join."
    )


def wait_at_work(roots, wanted, seconds):
    """Wait for daemons; return a sentence by unit for each that does not work."""
    waiting = {one.daemon.unit: _Watched(one) for one in wanted}
    deadline = time.monotonic() + seconds
    problems = {}
    while waiting:
        states = show_units(list(waiting))
        now = time.monotonic()
        for unit, state in states.items():
            watched = waiting[unit]
            if runs(state) and watched.works(roots.proc, state, now):
                del waiting[unit]
                continue
            problem = _problem_of(watched, state, now > deadline, seconds)
            if problem:
                wordless = watched.hopeless or is_skipped(state)
                problems[unit] = problem + ("" if wordless else words_of([unit]))
                del waiting[unit]
        if waiting:
            time.sleep(_INTERVAL)
    return problems


def _problem_of(watched, state, late, seconds):
    """Return what is wrong with a daemon, if anything is already."""
    name = watched.daemon.unit
    if has_failed(state):
        return f"{name} did not stay up."
    if watched.hopeless:
        return watched.hopeless
    if is_skipped(state):
        return reason_skipped(name)
    if not late:
        return ""
    if not runs(state):
        return f"{name} did not become active within {seconds:g} s."
    lack = _LACKS.get(watched.daemon.kind.name, "it runs, but does not answer")
    why = _lack_of_cluster(watched.daemon)
    return f"{name}: {lack} after {seconds:g} s{why}."


def _lack_of_cluster(daemon):
    """Return why no gateway could come up now, as the end of a sentence, or nothing."""
    if daemon.kind.name != "rgw":
        return ""
    lack = storage_lack(daemon.entity, daemon.keyring_path)
    return f": {lack}" if lack else ""
