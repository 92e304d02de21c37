"""Units of our own: files that all daemons of a kind on a host share, and an end for good."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, Iterable, Mapping

from ...system.atomic_write import is_written, write_text
from ...systemd.units import act, is_alive, show_units


def other_units(directory: str, texts: Mapping[str, str]) -> Dict[str, str]:
    """Return those of the unit files that are not as they shall be, each with its text."""
    return {
        name: text
        for name, text in texts.items()
        if not is_written(os.path.join(directory, name), text, 0o644)
    }


def write_units(directory: str, texts: Mapping[str, str]) -> None:
    """Write unit files, and let systemd read them."""
    for name, text in texts.items():
        write_text(os.path.join(directory, name), text, 0o644)
    if texts:
        act("daemon-reload", [])


def remove_with_last(top: str, directory: str, names: Iterable[str]) -> None:
    """Take unit files away if no daemon has a folder below ``top`` any more."""
    try:
        os.rmdir(top)
    except FileNotFoundError:
        pass
    except OSError:
        # Another daemon is on this host.
        return
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(top))
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    act("daemon-reload", [])


def stop_for_good(unit: str) -> None:
    """Stop a unit and have it start with the host no more. Raises ``UnitsFailed``."""
    state = show_units([unit])[unit]
    if state.get("UnitFileState", "").startswith("enabled"):
        act("disable", [unit])
    if is_alive(state):
        act("stop", [unit])
    if show_units([unit])[unit].get("ActiveState") == "failed":
        act("reset-failed", [unit])
