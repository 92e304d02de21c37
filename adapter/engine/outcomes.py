"""What became of the hosts of a job: final outcomes and sentences about them. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import AbstractSet, Any, Dict, List, Mapping, Sequence, Tuple

from adapter.engine.model import HostOutcome, HostStatus, JobStatus, Request
from adapter.errors import abridged

LINE_LENGTH = 1000
SENTENCE_LENGTH = 1500
_NAMED_HOSTS = 3
_REASON_LENGTH = 400
UNKNOWN_STATE = "interrupted before its end, so what was done on this host is not known"


def one_line(text: object, limit: int = LINE_LENGTH) -> str:
    """Return a text on one line of at most ``limit`` printable characters.

    What hosts print reaches terminals from here: it cannot move their cursors.
    """
    # The bound comes first, so that megabytes of output are not split for a line.
    some, text = limit * 4 + 1000, str(text)
    text = text if len(text) <= 2 * some else f"{text[:some]} {text[-some:]}"
    line = "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
    return abridged(line, limit)


def settle(
    request: Request,
    outcomes: Mapping[str, HostOutcome],
    published: AbstractSet[str],
    *,
    reason: str,
    interrupted: bool = False,
    through: AbstractSet[str] = frozenset(),
    at: Mapping[str, str] = MappingProxyType({}),
) -> Dict[str, HostOutcome]:
    """Return the final outcome of every expected host, in the request's order.

    Good is only a host that published something and did not fail; every other one without a
    failure of its own has ``NO_RESULT`` and the given reason. Where a changing job was
    interrupted, having published is not enough: more may have been meant to follow. It is for the
    hosts in ``through``, which had nothing left to do; ``at`` names the tasks of those which had.
    """
    final: Dict[str, HostOutcome] = {}
    for host in request.hosts:
        outcome = outcomes.get(host, HostOutcome())
        if outcome.status in (HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.NO_RESULT):
            final[host] = outcome
        elif not outcome.status.good or host not in published:
            message = f"{reason}; it was at: {at[host]}" if host in at else reason
            final[host] = replace(outcome, status=HostStatus.NO_RESULT, message=message)
        elif interrupted and request.changes and host not in through:
            message = f"interrupted at: {at[host]}" if host in at else UNKNOWN_STATE
            final[host] = replace(outcome, status=HostStatus.NO_RESULT, message=message)
        else:
            final[host] = outcome
    return final


def bad_hosts(outcomes: Mapping[str, HostOutcome]) -> List[Tuple[str, str]]:
    """Return (host, reason) of the hosts that did not do what was asked."""
    return [
        (host, outcome.message or outcome.status.value)
        for host, outcome in outcomes.items()
        if not outcome.status.good
    ]


def describe_failures(outcomes: Mapping[str, HostOutcome]) -> str:
    """Return the failed hosts with the first reasons, e.g. ``h1 (timed out) and 2 more hosts``.

    Hosts with the same reason stand together. Empty when no host failed.
    """
    by_reason: Dict[str, List[str]] = {}
    for host, reason in bad_hosts(outcomes):
        by_reason.setdefault(one_line(reason.rstrip("."), _REASON_LENGTH), []).append(host)
    parts: List[str] = []
    named = 0
    for reason, hosts in by_reason.items():
        shown = hosts[: _NAMED_HOSTS - named]
        if not shown:
            break
        named += len(shown)
        left = f" and {len(hosts) - len(shown)} more" if len(hosts) > len(shown) else ""
        named += len(hosts) - len(shown)
        parts.append(f"{_listed(shown)}{left} ({reason})")
        if named >= _NAMED_HOSTS:
            break
    rest = sum(len(hosts) for hosts in by_reason.values()) - named
    return "; ".join(parts) + (f"; and {rest} more hosts" if rest else "")


def describe_end(status: JobStatus, outcomes: Mapping[str, HostOutcome]) -> str:
    """Return how a job ended, on one line, e.g. ``done on 3 hosts (1 changed)``."""
    total = len(outcomes)
    if status is JobStatus.SUCCEEDED:
        changed = sum(outcome.status is HostStatus.CHANGED for outcome in outcomes.values())
        return f"done on {_hosts(total)}" + (f" ({changed} changed)" if changed else "")
    bad = len(bad_hosts(outcomes))
    if status is JobStatus.FAILED and bad:
        return f"failed on {bad} of {_hosts(total)}: {describe_failures(outcomes)}"
    return str(status.value)


def describe_timeout(timeout: float) -> str:
    """Return how a job ended whose deadline has passed."""
    return f"its deadline of {timeout:g} s has passed"


def without_results(outcomes: Mapping[str, HostOutcome]) -> Dict[str, HostOutcome]:
    """Return the outcomes without the (large) results and diffs."""
    # Most hosts of most jobs end alike, and hundreds of jobs are remembered.
    same: Dict[Tuple[HostStatus, str], HostOutcome] = {}
    slim: Dict[str, HostOutcome] = {}
    for host, outcome in outcomes.items():
        key = (outcome.status, outcome.message)
        if key not in same:
            same[key] = HostOutcome(*key)
        slim[host] = same[key]
    return slim


def read_outcomes(data: Any) -> Dict[str, HostOutcome]:
    """Read outcomes from JSON data that may be damaged; what cannot be read is left out."""
    found: Dict[str, HostOutcome] = {}
    if not isinstance(data, dict):
        return found
    for host, value in data.items():
        try:
            found[str(host)] = HostOutcome.from_json(value)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
