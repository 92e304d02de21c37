"""The upgrade by a playbook: whether one is at work, and what tells it that one is from here.

Both have keys of their own in the monitors' store, for a directory of ``orch-ansible`` keeps its
records elsewhere. Who begins sets its own key first and looks for the other's then: of two that
begin together at least one sees the other.
"""

from __future__ import annotations

import json
from typing import Any, List

from adapter.cluster.maintenances import moment
from adapter.cluster.mon import Mon
from adapter.engine.outcomes import one_line
from adapter.errors import NotReady

# As in plugins/plugin_utils: upgrade_undo.KEY, upgrade_runs.RUNS, upgrade_maps.UNDER_WAY.
CHANGED = "ceph-orch-ansible/upgrade_by_hand"
RUNS = f"{CHANGED}_run."
UNDER_WAY = "ceph-orch-ansible/upgrade_under_way"
_PLAYBOOK = "the playbook upgrade_start.yml"
_LONGEST = 64


class ByHand:
    """Look for runs of the playbook, and let them see an upgrade.

    Methods raise ``OrchestratorError``.
    """

    def __init__(self, mon: Mon) -> None:
        self._mon = mon

    def others(self) -> List[str]:
        """Return what an upgrade by a playbook is at, or has left behind."""
        text = self._mon.command(prefix="config-key dump", key=CHANGED, format="json")
        try:
            there = dict(json.loads(text))
        except (ValueError, TypeError):
            raise NotReady(
                "Whether an upgrade by a playbook is at work is not known: the monitors' answer to "
                "`config-key dump` is no JSON.",
                "Try again.",
            ) from None
        found = [_run(str(key), there[key]) for key in sorted(there) if str(key).startswith(RUNS)]
        if CHANGED in there and _has_changes(there[CHANGED]):
            found.append(
                f"a run of {_PLAYBOOK} was cut off, and what it has changed of the cluster is not "
                f"put back (`ceph config-key get {CHANGED}`): run it again to its end, or put that "
                f"back yourself, then `ceph config-key rm {CHANGED}`"
            )
        return found

    def mark(self, target: str) -> None:
        """Let playbooks see that an upgrade is under way."""
        self._mon.command(prefix="config-key set", key=UNDER_WAY, val=target)

    def unmark(self) -> None:
        """Let playbooks begin again."""
        self._mon.command(prefix="config-key rm", key=UNDER_WAY)


def _run(key: str, text: Any) -> str:
    """Return who is at an upgrade by hand; what cannot be read is somebody as well."""
    try:
        data = json.loads(text)
        pid, since = int(data["pid"]), moment(float(data["since"]))
        user, machine = (one_line(str(data[name]))[:_LONGEST] for name in ("user", "machine"))
        who = f"by {user} on {machine} (process {pid}) since {since}"
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        who = "by somebody whose key cannot be read"
    shown = one_line(key)[:200].replace("'", "")
    return (
        f"{_PLAYBOOK} is at work, {who}: wait for its end. If that process has ended without it, "
        f"`ceph config-key rm '{shown}'`"
    )


def _has_changes(text: Any) -> bool:
    """Tell whether something of the cluster is to be put back; unreadable is not "no"."""
    try:
        data = json.loads(text)
        return bool(data["nodes"] or data["systems"] or data.get("halfway"))
    except (ValueError, KeyError, TypeError):
        return True
