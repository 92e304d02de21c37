"""Ingress services: two daemons that are one, and files that follow the gateways."""

from __future__ import annotations

import base64
import re
from typing import Any, Dict, List

import pytest

from adapter.interface import OrchestratorError, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

FIELDS = {
    "backend_service": "rgw.web",
    "virtual_ip": "10.0.0.9/24",
    "frontend_port": 8000,
    "monitor_port": 1967,
}


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """Return hosts with a network, and two gateways."""
    cluster.serving()
    cluster.facts = {
        host: {"interfaces": {"eth0": {"ipv4_address": f"10.0.0.{host[1:]}/24", "addresses": []}}}
        for host in ("h1", "h2", "h3")
    }
    cluster.report(1)
    gateways(cluster, "h1", "h2")
    cluster.requests.clear()
    return cluster


def gateways(cluster: Cluster, *hosts: str) -> None:
    apply(cluster, {"service_type": "rgw", "service_id": "web", "placement": {"hosts": [*hosts]}})


def apply(cluster: Cluster, data: Dict[str, Any]) -> None:
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(data)]))
    cluster.settle(30)


def ingress(cluster: Cluster, *hosts: str, name: str = "web", **fields: Any) -> None:
    apply(
        cluster,
        {
            "service_type": "ingress",
            "service_id": name,
            "placement": {"hosts": [*(hosts or ("h1", "h2"))]},
            "spec": {**FIELDS, **fields},
        },
    )


def jobs(cluster: Cluster) -> List[Any]:
    return [each for each in cluster.requests if each.operation == "apply_ingress"]


def files(request: Any) -> Dict[str, Dict[str, str]]:
    """Return the texts of a job by host and file."""
    rows = request.variables["daemon_deploy_daemons"]
    found: Dict[str, Dict[str, str]] = {}
    for host, (row,) in rows.items():
        for name, secret in row["secret_files"].items():
            key = request.secrets[secret].partition("key = ")[2]
            found.setdefault(host, {})[name] = base64.b64decode(key).decode()
    return found


def there(cluster: Cluster, *kinds: str) -> List[str]:
    return sorted(f"{kind} {host}" for host, kind, _ in cluster.daemons if kind in kinds)


def servers(text: str) -> List[str]:
    return re.findall(r"server rgw[.](\S+) (\S+) check", text)


def test_one_job_brings_both_daemons_to_all_hosts(cluster: Cluster) -> None:
    ingress(cluster)

    assert there(cluster, "haproxy", "keepalived") == [
        *("haproxy h1", "haproxy h2"),
        *("keepalived h1", "keepalived h2"),
    ]
    (job,) = jobs(cluster)
    texts = files(job)
    assert "unicast_peer {\n    10.0.0.2\n" in texts["h1"]["keepalived.conf"]
    assert [host for host, _ in map(tuple, servers(texts["h1"]["haproxy.cfg"]))] != []


def test_passwords_are_made_once_and_stand_in_no_variable(cluster: Cluster) -> None:
    ingress(cluster)
    made = cluster.core.specs.get("ingress.web").made
    ingress(cluster, health_check_interval="5s")

    assert cluster.core.specs.get("ingress.web").made == made
    assert sorted(made) == ["keepalived_password", "monitor_password"]
    for job in jobs(cluster):
        text = files(job)["h1"]
        assert made["monitor_password"] in text["haproxy.cfg"]
        assert made["keepalived_password"] in text["keepalived.conf"]
        assert not any(word in str(job.variables) for word in made.values())
    (exported,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_name="ingress.web")
    )
    assert not any(word in str(exported.spec.to_json()) for word in made.values())


def test_a_password_of_the_spec_is_taken(cluster: Cluster) -> None:
    ingress(cluster, monitor_password="mine")

    assert "stats auth admin:mine\n" in files(jobs(cluster)[-1])["h1"]["haproxy.cfg"]


def test_haproxy_follows_its_gateways_without_a_restart(cluster: Cluster) -> None:
    ingress(cluster)
    gateways(cluster, "h2", "h3")

    last = jobs(cluster)[-1]
    text = files(last)["h1"]["haproxy.cfg"]
    assert [address for _, address in map(tuple, servers(text))] == ["10.0.0.2:80", "10.0.0.3:80"]
    rows = last.variables["daemon_deploy_daemons"]
    assert sorted(rows) == ["h1", "h2"]
    assert not any(row["since"] for of_host in rows.values() for row in of_host)


def test_applied_again_nothing_is_done(cluster: Cluster) -> None:
    ingress(cluster)
    ingress(cluster)
    cluster.start_anew()
    cluster.settle(20)

    assert len(jobs(cluster)) == 1


def test_a_host_more_is_told_to_the_others(cluster: Cluster) -> None:
    ingress(cluster)
    ingress(cluster, "h1", "h2", "h3")

    # In the job that makes it: two that do not know of each other would both have the address.
    first, second = jobs(cluster)
    texts = files(second)
    assert "10.0.0.3\n" in texts["h1"]["keepalived.conf"]
    assert "10.0.0.1\n    10.0.0.2\n" in texts["h3"]["keepalived.conf"]
    assert "10.0.0.3" not in files(first)["h1"]["keepalived.conf"]


def test_it_is_deployed_again_where_keepalived_has_failed(cluster: Cluster) -> None:
    ingress(cluster)
    ((host, kind, name),) = [k for k in cluster.daemons if k[:2] == ("h1", "keepalived")]
    cluster.daemons[host, kind, name] = "error"
    cluster.report(2)
    cluster.settle(20)

    assert cluster.daemons[host, kind, name] == "running"


def test_nothing_is_left_of_a_service_that_goes(cluster: Cluster) -> None:
    ingress(cluster)
    raise_if_exception(cluster.orchestrator.remove_service("ingress.web"))
    cluster.settle(20)

    assert there(cluster, "haproxy", "keepalived") == []
    assert there(cluster, "rgw") == ["rgw h1", "rgw h2"]
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.web"]
    kinds = {each.daemon_type for _, each in cluster.core.deployments.all()}
    assert kinds == {"rgw"}


def test_services_and_daemons_are_listed_as_cephs_own_are(cluster: Cluster) -> None:
    ingress(cluster)

    (service,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_name="ingress.web")
    )
    assert (service.size, service.running) == (2, 2)
    assert service.virtual_ip == "10.0.0.9/24"
    assert service.ports == [8000, 1967]
    daemons = raise_if_exception(cluster.orchestrator.list_daemons(service_name="ingress.web"))
    assert sorted({each.daemon_type for each in daemons}) == ["haproxy", "keepalived"]


def test_what_goes_with_another_daemon_is_not_removed_alone(cluster: Cluster) -> None:
    ingress(cluster)
    ((_, kind, name),) = [k for k in cluster.daemons if k[:2] == ("h1", "keepalived")]

    for ask in (
        lambda: cluster.orchestrator.remove_daemons([f"{kind}.{name}"]),
        lambda: cluster.orchestrator.daemon_action("redeploy", f"{kind}.{name}"),
    ):
        with pytest.raises(OrchestratorError, match=rf"Name haproxy\.{name}"):
            raise_if_exception(ask())


def test_what_another_service_has_is_refused_and_nothing_changes(cluster: Cluster) -> None:
    ingress(cluster)
    done = len(cluster.requests)

    for fields, said in (
        ({"backend_service": "rgw.none"}, "there is no such service"),
        ({"virtual_ip": "10.0.0.9/24", "frontend_port": 8001}, "ingress.web has it"),
        ({"virtual_ip": "192.0.2.9/24", "first_virtual_router_id": 51}, "has no address in it"),
        (
            {"virtual_ip": "10.0.0.10/24", "first_virtual_router_id": 49}
            | {"virtual_ip": None, "virtual_ips_list": ["10.0.0.10/24", "10.0.0.11/24"]},
            "Give 51",
        ),
        (
            {"virtual_ip": "10.0.0.10/24", "first_virtual_router_id": 51},
            "Invalid frontend_port 1967",
        ),
    ):
        with pytest.raises(OrchestratorError, match=said):
            ingress(cluster, name="two", **fields)
    assert cluster.core.specs.find("ingress.two") is None
    assert len(cluster.requests) == done


def test_a_host_that_cannot_have_the_address_is_named_and_the_others_are_served(
    cluster: Cluster,
) -> None:
    cluster.facts["h2"] = {"interfaces": {"eth0": {"ipv4_address": "192.0.2.1/24"}}}
    cluster.report(2)
    ingress(cluster)

    assert there(cluster, "haproxy") == ["haproxy h1"]
    (service,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_name="ingress.web")
    )
    assert any("host 'h2' has no address in it" in str(each.message) for each in service.events)
