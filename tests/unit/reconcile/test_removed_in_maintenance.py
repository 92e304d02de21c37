"""A host that is removed while it is in maintenance, or enters it: no record is lost or left."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.errors import NotReady
from adapter.interface import OrchestratorError, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.maintenances import enter, kept


def test_what_is_held_is_still_known_where_its_bucket_cannot_be_removed(whole: Cluster) -> None:
    """Its record was gone with the flag, and the host stayed, with masked units."""
    enter(whole)
    before = kept(whole)
    whole.offline("h2")
    whole.monitors.refuse = "osd crush remove"
    with pytest.raises(OrchestratorError, match="the monitors do not answer"):
        raise_if_exception(
            whole.orchestrator.remove_host("h2", force=True, offline=True, rm_crush_entry=True)
        )
    assert "h2" in whole.core.hosts
    assert kept(whole)["units"] == before["units"] != []
    assert whole.monitors.noout == {"h2"}


@pytest.mark.parametrize("online", [True, False])
def test_one_that_enters_while_the_monitors_are_asked_stays(
    whole: Cluster, monkeypatch: pytest.MonkeyPatch, online: bool
) -> None:
    """It was removed with its units masked and its record left."""
    if not online:
        whole.offline("h2")
    remove = whole.monitors._osd_crush_remove

    def meanwhile(*arguments: Any) -> Any:
        enter(whole, rounds=0)
        return remove(*arguments)

    monkeypatch.setattr(whole.monitors, "_osd_crush_remove", meanwhile)
    with pytest.raises(NotReady, match="has just entered maintenance"):
        raise_if_exception(
            whole.orchestrator.remove_host(
                "h2", force=True, offline=not online, rm_crush_entry=True
            )
        )
    assert "h2" in whole.core.hosts
    assert kept(whole)["stage"] == "entering"
