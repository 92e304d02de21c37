"""Values under ``config`` are held against Ceph's option table before anything is kept."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from adapter.errors import InvalidValue, NotReady
from adapter.interface import OrchestratorError, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.test_changed_specs import apply, events, rgw


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts whose records are with the monitors."""
    return KeptCluster()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"rgw_nope": 1}, "Invalid config 'rgw_nope': Ceph has no option of this name"),
        ({"rgw_thread_pool_size": "many"}, "Invalid config rgw_thread_pool_size 'many'"),
        ({"mds_cache_memory_limit": "4G"}, "a rgw daemon does not read it"),
        ({"keyring": "/x"}, "the monitors keep no value of this option"),
        ({"rgw_frontends": "beast port=1"}, "it follows from rgw_frontend_port"),
    ],
)
def test_a_value_that_ceph_refuses_is_refused_before_anything_is_kept(
    cluster: Cluster, config: Dict[str, Any], said: str
) -> None:
    for method in (cluster.orchestrator.apply, cluster.orchestrator.plan):
        try:
            rows = raise_if_exception(method([rgw(config=config)]))
            text = rows[0]["error"]
        except InvalidValue as error:
            text = str(error)
        assert said in text
    assert cluster.core.specs.find("rgw.pc") is None


def test_nothing_is_accepted_unseen_while_the_monitors_are_silent(cluster: Cluster) -> None:
    cluster.monitors.silent = True
    with pytest.raises(NotReady, match=r"The config of rgw.pc cannot be checked"):
        raise_if_exception(cluster.orchestrator.apply([rgw(config={"debug_rgw": "5"})]))
    assert cluster.core.specs.find("rgw.pc") is None


def test_what_the_monitors_refuse_after_all_is_named(cluster: Cluster) -> None:
    cluster.monitors.refused_options = ["rgw_dns_name"]
    apply(cluster, rgw(config={"rgw_dns_name": "x"}))
    assert any(
        "config rgw_dns_name 'x' was refused for client.rgw.pc" in e for e in events(cluster)
    )


def test_all_wrong_options_are_named_at_once(cluster: Cluster) -> None:
    spec = ServiceSpec("mds", "fs", config={"mds_cache_memory_limit": "much", "no_such": 1})
    with pytest.raises(OrchestratorError) as refused:
        raise_if_exception(cluster.orchestrator.apply([spec]))
    said = str(refused.value)
    assert "mds_cache_memory_limit" in said
    assert "no_such" in said
    problem = cluster.orchestrator.service_list.config_problem(spec)
    assert problem == f"mds.fs: {said}"
    assert cluster.orchestrator.service_list.config_problem(ServiceSpec("mds", "fs")) == ""
