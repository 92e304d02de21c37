"""The administrator's keyring follows the label ``_admin``; what is somebody else's stays."""

from __future__ import annotations

from typing import Any, Dict, List

from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

FOREIGN = {"ours": False, "key": ""}


def label(cluster: Cluster, host: str, name: str = "_admin") -> None:
    raise_if_exception(cluster.orchestrator.add_host_label(host, name))
    cluster.settle()


def unlabel(cluster: Cluster, host: str, name: str = "_admin") -> None:
    raise_if_exception(cluster.orchestrator.remove_host_label(host, name, True))
    cluster.settle()


def updates(cluster: Cluster) -> List[Dict[str, str]]:
    requests = [each for each in cluster.requests if each.operation == "update_admin"]
    return [each.variables["cluster_access_admin"] for each in requests]


def test_the_keyring_comes_and_goes_with_the_label(cluster: Cluster) -> None:
    label(cluster, "h2")
    assert updates(cluster) == [{"h2": "present"}]
    (request,) = [each for each in cluster.requests if each.operation == "update_admin"]
    assert "KEYOFTHEADMINISTRATOR" not in str(request.variables)
    assert list(request.secrets.values()) == ["[client.admin]\n\tkey = KEYOFTHEADMINISTRATOR==\n"]
    cluster.settle(60)
    assert len(updates(cluster)) == 1

    unlabel(cluster, "h2")
    assert updates(cluster)[1:] == [{"h2": "absent"}]
    assert cluster.requests[-1].secrets == {}
    cluster.settle(60)
    assert len(updates(cluster)) == 2
    assert cluster.admins == {}


def test_the_keyring_of_somebody_else_stays(cluster: Cluster) -> None:
    cluster.admins["h2"] = dict(FOREIGN)
    cluster.confs["h2"] = {"mons": ["10.0.0.1"], "ours": False}
    cluster.report()
    label(cluster, "h2")
    unlabel(cluster, "h2")
    assert updates(cluster) == []


def test_a_new_key_comes_to_the_hosts(cluster: Cluster) -> None:
    label(cluster, "h2")
    cluster.monitors.admin_key = "ANOTHERKEY=="
    cluster.settle(60)
    assert updates(cluster) == [{"h2": "present"}, {"h2": "present"}]
    cluster.settle(60)
    assert len(updates(cluster)) == 2


def test_who_keeps_the_files_himself_says_so(cluster: Cluster) -> None:
    label(cluster, "h2", "_no_conf_keyring")
    label(cluster, "h2")
    assert updates(cluster) == []
    unlabel(cluster, "h2", "_no_conf_keyring")
    assert updates(cluster) == [{"h2": "present"}]


def test_a_label_that_went_while_the_host_was_silent(cluster: Cluster) -> None:
    label(cluster, "h2")
    cluster.offline("h2")
    unlabel(cluster, "h2")
    assert len(updates(cluster)) == 1
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.settle()
    assert updates(cluster)[1:] == [{"h2": "absent"}]


def test_a_host_that_cannot_is_tried_again_later(cluster: Cluster) -> None:
    cluster.break_on["update_admin"] = {"h2": "no space left"}
    label(cluster, "h2")
    cluster.settle(30)
    assert 1 < len(updates(cluster)) < 6
    cluster.break_on.clear()
    cluster.settle(60)
    assert cluster.admins["h2"]["ours"]


def test_a_host_that_leaves_has_it_no_more(cluster: Cluster) -> None:
    label(cluster, "h2")
    raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))
    cluster.settle()
    assert cluster.admins == {}


def test_hosts_that_say_nothing_of_it_are_left_alone(cluster: Cluster) -> None:
    """Seen where the host was asked by an earlier version."""
    real: Any = cluster._report

    def report(host: str) -> Dict[str, Any]:
        found: Dict[str, Any] = real(host)
        del found["identity"]["admin"]
        return found

    cluster._report = report  # type: ignore[method-assign]
    cluster.report()
    label(cluster, "h2")
    assert updates(cluster) == []
