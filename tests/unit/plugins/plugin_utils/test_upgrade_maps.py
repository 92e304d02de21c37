"""What an upgrade by hand asks the monitors, what is due by it, and what is put back."""

from __future__ import annotations

import pytest

from adapter.cluster import upgrade_by_hand, upgrade_plan
from plugins.plugin_utils import upgrade_maps, upgrade_runs, upgrade_undo
from plugins.plugin_utils.monitors import NoAnswer
from plugins.plugin_utils.upgrade_maps import (
    Monitors,
    due,
    is_leading,
    refusals,
    release_to_require,
    systems_of,
)
from plugins.plugin_utils.upgrade_undo import KEY, Undo
from tests.unit.plugins.plugin_utils.asked_cluster import NEW, OLD, Cluster, names, row


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_what_is_said_of_releases_and_kinds_is_what_managers_say() -> None:
    assert upgrade_maps.RELEASES == upgrade_plan.RELEASES
    assert upgrade_maps.MOST_MAJORS == upgrade_plan.MOST_MAJORS
    with_packages = upgrade_plan.WITH_PACKAGES
    assert tuple(k for k in upgrade_plan.ORDER if k not in with_packages) == upgrade_maps.ORDER
    assert with_packages == upgrade_maps.FOLLOWERS


def test_both_sides_look_for_the_same_keys() -> None:
    assert upgrade_by_hand.CHANGED == upgrade_undo.KEY
    assert upgrade_by_hand.RUNS == upgrade_runs.RUNS
    assert upgrade_by_hand.UNDER_WAY == upgrade_maps.UNDER_WAY


def test_what_runs_is_said_by_the_maps_and_not_by_what_is_installed(cluster: Cluster) -> None:
    rows = [row("mon.h1"), row("osd.0"), row("osd.1"), row("mgr.h1")]
    cluster.versions["osd.0"] = NEW
    assert names(due(cluster.monitors, rows, ["osd"], NEW)) == ["osd.1"]
    assert names(due(cluster.monitors, rows, ["mon", "mgr"], NEW)) == ["mon.h1", "mgr.h1"]


def test_what_somebody_has_stopped_stays_so(cluster: Cluster) -> None:
    cluster.down = [0, 1]
    rows = [row("osd.0", "stopped"), row("osd.1", "error")]
    assert names(due(cluster.monitors, rows, ["osd"], NEW)) == ["osd.1"]


def test_gateways_are_due_by_their_hosts(cluster: Cluster) -> None:
    rows = [row("rgw.a", version=OLD), row("rgw.b"), row("crash.h1", version=OLD)]
    assert names(due(cluster.monitors, rows, ["rgw"], NEW)) == ["rgw.a"]


def test_who_leads_comes_last(cluster: Cluster) -> None:
    rows = [row("mds.fs.h1"), row("mds.fs.h2")]
    assert names(due(cluster.monitors, rows, ["mds"], NEW)) == ["mds.fs.h2", "mds.fs.h1"]
    assert is_leading(cluster.monitors, row("mon.h2"))
    assert not is_leading(cluster.monitors, row("mon.h1"))
    assert not is_leading(cluster.monitors, row("rgw.h1"))


def test_nothing_forbids_it_in_order(cluster: Cluster) -> None:
    assert refusals(cluster.monitors, ["mgr"], NEW) == []


def test_each_reason_is_said_with_names(cluster: Cluster) -> None:
    (said,) = refusals(cluster.monitors, ["osd"], NEW)
    assert "osd daemons are upgraded after those of earlier kinds: mgr.h1" in said
    assert "mds.fs.h1" not in said
    cluster.standbys = []
    (said,) = refusals(cluster.monitors, ["mgr"], NEW)
    assert "the only one is mgr.h1" in said
    cluster.standbys = ["h2"]
    cluster.versions["osd.4"] = "20.2.5"
    assert refusals(cluster.monitors, ["mgr"], NEW) == [
        "a newer version runs already: osd.4 (20.2.5)"
    ]
    cluster.versions["osd.4"] = "17.2.0"
    cluster.required = "quincy"
    too_far, option = refusals(cluster.monitors, ["mgr"], NEW)
    assert "osd.4" in too_far
    assert "require_osd_release is quincy" in option
    cluster.versions["osd.4"], cluster.required = OLD, "reef"
    cluster.store["mgr/ansible/upgrade.current"] = "{}"
    assert "has an upgrade under way" in refusals(cluster.monitors, ["mgr"], NEW)[0]
    # That of a directory of orch-ansible, whose records are not here.
    cluster.store = {upgrade_maps.UNDER_WAY: NEW}
    (said,) = refusals(cluster.monitors, ["mgr"], NEW)
    assert "has an upgrade under way" in said
    assert f"if neither has one, `ceph config-key rm {upgrade_maps.UNDER_WAY}`" in said


def test_the_way_back_is_within_a_release(cluster: Cluster) -> None:
    cluster.versions = dict.fromkeys(cluster.versions, "20.2.5")
    assert "a newer version runs already" in refusals(cluster.monitors, ["mgr"], NEW)[0]
    assert refusals(cluster.monitors, ["mgr"], NEW, older=True) == []
    cluster.required = "umbrella"
    cluster.versions["mon.h1"] = "21.2.0"
    (said,) = refusals(cluster.monitors, ["mgr"], NEW, older=True)
    assert said.endswith("than 20.2.4 are mon.h1 (21.2.0), require_osd_release (umbrella)")


def test_the_way_back_needs_no_manager_that_does_not_start(cluster: Cluster) -> None:
    """That of h2 does not start with the packages that it has got."""
    cluster.versions = dict.fromkeys(cluster.versions, NEW)
    cluster.standbys = []
    assert "the only one is mgr.h1" in refusals(cluster.monitors, ["mgr"], NEW)[0]
    assert refusals(cluster.monitors, ["mgr"], NEW, older=True) == []
    cluster.versions["mgr.h1"] = "20.2.5"
    assert "the only one is mgr.h1" in refusals(cluster.monitors, ["mgr"], NEW, older=True)[0]


def test_the_release_that_all_osds_run_is_required(cluster: Cluster) -> None:
    assert release_to_require(cluster.monitors) == ""
    cluster.versions.update({f"osd.{n}": NEW for n in range(5)})
    assert release_to_require(cluster.monitors) == ""
    cluster.versions["osd.5"] = NEW
    assert release_to_require(cluster.monitors) == "tentacle"
    del cluster.versions["osd.5"]
    assert release_to_require(cluster.monitors) == ""


def test_noout_is_for_exactly_these_osds_and_kept_before(cluster: Cluster) -> None:
    undo = Undo(cluster.monitors)
    undo.flag(cluster.monitors, ["0", "1"])
    assert cluster.flags == {"h1": ["noout"]}
    kept = [words[:2] for words in cluster.said]
    assert kept.index(("config-key", "set")) < kept.index(("osd", "set-group"))
    # A run after one that was cut off; the bucket has another name by then.
    cluster.host_names[-2], cluster.flags = "x1", {"x1": ["noout"]}
    assert Undo(cluster.monitors).unflag(cluster.monitors)
    assert cluster.flags == {}
    assert cluster.store == {}
    assert not Undo(cluster.monitors).unflag(cluster.monitors)


def test_noout_that_somebody_else_has_set_stays(cluster: Cluster) -> None:
    cluster.flags = {"h1": ["noout"]}
    undo = Undo(cluster.monitors)
    undo.flag(cluster.monitors, ["0", "1", "2"])
    assert cluster.flags == {"h1": ["noout"], "osd.2": ["noout"]}
    cluster.flags.pop("osd.2")
    undo.unflag(cluster.monitors)
    assert cluster.flags == {"h1": ["noout"]}


def test_file_systems_get_back_what_they_had(cluster: Cluster) -> None:
    Undo(cluster.monitors).narrow(cluster.monitors)
    assert (cluster.max_mds, cluster.replay) == (1, False)
    Undo(cluster.monitors).narrow(cluster.monitors)
    (row,) = systems_of(cluster.monitors)
    assert row["is_single"]
    assert Undo(cluster.monitors).widen(cluster.monitors)
    assert (cluster.max_mds, cluster.replay) == (2, True)
    assert cluster.store == {}
    assert not Undo(cluster.monitors).widen(cluster.monitors)


def test_file_systems_keep_what_somebody_sets_meanwhile(cluster: Cluster) -> None:
    Undo(cluster.monitors).narrow(cluster.monitors)
    cluster.max_mds = 3
    Undo(cluster.monitors).narrow(cluster.monitors)
    assert (cluster.max_mds, cluster.replay) == (1, False)
    Undo(cluster.monitors).widen(cluster.monitors)
    assert (cluster.max_mds, cluster.replay) == (3, True)
    Undo(cluster.monitors).narrow(cluster.monitors)
    cluster.max_mds = 4
    Undo(cluster.monitors).widen(cluster.monitors)
    assert (cluster.max_mds, cluster.replay) == (4, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": [], "systems": []}', '{"nodes":'])
def test_a_record_that_cannot_be_read_is_not_none(cluster: Cluster, text: str) -> None:
    cluster.store[KEY] = text
    with pytest.raises(NoAnswer, match="is not what was written there"):
        Undo(cluster.monitors)


def test_an_answer_that_is_no_json_is_no_answer() -> None:
    with pytest.raises(NoAnswer, match="`osd dump` is not JSON"):
        Monitors(lambda *words: "<").there("osd")
