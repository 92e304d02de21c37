"""While it is written down how a job has ended, nobody acts on what was before it."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

from adapter.cluster.store import MemoryStore, Record, Records
from adapter.interface import raise_if_exception
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster, drive_group
from tests.unit.reconcile.removals import remove, status, steps
from tests.unit.reconcile.test_restarts import restarted
from tests.unit.reconcile.test_restarts_end import BAD, Stubborn


class Watched(MemoryStore):
    """A store that lets something happen while a record is on its way to it."""

    def __init__(self, before: MemoryStore) -> None:
        super().__init__()
        self._before = before
        self.meanwhile: Callable[[str, Any], None] = lambda key, record: None

    def get(self, key: str) -> Optional[Record]:
        """Return a record."""
        return self._before.get(key)

    def items(self, kind: str) -> Records:
        """Return the records of a kind."""
        return self._before.items(kind)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Let it happen, then keep the record."""
        self.meanwhile(key, record)
        self._before.set(key, record)


def test_a_host_is_not_asked_to_clean_again_while_its_answer_is_kept(full: Cluster) -> None:
    store = Watched(full.store)
    full.start_anew(store)
    looked = []

    def look(key: str, record: Any) -> None:
        if key.startswith("osd_removal.") and record and record.get("cleaned") and not looked:
            looked.append(key)
            full.orchestrator.reconciler.remover.step(full.now + 1000)

    store.meanwhile = look
    remove(full, "0", zap=True)
    full.settle(30)

    assert looked == ["osd_removal.0"]
    assert (steps(full), full.wiped, status(full)) == (["stop", "remove"], ["osd.0"], [])


def test_a_restart_that_failed_is_not_taken_for_done_while_that_is_kept() -> None:
    stubborn = Stubborn()
    raise_if_exception(stubborn.orchestrator.apply([drive_group("all")]))
    stubborn.settle()
    stubborn.bad = [BAD]
    stubborn.start_anew(store := Watched(stubborn.store))
    stubborn.settle(int(OTHERS_JOBS_END))
    looked = []

    def look(key: str, record: Any) -> None:
        if key.startswith("service_action.") and record and record.get("tries") and not looked:
            looked.append(record["left"])
            stubborn.orchestrator.reconciler.restarts.step(stubborn.now + 1000)

    store.meanwhile = look
    raise_if_exception(stubborn.orchestrator.service_action("restart", "osd.all"))
    stubborn.settle(60)

    assert looked == [["osd.3"]]
    units = restarted(stubborn)
    assert {unit: units.count(unit) for unit in units} == {
        f"ceph-osd@{n}.service": 3 if n == 3 else 1 for n in range(6)
    }
