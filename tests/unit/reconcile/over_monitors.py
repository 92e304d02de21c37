"""The cluster of the tests, with its records in a fake of the monitors' key-value store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

from adapter.cluster.store import MemoryStore
from adapter.mgr.store import MonStore
from tests.unit.mgr.fake_mon import PREFIX, Manager, MonKeys
from tests.unit.reconcile.fake_cluster import Cluster


class KeptCluster(Cluster):
    """``start_anew`` is a fail-over: a manager begins that knows only what the monitors have."""

    def __init__(self, hosts: int = 3, disks: int = 2) -> None:
        self.keys = MonKeys()
        super().__init__(hosts, disks)

    def start_anew(self, store: Optional[MemoryStore] = None) -> None:
        """Begin with a new core on the same monitors."""
        self.manager = Manager(self.keys)
        self.kept = MonStore(self.manager)
        super().start_anew(self.kept)  # type: ignore[arg-type]
        self.orchestrator.reconciler.read_maps()

    def spoil(self, key: str, text: str = "xx") -> None:
        """Let somebody write nonsense over a record, and another manager take over."""
        self.keys.values[PREFIX + key] = text
        self.start_anew()
        self.requests.clear()

    def write(self, key: str, text: Optional[str]) -> None:
        """Do what `ceph config-key set` or `rm` of another program does; the loop reads it."""
        if text is None:
            self.keys.values.pop(PREFIX + key, None)
        else:
            self.keys.values[PREFIX + key] = text
        self.manager.catch_up()
        self.core.reload()

    def value(self, key: str) -> Optional[str]:
        """Return what the monitors have."""
        return self.keys.values.get(PREFIX + key)

    def refuse(self, code: int, only: str = "") -> None:
        """Let the monitors refuse changes, of records that begin with ``only``; 0 ends it."""
        self.keys.refuse = lambda prefix, key: (
            code if prefix != "config-key get" and key.startswith(only) else 0
        )

    def memory(self) -> Tuple[Any, ...]:
        """Return all that is known from records."""
        core = self.core
        return (
            core.hosts.all(),
            [each.to_json() for each in core.specs.all()],
            core.intents.all(),
            [replace(each, pgs=0, reason="", tries=0) for each in core.removals.all()],
            [replace(each, reason="") for each in core.actions.all()],
            core.daemon_actions.all(),
            [core.owners.service_of(osd_id) for osd_id in range(10)],
            [core.owners.destroyed(osd_id) for osd_id in range(10)],
            core.paused,
        )

    def bad_records(self) -> Dict[str, str]:
        """Return what health says of records, by their keys."""
        lines = self.orchestrator.health.checks().get("ANSIBLE_BAD_RECORD", {"detail": []})[
            "detail"
        ]
        return {line[len("record ") :].partition(": ")[0]: line for line in lines}
