"""Start, stop and watch systemd units."""

from __future__ import annotations

import contextlib
import time
from typing import Dict, Iterable, List, Mapping, Sequence

from ..system.command import Answer, find_program, last_line, run
from ..system.reading import clean
from .faults import fault_of, has_own_mask, is_skipped, unmask_options
from .last_words import systemds_words, words_of

# A gateway that stops may finish its requests for up to 315 s.
_ACT_TIMEOUT = 330.0
_SHOW_TIMEOUT = 30.0
_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "ExecMainStartTimestampMonotonic",
    # Why it cannot be started, and why it was not.
    "FragmentPath",
    "LoadError",
    "ConditionResult",
    "ConditionTimestampMonotonic",
    "AssertResult",
    "AssertTimestampMonotonic",
)
_INTERVAL = 0.1
ALIVE = ("active", "activating", "reloading", "deactivating")


class UnitsFailed(Exception):
    """Say what systemd could not do."""


def show_units(units: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """Return the properties of each unit by its name; one that does not exist has them too."""
    if not units:
        return {}
    argv = ["show", "--no-pager", "--property=" + ",".join(_PROPERTIES), "--", *units]
    answer = _systemctl(argv, _SHOW_TIMEOUT)
    paragraphs = parse_units(answer.out)
    if answer.problem or len(paragraphs) != len(units):
        raise UnitsFailed(f"systemd does not answer: {answer.problem}: {last_line(answer.err)}.")
    return dict(zip(units, paragraphs))


def parse_units(text: str) -> List[Dict[str, str]]:
    """Read what ``systemctl show`` prints: a paragraph of Key=value lines for each unit."""
    units = []
    for paragraph in text.strip().split("\n\n"):
        pairs = [line.partition("=") for line in paragraph.splitlines()]
        units.append({key: clean(value) for key, separator, value in pairs if separator})
    return [unit for unit in units if unit]


def is_alive(unit: Mapping[str, str]) -> bool:
    """Tell whether a unit runs or is about to, or is about to end."""
    return unit.get("ActiveState") in ALIVE


def act(verb: str, units: Sequence[str], *options: str) -> None:
    """Let systemd do something with units; raise ``UnitsFailed`` with the units' last words.

    Whatever starts units begins their count of starts anew.
    """
    if verb in ("start", "restart") or ("--now" in options and verb == "enable"):
        forget_starts(units)
    answer = _systemctl([verb, *options, *(["--", *units] if units else [])], _ACT_TIMEOUT)
    if answer.problem:
        # What follows the first line is where to look.
        said = clean(answer.err.strip().partition("\n")[0]) or answer.problem
        said = f"{' '.join(['systemctl', verb, *units])}: {said.rstrip('.')}."
        # Of a unit that cannot be started what it said before is of no use.
        raise UnitsFailed(said + (_faults_of(units) or words_of(units)))


def _faults_of(units: Sequence[str]) -> str:
    """Return why units cannot be started, as sentences to add."""
    states: Dict[str, Dict[str, str]] = {}
    with contextlib.suppress(UnitsFailed):
        states = show_units(units)
    faults = [fault_of(unit, state) for unit, state in states.items()]
    faults += [reason_skipped(unit) for unit, state in states.items() if is_skipped(state)]
    return "".join(f" {fault}" for fault in faults if fault)


def reason_skipped(unit: str) -> str:
    """Return a sentence for a unit that systemd did not begin."""
    said = systemds_words(unit)
    return (
        f"{unit} was not started: a condition in its files is not met"
        f"{f' ({said})' if said else ''}. `systemctl cat {unit}` shows it."
    )


def unmask(states: Mapping[str, Mapping[str, str]]) -> Dict[str, Dict[str, str]]:
    """Take away the masks that are units' own; return what these units are then.

    ``states`` are the units' properties by name. Whoever is about to remove them asks for it.
    """
    masked = [unit for unit, state in states.items() if has_own_mask(unit, state)]
    for unit in masked:
        act("unmask", [unit], *unmask_options(states[unit]))
    return show_units(masked)


def forget_starts(units: Iterable[str]) -> None:
    """Forget that units failed and how often they were started: systemd refuses too many starts.

    One that systemd has not loaded has no such count, and says so; the start tells the rest.
    """
    _systemctl(["reset-failed", "--", *units], _ACT_TIMEOUT)


def wait_active(units: Sequence[str], seconds: float, settle: float = 0.0) -> None:
    """Wait until units are active, and have been so for ``settle`` seconds in the same process.

    Raises ``UnitsFailed`` as soon as one has failed, or when the time is over.
    """
    deadline = time.monotonic() + seconds
    since = 0.0
    processes = None
    while True:
        states = show_units(units)
        now = time.monotonic()
        if all(runs(state) for state in states.values()):
            seen = [state.get("MainPID") for state in states.values()]
            if seen != processes:
                since, processes = now, seen
            if now - since >= settle:
                return
        else:
            processes = None
        _stop_waiting(states, now > deadline, seconds)
        time.sleep(_INTERVAL)


def _stop_waiting(states: Mapping[str, Mapping[str, str]], late: bool, seconds: float) -> None:
    broken = [name for name, state in states.items() if has_failed(state)]
    if broken:
        raise UnitsFailed(f"{', '.join(broken)} did not stay up.{words_of(broken)}")
    skipped = [name for name, state in states.items() if is_skipped(state)]
    if skipped:
        raise UnitsFailed(" ".join(map(reason_skipped, skipped)))
    waiting = [name for name, state in states.items() if not runs(state)]
    if late and waiting:
        names = ", ".join(waiting)
        raise UnitsFailed(f"{names} did not become active within {seconds:g} s.{words_of(waiting)}")


def runs(state: Mapping[str, str]) -> bool:
    """Tell whether a unit is started."""
    return state.get("ActiveState") == "active"


def has_failed(state: Mapping[str, str]) -> bool:
    """Tell whether a unit's process has ended that should not have."""
    return state.get("ActiveState") == "failed" or state.get("SubState") == "auto-restart"


def _systemctl(argv: Iterable[str], timeout: float) -> Answer:
    program = find_program("systemctl")
    if not program:
        raise UnitsFailed("There is no systemctl: the host does not run systemd.")
    return run([program, *argv], timeout)
