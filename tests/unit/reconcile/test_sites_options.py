"""Values of options that a site has set: replaced by a spec with a word, and put back after it."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, List

import pytest

from adapter.cluster.set_options import ServiceSettings
from adapter.cluster.store import Unusable
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.over_monitors import KeptCluster

NAME, SECTION, OPTION = "mds.data", "mds.data", "mds_cache_memory_limit"
PAIR = f"{SECTION}/{OPTION}"
SITES, OURS = "5000000000", "3000000000"


@pytest.fixture
def cluster() -> KeptCluster:
    """Return three hosts of a cluster whose site has set an option of a service to come."""
    cluster = KeptCluster()
    cluster.serving()
    cluster.monitors.config[PAIR] = SITES
    return cluster


def mds(value: str = OURS, **values: Any) -> MDSSpec:
    config = {OPTION: value} if value else None
    return MDSSpec(
        service_id="data", placement=PlacementSpec(hosts=["h1"]), config=config, **values
    )


def apply(cluster: KeptCluster, spec: MDSSpec) -> str:
    (text,) = raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    cluster.report()
    return str(text)


def remove(cluster: KeptCluster) -> str:
    text = raise_if_exception(cluster.orchestrator.remove_service(NAME))
    cluster.settle()
    cluster.report()
    assert cluster.core.specs.find(NAME) is None
    return str(text)


def value(cluster: KeptCluster) -> str:
    return cluster.monitors.config.get(PAIR, "")


def events(cluster: KeptCluster) -> List[str]:
    return [event.message for event in cluster.core.events.of(NAME)]


def test_a_sites_value_comes_back_with_the_removal(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    assert value(cluster) == OURS
    said = remove(cluster)
    assert value(cluster) == SITES
    assert f"values that were set before it come back: {OPTION} of {SECTION}" in said
    assert cluster.value(f"settings.{NAME}") is None


def test_a_sites_value_comes_back_when_the_option_leaves_the_spec(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    rows = raise_if_exception(cluster.orchestrator.plan([mds("")]))
    assert f"put {OPTION} of {SECTION} back to the value that it had before" in rows[0]["change"]
    apply(cluster, mds(""))
    assert value(cluster) == SITES
    assert any(f"put {OPTION} of {SECTION} back" in event for event in events(cluster))
    cluster.monitors.config[PAIR] = "6000000000"
    remove(cluster)
    assert value(cluster) == "6000000000"


def test_the_next_manager_puts_it_back_too(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    apply(cluster, mds("4000000000"))
    cluster.start_anew()
    cluster.report()
    remove(cluster)
    assert value(cluster) == SITES


def test_dry_run_and_answer_say_that_a_value_is_replaced(cluster: KeptCluster) -> None:
    row, warning = raise_if_exception(cluster.orchestrator.plan([mds()]))
    line = f"set {OPTION} of {SECTION} (replaces a value that was set before)"
    assert line in row["change"]
    assert f"set mds_join_fs of {SECTION}" in row["change"]
    assert f"{NAME}: would {line}" in warning["warning"]
    assert f"values that were set before: {OPTION} of {SECTION};" in apply(cluster, mds())
    assert any(line in event for event in events(cluster))
    assert "set before" not in apply(cluster, mds("4000000000"))
    assert SITES not in f"{row}{warning}{events(cluster)}"


def test_a_change_by_hand_is_healed_and_not_taken_for_the_sites_first(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    cluster.monitors.config[PAIR] = "7000000000"
    cluster.settle(40)
    assert value(cluster) == OURS
    remove(cluster)
    assert value(cluster) == SITES


def test_a_value_that_was_the_same_from_the_beginning_stays(cluster: KeptCluster) -> None:
    cluster.monitors.config[PAIR] = OURS
    assert "set before" not in apply(cluster, mds())
    apply(cluster, mds("4000000000"))
    remove(cluster)
    assert value(cluster) == OURS


def test_what_somebody_removed_by_hand_is_not_put_back(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    raise_if_exception(cluster.orchestrator.set_unmanaged(NAME, True))
    del cluster.monitors.config[PAIR]
    remove(cluster)
    assert value(cluster) == ""


def test_a_generated_option_of_the_sites_comes_back_too(cluster: KeptCluster) -> None:
    cluster.monitors.config[f"{SECTION}/mds_join_fs"] = "other"
    row, _ = raise_if_exception(cluster.orchestrator.plan([mds()]))
    replaces = f"set mds_join_fs of {SECTION} (replaces a value that was set before)"
    assert replaces in row["change"]
    apply(cluster, mds())
    assert cluster.monitors.config[f"{SECTION}/mds_join_fs"] == "data"
    remove(cluster)
    assert cluster.monitors.config[f"{SECTION}/mds_join_fs"] == "other"


def test_a_spec_that_was_never_kept_takes_nothing_with_it(cluster: KeptCluster) -> None:
    apply(cluster, mds(unmanaged=True))
    remove(cluster)
    assert value(cluster) == SITES


def test_silent_monitors_put_off_the_end(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    raise_if_exception(cluster.orchestrator.remove_service(NAME))
    cluster.monitors.silent = True
    cluster.settle(5)
    assert cluster.core.specs.find(NAME) is not None
    cluster.monitors.silent = False
    cluster.settle(60)
    cluster.report(60)
    assert value(cluster) == SITES
    assert cluster.core.specs.find(NAME) is None


def test_a_value_that_the_monitors_refuse_is_named_without_it(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    cluster.monitors.refused_options = {OPTION}
    apply(cluster, mds(""))
    said = next(event for event in events(cluster) if "refuse" in event)
    assert f"`ceph config rm {SECTION} {OPTION}` leaves it without one" in said
    assert SITES not in said
    del cluster.monitors.config[PAIR]
    cluster.settle(40)
    assert cluster.core.set_options.get(NAME).before == {}


def test_a_value_that_is_too_long_to_be_remembered_is_not_replaced(cluster: KeptCluster) -> None:
    cluster.monitors.config[PAIR] = "5" * 5000
    raise_if_exception(cluster.orchestrator.apply([mds()]))
    cluster.settle()
    assert value(cluster) == "5" * 5000
    said = next(event for event in events(cluster) if "too long" in event)
    assert f"`ceph config rm {SECTION} {OPTION}`" in said
    assert "5555" not in said


def test_no_log_shows_what_was_there(
    cluster: KeptCluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    apply(cluster, mds())
    remove(cluster)
    assert f"put {OPTION} of {SECTION} back" in caplog.text
    assert SITES not in caplog.text
    known = ServiceSettings(NAME, frozenset({(SECTION, OPTION)}), 1.0, {(SECTION, OPTION): SITES})
    assert SITES not in repr(known)


def test_a_record_that_cannot_be_read_keeps_the_service(cluster: KeptCluster) -> None:
    apply(cluster, mds())
    text = cluster.value(f"settings.{NAME}") or ""
    cluster.write(f"settings.{NAME}", "xx")
    raise_if_exception(cluster.orchestrator.remove_service(NAME))
    cluster.settle()
    cluster.report()
    assert (value(cluster), cluster.value(f"settings.{NAME}")) == (OURS, "xx")
    assert cluster.core.specs.find(NAME) is not None
    cluster.write(f"settings.{NAME}", text)
    cluster.settle(60)
    cluster.report(60)
    assert (value(cluster), cluster.core.specs.find(NAME)) == (SITES, None)


RECORD: Dict[str, Any] = {"sections": {SECTION: [OPTION]}, "changed": 1.0}


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("s3cret", "is not a mapping of sections"),
        ({SECTION: "s3cret"}, "is not a mapping of sections"),
        ({SECTION: {OPTION: ["s3cret"]}}, "is not a text"),
        ({SECTION: {OPTION: "s3cret" * 1000}}, "is not a text of at most 4096"),
        ({SECTION: {"auth_cluster_required": "s3cret"}}, "which its sections do not name"),
        ({"global": {OPTION: "s3cret"}}, "which its sections do not name"),
    ],
)
def test_what_a_record_has_of_before_is_checked_and_not_shown(before: Any, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        ServiceSettings.from_json(NAME, json.loads(json.dumps({**RECORD, "before": before})))
    assert reason in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_record_of_before_comes_back_as_it_was() -> None:
    pair = (SECTION, OPTION)
    known = ServiceSettings(NAME, frozenset({pair}), 1.0, {pair: ""})
    assert ServiceSettings.from_json(NAME, json.loads(json.dumps(known.to_json()))) == known
    assert ServiceSettings.from_json(NAME, RECORD).before == {}
