"""Health warnings: which there are, and what each says. Every one names host and reason."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.liveness import HostLiveness
from adapter.cluster.service_failures import ServiceFailure
from adapter.cluster.watch import Watch
from adapter.engine.base import Away
from adapter.errors import abridged

# `ceph health detail` is read by people and mailed around.
DETAIL_LINES = 50
DETAIL_LENGTH = 700
MESSAGE_LENGTH = 500

Checks = Dict[str, Dict[str, Any]]


@dataclass(frozen=True)
class Failure:
    """The last failed job of one operation on one host; ``summary`` says of what.

    ``unstarted`` are OSDs that were made and did not start, where nothing else went wrong: it is
    over when they are up, whoever started them.
    """

    operation: str
    host: str
    message: str
    job: str
    when: float
    summary: str = ""
    unstarted: FrozenSet[int] = frozenset()

    @property
    def what(self) -> str:
        """Return the operation, and what it was to do."""
        return f"{self.operation} ({self.summary})" if self.summary else self.operation


def when(epoch: float) -> str:
    """Return a time as it is written in warnings."""
    moment = datetime.datetime.fromtimestamp(epoch, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _check(summary: str, lines: List[str]) -> Dict[str, Any]:
    detail = [abridged(line, DETAIL_LENGTH) for line in lines[:DETAIL_LINES]]
    if len(lines) > DETAIL_LINES:
        detail.append(f"... and {len(lines) - DETAIL_LINES} more")
    return {"severity": "warning", "summary": summary, "count": len(lines), "detail": detail}


def _away(away: Away) -> str:
    changes = "wait" if away.queues else "are refused"
    return (
        f"{away.reason} Until this is over no job begins, and changes {changes}; what is shown is "
        "what was known before"
    )


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _broken(name: str, host: str, watch: Optional[Watch]) -> str:
    text = f"{name} on host {host} is in error"
    if watch is None or not watch.is_purged(name):
        return text
    return (
        f"{text}: this OSD is no longer in the cluster; `ceph orch device zap {host} "
        "DEVICE --force` erases what is left of it"
    )


def health_checks(
    *,
    unready: str = "",
    away: Optional[Away] = None,
    paused: Sequence[str] = (),
    offline: Mapping[str, HostLiveness],
    unreported: Mapping[str, str],
    failures: Mapping[Tuple[str, str], Failure],
    problems: Mapping[str, str],
    broken: Sequence[Tuple[str, str]] = (),
    foreign: Sequence[str] = (),
    cut_off: Mapping[str, str] = MappingProxyType({}),
    service_failures: Sequence[ServiceFailure] = (),
    unkept: Mapping[str, str] = MappingProxyType({}),
    waiting: Sequence[str] = (),
    undone: Sequence[str] = (),
    drains: Sequence[str] = (),
    watch: Optional[Watch] = None,
    stray_hosts: Sequence[str] = (),
    stray_daemons: Sequence[str] = (),
    late: Sequence[str] = (),
    untuned: Sequence[str] = (),
    in_maintenance: Sequence[str] = (),
    clocks: Sequence[str] = (),
    upgrade: Mapping[str, Sequence[str]] = MappingProxyType({}),
    upgrade_waits: Sequence[str] = (),
) -> Checks:
    """Return the checks for ``set_health_checks``: code to severity, summary, count, detail.

    ``unready`` says what is missing before any host can be reached, ``away`` why the engine begins
    no jobs for now, ``paused`` why nothing is done
    by itself and then what would be, ``broken`` are daemons in error
    with their hosts, ``foreign`` says what hosts have of others' daemons, ``cut_off`` says by host
    how its ceph.conf is wrong, ``service_failures`` what stands in the way of services, ``watch``
    what is outside the cluster or is held, ``unkept`` by key why the loop cannot write a record,
    ``waiting`` what services have waited for too long, ``undone`` what was asked of daemons and
    cannot be done yet, ``drains`` which hosts do not get empty, ``stray_hosts`` and
    ``stray_daemons`` what runs and nobody looks after, ``late`` which jobs are queued for long,
    ``untuned`` what of tuned profiles is not in force, ``in_maintenance`` which hosts are,
    ``clocks`` whose clocks are wrong,
    ``upgrade`` by code why an upgrade is paused, ``upgrade_waits`` why one stands still. A host
    that is offline is not named a second time for its missing report.
    """
    checks: Checks = {
        code: _check("upgrade paused", list(lines)) for code, lines in upgrade.items()
    }
    if unready:
        checks["ANSIBLE_NOT_READY"] = _check("hosts cannot be managed", [unready])
    if away is not None:
        checks["ANSIBLE_AWX_UNAVAILABLE"] = _check("AWX runs no jobs", [_away(away)])
    if paused:
        checks["ANSIBLE_PAUSED"] = _check("nothing is done by itself", list(paused))
    if offline:
        lines = [
            f"host {name} is offline since {when(state.since or 0)}: {state.reason}"
            for name, state in sorted(offline.items())
        ]
        checks["ANSIBLE_HOST_OFFLINE"] = _check(f"{_hosts(len(lines))} offline", lines)
    lines = [
        f"host {name}: {reason}"
        for name, reason in sorted(unreported.items())
        if name not in offline
    ]
    if lines:
        summary = f"{_hosts(len(lines))} cannot be inventoried"
        checks["ANSIBLE_REFRESH_FAILED"] = _check(summary, lines)
    lines = [
        f"{failure.what} on host {failure.host} failed at {when(failure.when)}: "
        f"{abridged(failure.message, MESSAGE_LENGTH)} (ceph ansible job show {failure.job})"
        for _, failure in sorted(failures.items())
    ]
    if lines:
        checks["ANSIBLE_JOB_FAILED"] = _check(f"{len(lines)} operation(s) failed", lines)
    checks.update(
        _counted(
            (
                "ANSIBLE_SERVICE_FAILED",
                "service(s) incomplete",
                [_service_failure(each) for each in service_failures],
            ),
            (
                "ANSIBLE_DAEMON_FAILED",
                "daemon(s) failed",
                [_broken(name, host, watch) for name, host in sorted(broken)],
            ),
            ("ANSIBLE_FOREIGN_DAEMON", "daemon(s) of other hosts found", list(foreign)),
            (
                "ANSIBLE_HOST_CONF",
                "host(s) cannot find the cluster",
                [f"host {name}: {reason}" for name, reason in sorted(cut_off.items())],
            ),
            (
                "ANSIBLE_BAD_RECORD",
                "record(s) unusable",
                [f"record {name}: {reason}" for name, reason in sorted(problems.items())],
            ),
            (
                "ANSIBLE_SERVICE_WAITS",
                "service(s) wait for what the cluster lacks",
                list(waiting),
            ),
            ("ANSIBLE_CLOCK_SKEW", "host(s) with clock skew", list(clocks)),
            ("ANSIBLE_STRAY_HOST", "host(s) with daemons not managed", list(stray_hosts)),
            ("ANSIBLE_STRAY_DAEMON", "daemon(s) unknown to their hosts", list(stray_daemons)),
            ("ANSIBLE_HOST_MAINTENANCE", "host(s) in maintenance", list(in_maintenance)),
            ("ANSIBLE_JOB_WAITS", "job(s) wait for others", list(late)),
            ("ANSIBLE_TUNED_PROFILE", "tuned profile(s) not as wanted", list(untuned)),
            ("ANSIBLE_ACTION_WAITS", "action(s) cannot be done yet", list(undone)),
            ("ANSIBLE_DRAIN_WAITS", "drain(s) of hosts stand still", list(drains)),
            ("ANSIBLE_UPGRADE_WAITS", "upgrade(s) stand still", list(upgrade_waits)),
            (
                "ANSIBLE_NOT_KEPT",
                "record(s) cannot be kept",
                [reason for _, reason in sorted(unkept.items())],
            ),
        )
    )
    checks.update(_watched(watch) if watch is not None else {})
    return checks


def _counted(*rows: Tuple[str, str, List[str]]) -> Checks:
    """Return a check for each row of code, words and lines that has lines."""
    return {code: _check(f"{len(lines)} {what}", lines) for code, what, lines in rows if lines}


def _watched(watch: Watch) -> Checks:
    """Return the checks of what the cluster's maps say against what runs."""
    return _counted(
        ("ANSIBLE_DAEMON_OUTSIDE", "daemon(s) outside the cluster", watch.outside_lines()),
        ("ANSIBLE_MGR_UNABLE", "standby manager(s) could not manage hosts", watch.unable_lines()),
        (
            "ANSIBLE_MGR_MODULES",
            "standby manager(s) could not run all enabled modules",
            watch.missing_lines(),
        ),
        (
            "ANSIBLE_SERVICE_HELD",
            "service(s) keep unwanted daemons",
            watch.held_lines(),
        ),
    )


def _service_failure(failure: ServiceFailure) -> str:
    where = f" on host {failure.host}" if failure.host else ""
    record = f" (ceph ansible job show {failure.job})" if failure.job else ""
    reason = abridged(failure.reason, MESSAGE_LENGTH)
    return f"{failure.service}{where} failed at {when(failure.when)}: {reason}{record}"
