"""``apply_tuned_profiles``: kernel settings of hosts."""

from __future__ import annotations

from typing import Mapping

from adapter.operations._registry import Variables, operation

Profiles = Mapping[str, Mapping[str, str]]


@operation(phases=("tuned_profiles", "host_report"), changes=True, timeout=120.0)
def apply_tuned_profiles(profiles: Mapping[str, Profiles], cluster: str = "") -> Variables:
    """Bring hosts to the kernel settings of their tuned profiles.

    ``profiles`` are all that a host shall have, by host and name, each of settings and values. What
    other profiles set before is put back. ``cluster`` is the fsid.
    """
    return {
        "tuned_profiles_fsid": cluster,
        "tuned_profiles_wanted": {
            host: {name: dict(settings) for name, settings in each.items()}
            for host, each in profiles.items()
        },
    }
