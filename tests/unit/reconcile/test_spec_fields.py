"""A field of a spec is done, or refused in the user's own words; none is kept and forgotten."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from adapter.errors import InvalidValue
from adapter.interface import (
    HostSpec,
    OrchestratorError,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon

CASES: Dict[str, Dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("spec_fields.yml").read_text(encoding="utf-8")
)


def network(*rows: str) -> Any:
    return {"interfaces": {"eth0": {"ipv4_address": rows[0], "addresses": list(rows)}}}


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """Return hosts that have addresses in several networks, and an OSD."""
    cluster.serving()
    cluster.facts = {
        "h1": network("10.0.0.1/24", "10.0.1.1/24", "10.0.1.11/24"),
        "h2": network("10.0.0.2/24", "10.98.0.2/24"),
        "h3": network("10.0.0.3/24", "fd00::3/64"),
    }
    cluster.report(1)
    cluster.requests.clear()
    cluster.monitors.config.clear()
    return cluster


def apply(cluster: Cluster, data: Any) -> None:
    spec = data if isinstance(data, ServiceSpec) else ServiceSpec.from_json(data)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def rows(cluster: Cluster, service_type: str) -> List[Dict[str, Any]]:
    found = []
    for request in cluster.requests:
        if request.operation == f"apply_{service_type.replace('-', '_')}":
            (daemons,) = [v for k, v in request.variables.items() if k.endswith("_daemons")]
            found += [dict(row) for each in daemons.values() for row in each]
    for row in found:
        del row["id"], row["keyring_file"], row["since"]
    return found


def settings(cluster: Cluster) -> Dict[str, str]:
    """Return the configuration; ids of gateways are made of what is drawn."""
    found = {}
    for key, value in cluster.monitors.config.items():
        option = key.partition("/")[2]
        drawn = option == "rgw_frontends"
        found[f"client.rgw.ID/{option}" if drawn else key] = value
    return found


@pytest.mark.parametrize("name", CASES["done"])
def test_what_a_spec_says_is_done(cluster: Cluster, name: str) -> None:
    case = CASES["done"][name]
    apply(cluster, case["spec"])
    assert rows(cluster, case["spec"]["service_type"]) == case["rows"]
    assert settings(cluster) == case["config"]
    assert cluster.monitors.secrets == case.get("secrets", {})
    (kept,) = cluster.core.specs.all()
    jobs = len(cluster.requests)
    apply(cluster, json.loads(json.dumps(kept.spec.to_json())))
    assert len(cluster.requests) == jobs, "its own export, applied again, did something"


@pytest.mark.parametrize("name", CASES["refused"])
def test_what_cannot_be_done_is_refused_in_the_users_words(cluster: Cluster, name: str) -> None:
    case = CASES["refused"][name]
    spec = ServiceSpec.from_json(case["spec"])
    with pytest.raises(OrchestratorError, match=case["says"]) as error:
        raise_if_exception(cluster.orchestrator.apply([spec]))
    (row,) = raise_if_exception(cluster.orchestrator.plan([spec]))
    assert row == {"error": str(error.value)}
    assert "Spec(" not in str(error.value)
    assert "hush" not in str(error.value)
    assert cluster.core.specs.all() == []


def test_a_certificate_is_in_no_job_and_goes_with_its_service(cluster: Cluster) -> None:
    apply(cluster, CASES["done"]["a certificate"]["spec"])
    assert cluster.monitors.secrets
    for request in cluster.requests:
        assert "hush" not in repr(vars(request))
    assert "hush" not in json.dumps(list(cluster.monitors.config.values()))
    raise_if_exception(cluster.orchestrator.remove_service("rgw.a"))
    cluster.settle(20)
    assert cluster.monitors.secrets == {}


PEM, RENEWED = CASES["pem"], CASES["renewed"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"networks": ["10.98.0.0/24"]}, {"networks": ["10.0.0.0/24"]}),
        ({"networks": ["10.98.0.0/24"]}, {}),
        ({"placement": {"hosts": ["h2"]}}, {"placement": {"hosts": ["h2:10.98.0.2"]}}),
        (
            {"spec": {"ssl": True, "rgw_frontend_ssl_certificate": PEM}},
            {"spec": {"ssl": True, "rgw_frontend_ssl_certificate": RENEWED}},
        ),
        ({}, {"spec": {"rgw_exit_timeout_secs": 200}}),
    ],
)
def test_a_changed_field_comes_to_the_gateway_that_runs(
    cluster: Cluster, before: Dict[str, Any], after: Dict[str, Any]
) -> None:
    base = {"service_type": "rgw", "service_id": "a", "placement": {"hosts": ["h2"]}}
    apply(cluster, {**base, **before})
    apply(cluster, {**base, **after})
    found = rows(cluster, "rgw")
    assert len(found) == 2
    secrets = "".join(cluster.monitors.secrets.values())
    assert found[0] != found[1] or RENEWED.strip() in secrets
    apply(cluster, {**base, **after})
    assert len(rows(cluster, "rgw")) == 2


def test_gateways_are_drawn_on_hosts_that_have_the_network(cluster: Cluster) -> None:
    placement = PlacementSpec(count=2)
    apply(cluster, RGWSpec(service_id="a", placement=placement, networks=["10.98.0.0/24"]))
    hosts = {host for host, kind, _ in cluster.daemons if kind == "rgw"}
    assert hosts == {"h2"}
    assert {row["addr"] for row in rows(cluster, "rgw")} == {"10.98.0.2"}


def test_nothing_is_taken_from_a_host_whose_report_lacks_an_interface(cluster: Cluster) -> None:
    placement = PlacementSpec(host_pattern="*")
    apply(cluster, RGWSpec(service_id="a", placement=placement, networks=["10.98.0.0/24"]))
    cluster.facts["h2"] = network("10.0.0.2/24")
    cluster.report(20)
    assert [host for host, kind, _ in cluster.daemons if kind == "rgw"] == ["h2"]


def test_a_host_that_loses_its_network_holds_up_no_other(cluster: Cluster) -> None:
    spec = RGWSpec(
        service_id="a", placement=PlacementSpec(hosts=["h2", "h3"]), networks=["10.0.0.0/24"]
    )
    cluster.orchestrator.pause()
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.facts["h3"] = network("fd00::3/64")
    cluster.report(1)
    cluster.orchestrator.resume()
    cluster.settle(20)
    assert [host for host, kind, _ in cluster.daemons if kind == "rgw"] == ["h2"]
    (failure,) = [each for each in cluster.core.service_failures.all() if each.service == "rgw.a"]
    assert failure.host == "h3"
    assert "host 'h3' has no address in it" in failure.reason


@pytest.mark.parametrize("given", [["datacenter=a"], ["datacenter=a", "rack=r"]])
def test_monitors_are_told_where_they_are(cluster: Cluster, given: List[str]) -> None:
    spec = {
        "service_type": "mon",
        "placement": {"hosts": ["h1", "h2"]},
        "spec": {"crush_locations": {"h1": ["datacenter=b"], "h2": given, "h3": ["datacenter=c"]}},
    }
    apply(cluster, spec)
    assert cluster.monitors.locations == {"h1": ["datacenter=b"], "h2": given}
    told = len(cluster.monitors.log)
    cluster.settle(30)
    assert len(cluster.monitors.log) == told
    cluster.monitors.locations["h1"] = ["datacenter=z"]
    cluster.settle(20)
    assert cluster.monitors.locations["h1"] == ["datacenter=b"]
    apply(cluster, {**spec, "unmanaged": True})
    cluster.monitors.locations["h1"] = ["datacenter=z"]
    cluster.settle(20)
    assert cluster.monitors.locations["h1"] == ["datacenter=z"]


def zone(cluster: Cluster) -> Dict[str, Any]:
    cluster.monitors.zonegroup = {
        "name": "g",
        "hostnames": [],
        "zones": [{"name": "z", "endpoints": []}],
    }
    return cluster.monitors.zonegroup


def listen(cluster: Cluster, *ports: int) -> None:
    for key in [key for key in cluster.daemons if key[1] == "rgw"]:
        cluster.said[key] = {"ports": list(ports)}
    cluster.report(4)


REALM: Dict[str, Any] = {"rgw_realm": "r", "rgw_zonegroup": "g", "rgw_zone": "z"}


def test_a_zone_gets_the_endpoints_of_its_gateways(cluster: Cluster) -> None:
    group = zone(cluster)
    placement = PlacementSpec(hosts=["h1", "h2"])
    spec = RGWSpec(placement=placement, rgw_realm_token="hush", update_endpoints=True, **REALM)
    apply(cluster, spec)
    assert group["zones"][0]["endpoints"] == [], "a gateway that does not listen is an endpoint"
    listen(cluster, 80)
    assert group["zones"][0]["endpoints"] == ["http://10.0.0.1:80", "http://10.0.0.2:80"]
    assert "hush" not in repr(cluster.monitors.log)
    commits = [line for line in cluster.monitors.log if "period update" in line]
    assert commits == ["radosgw-admin period update --rgw-realm=r --rgw-zonegroup=g --commit"]
    listen(cluster)
    assert len(group["zones"][0]["endpoints"]) == 2, "a gateway that restarts is no endpoint"
    listen(cluster, 80)
    cluster.start_anew()
    cluster.report(10)
    assert [line for line in cluster.monitors.log if "period update" in line] == commits
    (key,) = [key for key in cluster.daemons if key[1] == "rgw" and key[0] == "h1"]
    cluster.daemons[key] = "error"
    cluster.said.pop(key)
    cluster.break_on["apply_rgw"] = {"h1": "it does not start"}
    cluster.report(4)
    assert len(group["zones"][0]["endpoints"]) == 2, "a gateway that broke is taken out at once"


def test_a_gateway_that_never_came_up_is_no_endpoint(cluster: Cluster) -> None:
    group = zone(cluster)
    spec = RGWSpec(placement=PlacementSpec(hosts=["h1", "h2"]), update_endpoints=True, **REALM)
    apply(cluster, spec)
    (key,) = [key for key in cluster.daemons if key[1] == "rgw" and key[0] == "h1"]
    cluster.break_on["apply_rgw"] = {"h1": "it does not start"}
    listen(cluster, 80)
    cluster.start_anew()
    cluster.daemons[key] = "error"
    cluster.said.pop(key)
    group["zones"][0]["endpoints"] = []
    cluster.start_anew()
    cluster.settle(4)
    assert group["zones"][0]["endpoints"] == ["http://10.0.0.2:80"]


def test_a_daemon_by_hand_needs_the_address_too(cluster: Cluster) -> None:
    spec = RGWSpec(service_id="a", placement=PlacementSpec(hosts=["h3:10.98.0.0/24"]))
    with pytest.raises(InvalidValue, match="host 'h3' has no address in it"):
        raise_if_exception(cluster.orchestrator.add_daemon(spec))
    assert cluster.core.specs.all() == []
    here = RGWSpec(service_id="a", placement=PlacementSpec(hosts=["h2:10.98.0.0/24"]))
    raise_if_exception(cluster.orchestrator.add_daemon(here))
    cluster.settle()
    assert [row["addr"] for row in rows(cluster, "rgw")] == ["10.98.0.2"]


@pytest.mark.parametrize("name", ["extra_container_args", "extra_entrypoint_args"])
def test_a_daemon_by_hand_takes_no_arguments_for_containers(cluster: Cluster, name: str) -> None:
    data = {"service_type": "mds", "service_id": "a", "placement": {"hosts": ["h2"]}}
    spec = ServiceSpec.from_json({**data, name: ["--cpus=2"]})
    with pytest.raises(InvalidValue, match="for a container"):
        raise_if_exception(cluster.orchestrator.add_daemon(spec))


def test_a_zone_gets_what_its_spec_names(cluster: Cluster) -> None:
    group = zone(cluster)
    spec = RGWSpec(
        placement=PlacementSpec(hosts=["h1"]),
        zone_endpoints="https://a.example.test, https://b.example.test:8443",
        zonegroup_hostnames=["s3.example.test"],
        **REALM,
    )
    apply(cluster, spec)
    assert group["zones"][0]["endpoints"] == [
        "https://a.example.test",
        "https://b.example.test:8443",
    ]
    assert group["hostnames"] == ["s3.example.test"]


def test_a_zone_that_cannot_be_changed_is_told_of_and_tried_again(cluster: Cluster) -> None:
    spec = RGWSpec(placement=PlacementSpec(hosts=["h1"]), zone_endpoints="http://a", **REALM)
    apply(cluster, spec)
    said = [event.message for event in cluster.core.events.of("rgw.r.z")]
    assert any("zone z: Module 'rgw' is not enabled" in line for line in said)
    group = zone(cluster)
    cluster.settle(60)
    assert group["zones"][0]["endpoints"] == ["http://a"]


def test_a_host_is_put_where_its_spec_says(cluster: Cluster) -> None:
    spec = HostSpec("h4", "10.0.0.4", location={"root": "default", "datacenter": "DC1"})
    raise_if_exception(cluster.orchestrator.add_host(spec))
    assert cluster.monitors.log[-2:] == [
        "crush add-bucket h4 host",
        "crush move h4 root=default datacenter=DC1",
    ]
    (found,) = [h for h in raise_if_exception(cluster.orchestrator.get_hosts()) if h == spec]
    assert found.to_json()["location"] == {"root": "default", "datacenter": "DC1"}


def test_a_host_that_is_there_is_moved(cluster: Cluster) -> None:
    spec = HostSpec("h2", "10.0.0.2", location={"rack": "r1"})
    raise_if_exception(cluster.orchestrator.apply([spec]))
    moves = [line for line in cluster.monitors.log if line.startswith("crush move")]
    assert moves == ["crush move h2 root=default rack=r1"]
    told = len(cluster.monitors.log)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    assert len(cluster.monitors.log) == told
    cluster.monitors.refuse = "osd crush move"
    with pytest.raises(OrchestratorError, match="do not answer"):
        raise_if_exception(
            cluster.orchestrator.add_host(HostSpec("h2", "10.0.0.2", location={"rack": "r2"}))
        )
    assert cluster.core.hosts.get("h2").location == {"rack": "r1"}


def test_a_dry_run_of_a_host_moves_nothing(cluster: Cluster) -> None:
    before = list(cluster.monitors.log)
    for host in (HostSpec("h2", "10.0.0.2", location={"rack": "r1"}), HostSpec("h4", "10.0.0.4")):
        host.preview_only = True  # type: ignore[attr-defined]
        raise_if_exception(cluster.orchestrator.apply([host]))
        raise_if_exception(cluster.orchestrator.plan([host]))
    assert cluster.monitors.log == before


def test_the_bucket_of_a_host_has_its_short_name(cluster: Cluster) -> None:
    spec = HostSpec("h4.example.test", "10.0.0.4", location={"rack": "r1"})
    raise_if_exception(cluster.orchestrator.add_host(spec))
    assert cluster.monitors.log[-2:] == [
        "crush add-bucket h4 host",
        "crush move h4 root=default rack=r1",
    ]
    cluster.settle()
    raise_if_exception(
        cluster.orchestrator.remove_host("h4.example.test", force=True, rm_crush_entry=True)
    )
    assert cluster.monitors.log[-1] == "crush remove h4"


def moved(cluster: Cluster, location: Dict[str, str]) -> List[str]:
    spec = HostSpec("h2", "10.0.0.2", location=location)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    return [line[11:] for line in cluster.monitors.log if line.startswith("crush move")]


def test_a_host_stays_below_the_root_that_it_is_below(cluster: Cluster) -> None:
    cluster.monitors.crush[7] = "h2"
    cluster.monitors.osds[7] = Daemon("h2", "/dev/vdb", "uuid")
    cluster.monitors.buckets = {"default": ("root", []), "ssd": ("root", ["h2"])}
    assert moved(cluster, {"rack": "r1"}) == ["h2 root=ssd rack=r1"]


def test_a_rack_says_below_which_root_a_host_is(cluster: Cluster) -> None:
    cluster.monitors.buckets = {
        "default": ("root", []),
        "ssd": ("root", ["r1"]),
        "r1": ("rack", []),
    }
    assert moved(cluster, {"rack": "r1"}) == ["h2 root=ssd rack=r1"]


def test_a_bucket_that_is_below_no_root_is_refused(cluster: Cluster) -> None:
    """Somebody may keep it there on purpose, with OSDs that shall get no data yet."""
    cluster.monitors.buckets = {"default": ("root", []), "r1": ("rack", [])}
    with pytest.raises(InvalidValue, match=r"rack=r1.*below no root.*crush move r1 root=default"):
        moved(cluster, {"rack": "r1"})
    assert not [line for line in cluster.monitors.log if line.startswith("crush")]


@pytest.mark.parametrize("dry", [True, False])
def test_a_root_that_is_not_there_is_refused(cluster: Cluster, dry: bool) -> None:
    spec = HostSpec("h2", "10.0.0.2", location={"root": "deafult"})
    spec.preview_only = dry  # type: ignore[attr-defined]
    with pytest.raises(InvalidValue, match=r"CRUSH has no root 'deafult'.*Its roots: default"):
        raise_if_exception(cluster.orchestrator.apply([spec]))
    assert not [line for line in cluster.monitors.log if line.startswith("crush")]


def test_racks_of_different_roots_are_refused(cluster: Cluster) -> None:
    cluster.monitors.buckets = {
        "default": ("root", ["r1"]),
        "ssd": ("root", ["dc"]),
        "r1": ("rack", []),
        "dc": ("datacenter", []),
    }
    with pytest.raises(InvalidValue, match="below different roots"):
        moved(cluster, {"rack": "r1", "datacenter": "dc"})


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ({"rack": "r 1"}, "Invalid location 'r 1': it is not a valid CRUSH bucket"),
        ({"host": "h9"}, "Invalid location 'host=h9': the bucket of host 'h4' is the host itself"),
    ],
)
def test_a_place_where_a_host_cannot_be_is_refused(
    cluster: Cluster, location: Dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidValue, match=says):
        raise_if_exception(
            cluster.orchestrator.add_host(HostSpec("h4", "10.0.0.4", location=location))
        )
    assert "h4" not in cluster.core.hosts


def test_a_host_that_cannot_be_put_into_crush_is_not_added(cluster: Cluster) -> None:
    cluster.monitors.refuse = "osd crush move"
    with pytest.raises(OrchestratorError, match="do not answer"):
        raise_if_exception(
            cluster.orchestrator.add_host(HostSpec("h4", "10.0.0.4", location={"rack": "r1"}))
        )
    assert "h4" not in cluster.core.hosts
