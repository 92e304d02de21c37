"""Managers that start again, for a module is enabled or disabled: waited for.

A manager reads the files of all modules while it starts. Whoever takes them away then leaves one
that cannot run the module, even when it is installed again.
"""

from __future__ import annotations

from typing import Callable, List

from adapter.cli.ceph import Ceph, Managers
from adapter.errors import some_of

# A manager that starts loads some thirty modules; on a slow host that takes a while.
RESTART_WAIT = 180.0
_SHOWN = 3

Until = Callable[[Callable[[], bool], float], str]


def wait_until_back(ceph: Ceph, before: Managers, until: Until) -> str:
    """Wait until all managers of a map (``before``) have begun anew; return why not, or nothing.

    The monitors have a manager under a new id once it has read its modules.
    """
    late: List[str] = []

    def back() -> bool:
        now = Managers.ask(ceph, before.module)
        late[:] = [name for name, gid in before.gids.items() if now.gids.get(name) in (None, gid)]
        return not late and now.ready

    if not before.active or not until(back, RESTART_WAIT):
        return ""
    if late:
        names = some_of(sorted(late), _SHOWN)
        return f"manager {names} did not come back within {RESTART_WAIT:g} s"
    return f"no manager became active within {RESTART_WAIT:g} s"


def wait_until_started(ceph: Ceph, module: str, names: List[str], until: Until) -> List[str]:
    """Wait until these managers have started; return those that have not."""
    late = list(names)

    def started() -> bool:
        now = Managers.ask(ceph, module)
        late[:] = [
            name for name in names if name not in now.gids or (name == now.active and not now.ready)
        ]
        return not late

    until(started, RESTART_WAIT)
    return late
