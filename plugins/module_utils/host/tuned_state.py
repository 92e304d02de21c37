"""Say which tuned profiles a host has, and whether its kernel has what they say."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..system.reading import Roots, clean
from ..system.sysctl import Kernel, same
from .tuned_files import TunedFiles, digest_of, effective, later_than
from .tuned_memory import Memory, Unreadable

# So many settings of each sort are named.
_SHOWN = 50


def read_tuned(roots: Roots) -> Optional[Dict[str, Any]]:
    """Return what the host has of tuned profiles; None where it has nothing of them.

    ``profiles`` is a digest by profile, ``off`` what the kernel has of settings that are not as
    they say, ``left`` the settings that wait to be put back, ``later`` what files of others, being
    read later, set at the next start.
    """
    files = TunedFiles(roots)
    ours = files.ours()
    try:
        remembered, error = Memory(roots).before, ""
    except Unreadable as unreadable:
        remembered, error = {}, str(unreadable)
    if not ours and not remembered and not error:
        return None
    kernel, wanted, others = Kernel(roots), effective(ours), files.others() if ours else []
    off, later = {}, {}
    for key, setting in wanted.items():
        has = kernel.read(key)
        if has is None or not same(has, setting.value):
            off[key] = clean(has or "")
        found = later_than(others, setting.source, key, setting.value)
        if found is not None:
            later[key] = [clean(found.source), clean(found.value)]
    found_state = {
        "profiles": {name: digest_of(settings) for name, settings in ours.items()},
        "off": _some(off),
        "left": sorted(set(remembered) - set(wanted))[:_SHOWN],
        "later": _some(later),
    }
    return {**found_state, "error": clean(error)} if error else found_state


def _some(found: Dict[str, Any]) -> Dict[str, Any]:
    return {key: found[key] for key in sorted(found)[:_SHOWN]}
