"""NFS behind one address, as `ceph nfs cluster create --ingress` asks for it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.interface import (
    IngressSpec,
    NFSServiceSpec,
    OrchestratorError,
    PlacementSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.test_ingress import files


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """Return hosts with a network."""
    cluster.serving()
    cluster.facts = {
        host: {"interfaces": {"eth0": {"ipv4_address": f"10.0.0.{host[1:]}/24", "addresses": []}}}
        for host in ("h1", "h2", "h3")
    }
    cluster.report(1)
    return cluster


def create(
    cluster: Cluster, name: str, address: str, port: int = 2049, mode: str = "haproxy-standard"
) -> None:
    """Ask for gateways and then for the ingress, as the module does."""
    is_alone, is_told = mode == "keepalive-only", mode == "haproxy-protocol"
    placement = PlacementSpec.from_string("h1 h2")
    placement.count = 1 if is_alone else None
    gateways = NFSServiceSpec(
        service_id=name,
        placement=placement,
        port=port if is_alone else 10000 + port,
        virtual_ip=address.partition("/")[0] if is_alone or is_told else None,
        enable_haproxy_protocol=is_told,
    )
    raise_if_exception(cluster.orchestrator.apply_nfs(gateways))
    ingress = IngressSpec(
        service_id=f"nfs.{name}",
        backend_service=f"nfs.{name}",
        placement=placement,
        frontend_port=None if is_alone else port,
        monitor_port=7000 + port,
        virtual_ip=address,
        keepalive_only=is_alone,
        enable_haproxy_protocol=is_told,
    )
    raise_if_exception(cluster.orchestrator.apply_ingress(ingress))
    cluster.settle(40)


def there(cluster: Cluster) -> List[str]:
    kinds = ("haproxy", "keepalived", "nfs")
    return sorted(
        f"{kind} {host} {name.rpartition('.')[0]}"
        for host, kind, name in cluster.daemons
        if kind in kinds
    )


def last(cluster: Cluster, address: str) -> Dict[str, Dict[str, str]]:
    """Return the files of the last job for the ingress with an address."""
    jobs = [files(each) for each in cluster.requests if each.operation == "apply_ingress"]
    return [each for each in jobs if address in str(each)][-1]


def router_id(cluster: Cluster, service: str) -> int:
    spec: Any = cluster.core.specs.get(service).spec
    return int(spec.first_virtual_router_id)


def test_gateways_and_their_ingress_come_one_after_the_other(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")

    assert there(cluster) == [
        *("haproxy h1 nfs.a.h1", "haproxy h2 nfs.a.h2"),
        *("keepalived h1 nfs.a.h1", "keepalived h2 nfs.a.h2"),
        *("nfs h1 a.h1", "nfs h2 a.h2"),
    ]
    text = last(cluster, "10.0.0.9/24")["h1"]["haproxy.cfg"]
    ranks = {
        each.hostname: each.rank
        for each in raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="nfs"))
    }
    for host, address in (("h1", "10.0.0.1:12049"), ("h2", "10.0.0.2:12049")):
        (line,) = [line for line in text.splitlines() if f" {address} check" in line]
        assert line.endswith(f"id {ranks[host] + 1}")
    assert "  bind 10.0.0.9:2049 transparent\n" in text


def test_what_the_module_of_ceph_reads_is_there(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")

    (ingress,) = raise_if_exception(cluster.orchestrator.describe_service(service_type="ingress"))
    assert (ingress.virtual_ip, ingress.ports) == ("10.0.0.9/24", [2049, 9049])
    assert ingress.spec.backend_service == "nfs.a"
    daemons = raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="nfs"))
    assert {each.service_name() for each in daemons} == {"nfs.a"}


def test_applied_again_nothing_is_done(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")
    create(cluster, "b", "10.0.0.10/24", 2050)
    raise_if_exception(cluster.orchestrator.remove_service("ingress.nfs.a"))
    cluster.settle(30)
    done = len(cluster.requests)
    create(cluster, "b", "10.0.0.10/24", 2050)
    cluster.start_anew()
    cluster.settle(20)

    assert [each.operation for each in cluster.requests[done:]] == []
    assert router_id(cluster, "ingress.nfs.b") == 51


def test_two_clusters_have_vrrp_ids_of_their_own(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")
    create(cluster, "b", "10.0.0.10/24", 2050)

    assert router_id(cluster, "ingress.nfs.a") == 50
    assert router_id(cluster, "ingress.nfs.b") == 51
    text = last(cluster, "10.0.0.10/24")["h2"]["keepalived.conf"]
    assert "  virtual_router_id 51\n" in text


def test_services_of_one_file_have_vrrp_ids_of_their_own_and_a_preview_says_so(
    cluster: Cluster,
) -> None:
    create(cluster, "a", "10.0.0.9/24")
    specs = [
        ServiceSpec.from_json(
            {
                "service_type": "ingress",
                "service_id": name,
                "placement": {"hosts": ["h1"]},
                "spec": {
                    "backend_service": "nfs.a",
                    "virtual_ip": f"10.0.0.{port % 100}/24",
                    "frontend_port": port,
                    "monitor_port": port + 1000,
                },
            }
        )
        for name, port in (("x", 2060), ("y", 2070))
    ]

    rows = raise_if_exception(cluster.orchestrator.plan(specs))
    assert [row.get("add") for row in rows if "add" in row] == [["h1"], ["h1"]]
    raise_if_exception(cluster.orchestrator.apply(specs))
    assert [router_id(cluster, f"ingress.{name}") for name in "xy"] == [51, 52]
    assert all(spec.first_virtual_router_id == 50 for spec in specs), "they are the caller's"


@pytest.mark.parametrize("mode", ["haproxy-protocol", "keepalive-only"])
def test_a_mode_that_is_not_carried_out_is_refused_before_anything_is_made(
    cluster: Cluster, mode: str
) -> None:
    done = len(cluster.requests)
    with pytest.raises(OrchestratorError, match="--ingress-mode haproxy-standard"):
        create(cluster, "a", "10.0.0.9/24", mode=mode)
    cluster.settle(20)

    assert cluster.core.specs.all() == []
    assert {each.operation for each in cluster.requests[done:]} <= {"add_host_label"}


def test_a_refused_ingress_names_the_gateways_that_are_made(cluster: Cluster) -> None:
    with pytest.raises(OrchestratorError) as raised:
        create(cluster, "a", "192.0.2.9/24")

    assert "has no address in it" in str(raised.value)
    assert str(raised.value).endswith(
        "nfs.a is made without it: `ceph nfs cluster rm a` takes it away."
    )
    assert "\n" not in str(raised.value)


def test_a_second_cluster_is_told_the_port_that_it_may_have(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")
    raise_if_exception(
        cluster.orchestrator.apply_nfs(
            NFSServiceSpec(service_id="c", placement=PlacementSpec.from_string("h1"), port=2050)
        )
    )

    with pytest.raises(OrchestratorError) as raised:
        create(cluster, "b", "10.0.0.10/24")
    assert "nfs.a has it on host 'h1'" in str(raised.value)
    # The one that comes next has its clients' port taken.
    assert "such as 12051, or other hosts. With `--ingress` that is `--port 2051`." in str(
        raised.value
    )
    assert cluster.core.specs.find("nfs.b") is None
    create(cluster, "b", "10.0.0.10/24", 2051)


def test_haproxy_follows_the_gateways(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")
    raise_if_exception(
        cluster.orchestrator.apply_nfs(
            NFSServiceSpec(service_id="a", placement=PlacementSpec.from_string("h2 h3"), port=12049)
        )
    )
    cluster.settle(40)

    text = last(cluster, "10.0.0.9/24")["h1"]["haproxy.cfg"]
    assert " 10.0.0.3:12049 " in text
    assert " 10.0.0.1:12049 " not in text


def test_a_cluster_that_goes_leaves_nothing(cluster: Cluster) -> None:
    create(cluster, "a", "10.0.0.9/24")

    raise_if_exception(cluster.orchestrator.remove_service("ingress.nfs.a"))
    raise_if_exception(cluster.orchestrator.remove_service("nfs.a"))
    cluster.settle(40)

    assert there(cluster) == []
    assert cluster.core.specs.all() == []
    assert not any("nfs" in key for key in cluster.monitors.keys)
    assert [each for _, each in cluster.core.deployments.all()] == []


def ingress_jobs(cluster: Cluster) -> List[Any]:
    return [each for each in cluster.requests if each.operation == "apply_ingress"]


def servers(job: Any) -> List[List[str]]:
    """Return the gateways that haproxy of each host is told of."""
    texts = [each["haproxy.cfg"].splitlines() for each in files(job).values()]
    return [[line for line in text if line.startswith("  server ")] for text in texts]


def both(backend: str) -> List[ServiceSpec]:
    """Return a service and an ingress before it, as they stand in one file."""
    kind, _, name = backend.partition(".")
    placement = {"hosts": ["h1", "h2"]}
    fields = {
        "backend_service": backend,
        "virtual_ip": "10.0.0.9/24",
        "frontend_port": 2049,
        "monitor_port": 9049,
    }
    front = {"service_type": "ingress", "service_id": backend, "placement": placement}
    behind = {"service_type": kind, "service_id": name, "placement": placement}
    if kind == "nfs":
        behind["spec"] = {"port": 12049}
    return [ServiceSpec.from_json(behind), ServiceSpec.from_json({**front, "spec": fields})]


@pytest.mark.parametrize("backend", ["nfs.a", "rgw.web"])
def test_haproxy_knows_gateways_that_are_to_come(cluster: Cluster, backend: str) -> None:
    cluster.settle(20)
    raise_if_exception(cluster.orchestrator.apply(both(backend)))
    cluster.settle(40)

    (job,) = ingress_jobs(cluster)
    assert [len(each) for each in servers(job)] == [2, 2], "haproxy was told once, of all gateways"
    assert not any(":0 " in line for each in servers(job) for line in each)


def test_gateways_that_are_to_come_have_the_numbers_that_they_will_have(cluster: Cluster) -> None:
    cluster.settle(20)
    create(cluster, "a", "10.0.0.9/24")

    (job,) = ingress_jobs(cluster)
    (lines, others) = servers(job)
    assert lines == others
    assert sorted(line.rpartition(" id ")[2] for line in lines) == ["1", "2"]
