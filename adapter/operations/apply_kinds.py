"""``apply_KIND``: bring daemons of a kind to run on hosts; one operation for each kind."""

from __future__ import annotations

from adapter.kinds import KINDS
from adapter.operations._daemons import APPLY_TIMEOUT, ROLE, apply_variables
from adapter.operations._registry import register

for _kind in KINDS.values():
    register(
        _kind.operation,
        apply_variables,
        phases=(*_kind.roles_before, ROLE),
        changes=True,
        timeout=APPLY_TIMEOUT,
        summary=f"Run {_kind.plural}",
    )
