"""Say why systemd cannot start a unit that the host has: it is masked, or cannot be loaded."""

from __future__ import annotations

import os
from typing import List, Mapping

from ..system.reading import clean

# What systemd calls a unit that is on the host, whether it can be started or not.
KNOWN = ("loaded", "masked", "bad-setting", "error")


def is_masked(state: Mapping[str, str]) -> bool:
    """Tell whether somebody has masked a unit, or the template that it is made of."""
    return state.get("LoadState") == "masked"


def has_own_mask(unit: str, state: Mapping[str, str]) -> bool:
    """Tell whether the mask is the unit's own: one of its template is other units' too."""
    return is_masked(state) and _masked_name(unit, state) == unit


def unmask_options(state: Mapping[str, str]) -> List[str]:
    """Return the options with which a mask is taken away: one may be until the next start alone."""
    return ["--runtime"] if state.get("FragmentPath", "").startswith("/run/") else []


def mask_path(state: Mapping[str, str]) -> str:
    """Return the file that masks a unit."""
    return state.get("FragmentPath", "")


def fault_of(unit: str, state: Mapping[str, str]) -> str:
    """Return a sentence with the remedy where a unit cannot be started, else an empty text."""
    if is_masked(state):
        name = _masked_name(unit, state)
        command = " ".join(["systemctl unmask", *unmask_options(state), name])
        by = "" if name == unit else f" (by {name})"
        # An OSD's removal is no remedy: it takes data along.
        removal = "" if "osd@" in unit else ", or remove the daemon or its service"
        remedy = f"Run `{command}` there{removal}."
        return f"{unit} is masked on this host{by} and cannot be started. {remedy}"
    if state.get("LoadState") in KNOWN[2:]:
        why = state.get("LoadError", "").partition('"')[2].rstrip('". ')
        return (
            f"{unit} cannot be loaded by systemd{f': {clean(why)}' if why else ''}. Repair its "
            f"files, which `systemctl cat {unit}` shows, and run `systemctl daemon-reload`."
        )
    return ""


def is_skipped(state: Mapping[str, str]) -> bool:
    """Tell whether systemd did not begin a unit, for a condition in its files was not met."""
    return state.get("ActiveState") == "inactive" and any(
        state.get(f"{kind}Result") == "no" and state.get(f"{kind}TimestampMonotonic", "0") != "0"
        for kind in ("Condition", "Assert")
    )


def _masked_name(unit: str, state: Mapping[str, str]) -> str:
    """Return the name of the file that is the mask."""
    name = os.path.basename(mask_path(state))
    template = f"{unit.partition('@')[0]}@.service"
    return template if name == template else unit
