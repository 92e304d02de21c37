"""The command ``ceph``, asked with a bounded time; and what is asked of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Sequence

from adapter.errors import AdapterError, NotReady
from adapter.programs import CompletedProcess, TimeoutExpired, run_program

CONNECT_TIMEOUT = 10
CALL_TIMEOUT = 40.0
# What it says where no monitor answers, or not enough of them do.
UNCONNECTED = "error connecting to the cluster"
NO_KEY = (
    "; this host has no keyring that the monitors accept: run it where the administrator's is "
    "(/etc/ceph/ceph.client.admin.keyring, hosts with the label _admin)"
)
# How librados says so: without a keyring, with one that is refused.
_REFUSED = ("[errno 1]", "[errno 2]", "[errno 13]")
NO_QUORUM = (
    "; without a quorum the monitors do not answer: `systemctl start ceph-mon@ID` on their hosts "
    "(docs/troubleshooting.md, No quorum)"
)

# The option that names the backend.
OPTION = "mgr/orchestrator/orchestrator"
# What `ceph orch` says without a backend, and where its module is not enabled.
NO_BACKEND = ("No orchestrator configured", "Module not found")
# What `ceph` says while a manager starts or changes; it is then asked again.
Pause = Callable[[float], None]


class CephError(NotReady):
    """Pass on why ``ceph``, or another program, failed; ``status`` is its exit status."""

    def __init__(self, words: List[str], reason: str, status: int, program: str = "ceph") -> None:
        super().__init__(f"`{' '.join([program, *words])}` failed: {reason.rstrip('.')}.")
        self.reason, self.status = reason, status

    @property
    def is_without_key(self) -> bool:
        """Tell whether the monitors were not asked, for this host has no key for them."""
        return is_without_key(self.reason)

    def __reduce__(self) -> Any:
        return AdapterError.__reduce__(self)


class Ceph:
    """The cluster as ``ceph`` reaches it from this host."""

    def __init__(self, program: str = "ceph", known_as: Sequence[str] = ()) -> None:
        self._program, self._known_as = program, known_as

    def known_as(self, entity: str, keyring: str) -> Ceph:
        """Return the same with another key than the administrator's, from a file of this host."""
        return Ceph(self._program, ("--name", entity, "--keyring", keyring))

    def __call__(self, *words: str, timeout: float = CALL_TIMEOUT, given: str = "") -> str:
        """Run ``ceph WORDS...`` and return its output; ``given`` is what it reads.

        Raises ``NotReady`` where there is no ``ceph``, ``CephError`` with its reason.
        """
        argv = [self._program, *self._known_as, "--connect-timeout", str(CONNECT_TIMEOUT), *words]
        done = _run("ceph", argv, words, timeout, given)
        if done.returncode:
            reason = _reason(done.stderr or done.stdout)
            more = NO_QUORUM if UNCONNECTED in reason else ""
            more = NO_KEY if is_without_key(reason) else more
            raise CephError([*words], reason + more, done.returncode)
        return done.stdout

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS; raises ``NotReady``, ``CephError``."""
        place = [f"--pool={pool}", f"--namespace={namespace}", "get", name, "-"]
        done = _run("rados", ["rados", *self._known_as, *place], place, CALL_TIMEOUT)
        if done.returncode:
            reason = _reason(done.stderr or done.stdout)
            raise CephError(place, reason, done.returncode, "rados")
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run ``ceph WORDS... --format json`` and return the data."""
        text = self(*words, "--format", "json")
        try:
            return json.loads(text)
        except ValueError as error:
            raise CephError([*words], "its answer is not JSON", 0) from error


def is_without_key(reason: str) -> bool:
    """Tell whether ``ceph`` had no key that the monitors accept, by its reason."""
    return UNCONNECTED in reason and reason.startswith(_REFUSED)


def _run(
    program: str, argv: Sequence[str], words: Sequence[str], timeout: float, given: str = ""
) -> CompletedProcess[str]:
    """Run a program of the package ceph-common; ``words`` are those that an error names.

    Raises ``NotReady`` where it is not there, ``CephError`` without an answer in time (seconds).
    """
    try:
        return run_program([*argv], timeout, given=given)
    except TimeoutExpired:
        reason = f"no answer within {timeout:g} s{NO_QUORUM}"
        raise CephError([*words], reason, 110, program) from None
    except OSError as error:
        raise NotReady(
            f"`{program}` cannot be run: {error.strerror}.",
            "Run this where the package ceph-common and an admin keyring are.",
        ) from error


def _reason(text: str) -> str:
    """Return ceph's own line: the one that begins with Error, or the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("Error ", "[errno"))]
    return (errors or lines or ["no reason given"])[-1]


@dataclass(frozen=True)
class Managers:
    """What the manager map says of a module.

    ``unable`` have found it and cannot run it; ``unloaded`` of these give no reason: its files
    could not be loaded when they started. ``gids`` are other ones each time that a manager starts.
    """

    module: str
    active: str
    ready: bool
    enabled: bool
    having: List[str]
    lacking: List[str]
    problem: str
    unable: List[str] = field(default_factory=list)
    unloaded: List[str] = field(default_factory=list)
    gids: Dict[str, int] = field(default_factory=dict)

    @classmethod
    def ask(cls, ceph: Ceph, module: str) -> Managers:
        """Read the manager map."""
        data = ceph.json("mgr", "dump")
        active = str(data.get("active_name") or "")
        having: List[str] = []
        lacking: List[str] = []
        unable: List[str] = []
        unloaded: List[str] = []
        problem = ""
        standbys = data.get("standbys") or []
        managers = [(active, data.get("available_modules") or [])] if active else []
        managers += [
            (str(each.get("name")), each.get("available_modules") or []) for each in standbys
        ]
        gids = {str(each.get("name")): int(each.get("gid") or 0) for each in standbys}
        if active:
            gids[active] = int(data.get("active_gid") or 0)
        for name, modules in managers:
            entry = next((each for each in modules if each.get("name") == module), None)
            (lacking if entry is None else having).append(name)
            if entry is not None and not entry.get("can_run", True):
                unable.append(name)
                why = str(entry.get("error_string") or "")
                unloaded += [] if why else [name]
                problem = problem or f"manager {name}: {why or _unloaded(name, module)}"
        return cls(
            module=module,
            active=active,
            ready=bool(data.get("available")),
            enabled=module in (data.get("modules") or []),
            having=having,
            lacking=lacking,
            problem=problem,
            unable=unable,
            unloaded=unloaded,
            gids=gids,
        )


def _unloaded(manager: str, module: str) -> str:
    """Return why a manager cannot run a module of which it says nothing."""
    return (
        f"it could not load the files of the module {module} when it started; "
        f"`systemctl restart ceph-mgr@{manager}` on its host lets it load them again"
    )


def orchestrator_status(ceph: Ceph) -> Dict[str, Any]:
    """Return what ``ceph orch status`` says; without a backend, ``{"backend": ""}``.

    So it is also where no manager can load Ceph's orchestrator, or the active one cannot and no
    backend is set that another one could have; ``reason`` then tells why.
    """
    try:
        data = ceph.json("orch", "status")
    except CephError as error:
        if any(sentence in error.reason for sentence in NO_BACKEND):
            return {"backend": ""}
        managers = Managers.ask(ceph, "orchestrator")
        reason = _none_can(managers)
        if not reason and managers.active in managers.unable and not set_backend(ceph):
            # Of an upgrade from Debian 13 that was cut off: the standby has the new release.
            reason = managers.problem
        if reason:
            return {"backend": "", "reason": reason}
        raise
    return data if isinstance(data, dict) else {"backend": ""}


def set_backend(ceph: Ceph) -> str:
    """Return the backend that the monitors' configuration names, or nothing."""
    rows = ceph.json("config", "dump")
    return next((str(row.get("value") or "") for row in rows if row.get("name") == OPTION), "")


def without_orchestrator(ceph: Ceph) -> str:
    """Return why no manager can load Ceph's orchestrator; nothing where one can, or none is there.

    Debian 13's managers can load none, and to `ceph` each of its commands is an invalid one.
    """
    return _none_can(Managers.ask(ceph, "orchestrator"))


def _none_can(managers: Managers) -> str:
    """Return why none of the managers that are there can load a module, if that is so."""
    there = {*managers.having, *managers.lacking}
    return managers.problem if there and there == {*managers.unable} else ""


def until(
    done: Callable[[], bool],
    seconds: float,
    *,
    pause: Pause = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Ask again and again until ``done``; return nothing, or the last reason why not.

    What ``ceph`` cannot answer for the moment counts as not yet.
    """
    end, reason = clock() + seconds, "it did not answer"
    while True:
        try:
            if done():
                return ""
        except CephError as error:
            reason = error.reason
        if clock() >= end:
            return reason
        pause(1.0)
