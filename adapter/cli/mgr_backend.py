"""Make the installed module the orchestrator's backend, and undo it."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from adapter.cli.ceph import (
    OPTION,
    Ceph,
    CephError,
    Managers,
    orchestrator_status,
    set_backend,
    without_orchestrator,
)
from adapter.cli.cluster_lock import check_nobody_changes
from adapter.cli.mgr_holder import LOST, holder_of
from adapter.cli.mgr_records import (
    NAME,
    is_paused,
    kept_wishes,
    mark,
    mark_disabled,
    say_what_waits,
)
from adapter.cli.mgr_restarts import wait_until_back
from adapter.errors import NotReady

# A manager that respawns loads some thirty modules; on a slow host that takes a while.
MODULE_WAIT = 120.0
BACKEND_WAIT = 60.0

WHY_FORCE = (
    "The backend is set by `ceph config set mgr mgr/orchestrator/orchestrator ansible --force`:\n"
    "`ceph orch set backend` knows only the backends that come with Ceph (an enum in its own\n"
    "option) and refuses any other name; --force leaves out that check and nothing else."
)

Say = Callable[[str], None]
# Asks again and again for so many seconds; returns nothing, or why it is not so.
Until = Callable[[Callable[[], bool], float], str]


def enable(ceph: Ceph, say: Say, until: Until, *, replace: bool = False) -> str:
    """Enable the module, make it the backend, wait for both; return ``ceph orch status``."""
    _check_not_held(ceph)
    before = orchestrator_status_or_none(ceph)
    reason = without_orchestrator(ceph)
    if reason:
        raise NotReady(
            f"The managers of this cluster cannot load Ceph's orchestrator ({reason}).",
            "Use orch-ansible without a manager, or managers of another release "
            "(docs/versions.md).",
        )
    other = str(before.get("backend") or "")
    if other not in ("", NAME) and not replace:
        raise NotReady(
            f"The orchestrator's backend is '{other}'.",
            "Its hosts and services are not taken over; give --replace if that is what you want.",
        )
    managers = Managers.ask(ceph, NAME)
    if not managers.active:
        raise NotReady("No manager is active in this cluster.", "Start one: ceph-mgr@NAME.")
    wishes: List[str] = []
    if managers.enabled:
        say(f"The module {NAME} is enabled already.")
    else:
        wishes = kept_wishes(ceph)
        if wishes:
            # Whoever disabled it, and however lately: what runs may be somebody's work since.
            mark(ceph)
        _enable_module(ceph, managers, say)
    _wait_for_module(ceph, say, until, enabled_by_us=not managers.enabled)
    if other == NAME:
        say(f"The backend is {NAME} already.")
    else:
        say(WHY_FORCE)
        ceph("config", "set", "mgr", OPTION, NAME, "--force")
    reason = until(lambda: orchestrator_status(ceph).get("backend") == NAME, BACKEND_WAIT)
    if reason:
        raise NotReady(f"`ceph orch status` does not name the backend {NAME}: {reason}.")
    for name in Managers.ask(ceph, NAME).lacking:
        say(
            f"Warning: manager {name} does not have the module. Run `orch-ansible mgr install` on "
            "its host, or `ceph orch` stops when it becomes the active one."
        )
    if managers.enabled and is_paused(ceph):
        # Of an earlier time it was enabled, or an administrator's.
        wishes = kept_wishes(ceph)
    say_what_waits(ceph, say, until, wishes)
    return ceph("orch", "status")


def _check_not_held(ceph: Ceph) -> None:
    """Raise ``NotReady`` while a directory of this command has the hosts and services."""
    check_nobody_changes(ceph)
    holder = holder_of(ceph)
    if holder is not None:
        raise NotReady(
            f"Hosts and services of this cluster are held by {holder}.",
            f"Give them back there first: `orch-ansible mgr hand-back`. {LOST}",
        )


def orchestrator_status_or_none(ceph: Ceph) -> Dict[str, Any]:
    """Return the orchestrator's status; a backend that does not answer is known by its name.

    Without its module `ceph orch` says nothing of a backend, and the option is set all the same.
    """
    try:
        found = orchestrator_status(ceph)
    except CephError:
        found = {}
    if found.get("backend") or found.get("reason"):
        return found
    return {"backend": set_backend(ceph)}


def _enable_module(ceph: Ceph, managers: Managers, say: Say) -> None:
    say(f"Enabling the module {NAME}; the managers restart for that ...")
    try:
        ceph("mgr", "module", "enable", NAME)
    except CephError:
        if not managers.lacking and not managers.unloaded:
            raise
        # A manager looks for modules when it starts, and this makes it start again.
        ceph("mgr", "module", "enable", NAME, "--force")


def _wait_for_module(ceph: Ceph, say: Say, until: Until, *, enabled_by_us: bool) -> None:
    say("Waiting for the module to answer ...")
    managers, reason = Managers.ask(ceph, NAME), ""
    if enabled_by_us or managers.active not in (*managers.lacking, *managers.unloaded):
        # One that lacks it was started without it, and does not look again.
        reason = until(lambda: bool(ceph("ansible", "get-user").strip()), MODULE_WAIT)
        if not reason:
            return
        managers = Managers.ask(ceph, NAME)
    if managers.active and managers.active in (*managers.lacking, *managers.unloaded):
        if enabled_by_us:
            ceph("mgr", "module", "disable", NAME)
        raise NotReady(
            f"The active manager {managers.active} has not loaded the module {NAME}: a manager "
            "looks for modules only when it starts.",
            "If `orch-ansible mgr install` says on its host that nothing changes, restart it "
            f"(`systemctl restart ceph-mgr@{managers.active}`); then this again.",
        )
    raise NotReady(
        f"The module {NAME} does not answer: {managers.problem or _health(ceph) or reason}.",
        "See `ceph health detail` and the log of the active manager.",
    )


def _health(ceph: Ceph) -> str:
    """Return what the health says of the module, or nothing."""
    try:
        checks = ceph.json("health", "detail").get("checks") or {}
    except CephError:
        return ""
    for code in ("MGR_MODULE_ERROR", "MGR_MODULE_DEPENDENCY"):
        for line in (checks.get(code) or {}).get("detail") or []:
            if f"'{NAME}'" in str(line.get("message")):
                return str(line["message"]).rstrip(".")
    return ""


def disable(ceph: Ceph, say: Say, until: Until) -> None:
    """Disable the module, and clear the backend if it is ours; hosts and settings are kept.

    The module first: without a backend it would go on with what it was asked for. Returns when the
    managers have begun anew. Raises ``NotReady`` where that takes too long.
    """
    before = Managers.ask(ceph, NAME)
    reason = ""
    if before.enabled:
        ceph("mgr", "module", "disable", NAME)
        say(f"The module {NAME} is disabled; the managers restart for that ...")
        reason = wait_until_back(ceph, before, until)
    else:
        say(f"The module {NAME} is not enabled.")
    mark_disabled(ceph, say)
    if reason:
        raise NotReady(
            f"The module {NAME} is disabled, and {reason}.",
            "Look after that ceph-mgr, then `orch-ansible mgr disable` again; take no files away "
            "before.",
        )
    _clear_backend(ceph, before, say, until)
    if before.enabled:
        say(
            "Its hosts are kept for the next time; `orch-ansible mgr take-over` takes them into a "
            "directory, to go on without a manager."
        )


def _clear_backend(ceph: Ceph, managers: Managers, say: Say, until: Until) -> None:
    """Let `ceph orch` have no backend where it is ours."""
    if orchestrator_status_or_none(ceph).get("backend") != NAME:
        say(f"The backend is not {NAME}.")
        return

    def cleared() -> bool:
        ceph("orch", "set", "backend", "")
        return True

    if not managers.active:
        # Nobody is there to be told.
        ceph("config", "rm", "mgr", OPTION)
    else:
        reason = until(cleared, BACKEND_WAIT)
        if reason:
            raise NotReady(
                f"`ceph orch set backend ''` failed: {reason}.",
                "When a manager is active: `orch-ansible mgr disable` again.",
            )
    say("The orchestrator has no backend now.")


def cluster_status(ceph: Ceph) -> Dict[str, Any]:
    """Return what the cluster says of module and backend."""
    managers = Managers.ask(ceph, NAME)
    backend = orchestrator_status_or_none(ceph)
    return {
        "active_manager": managers.active,
        "managers_with_module": managers.having,
        "managers_without_module": managers.lacking,
        "enabled": managers.enabled,
        "backend": backend.get("backend") or "",
        "available": bool(backend.get("available")) and backend.get("backend") == NAME,
        "reason": str(backend.get("reason") or managers.problem or ""),
    }


def cluster_lines(status: Dict[str, Any]) -> List[str]:
    """Return the same as lines."""
    yes = {True: "yes", False: "no"}
    looks = ""
    if status["managers_without_module"] and not status["enabled"]:
        # Right after an installation that is every manager.
        looks = " (as read when each manager started; `orch-ansible mgr enable` starts them again)"
    return [
        f"Active manager   {status['active_manager'] or '-'}",
        f"Has the module   {', '.join(status['managers_with_module']) or '-'}",
        f"Lacks the module {', '.join(status['managers_without_module']) or '-'}{looks}",
        f"Module enabled   {yes[status['enabled']]}",
        f"Backend          {status['backend'] or '-'}",
        f"Available        {yes[status['available']]}"
        + (f" ({status['reason']})" if status["reason"] else ""),
    ]
