"""Ingress services: what their specs may say, and what haproxy and keepalived are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple

import pytest
import yaml

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import ClusterView, ViewedDaemon, check_fields, kind_of
from tests.unit.kinds.specs import refusal_of, spec_from

DATA: Dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("ingress_refused.yml").read_text(encoding="utf-8")
)
CERTIFICATES: Dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "reconcile/spec_fields.yml").read_text(encoding="utf-8")
)
TLS = {"ssl": True, "ssl_cert": CERTIFICATES["pem"]}
KIND = kind_of("ingress")


def spec_of(**fields: Any) -> Any:
    return spec_from("ingress", "web", {**DATA["good"], **fields})


def refusal(**fields: Any) -> str:
    return refusal_of(lambda: check_fields(spec_of(**fields)))


@pytest.mark.parametrize("case", DATA["refused"])
def test_what_cannot_be_carried_out_is_refused(case: str) -> None:
    fields, said = DATA["refused"][case]

    assert said in refusal(**fields)


@pytest.mark.parametrize("case", DATA["nfs_refused"])
def test_what_cannot_be_carried_out_before_nfs_is_refused(case: str) -> None:
    fields, said = DATA["nfs_refused"][case]

    assert said in refusal(backend_service="nfs.share", **fields)


@pytest.mark.parametrize("case", DATA["tls_refused"])
def test_what_haproxy_does_not_take_for_tls_is_refused(case: str) -> None:
    fields, said = DATA["tls_refused"][case]

    assert said in refusal(**TLS, **fields)


def test_no_password_is_in_a_refusal() -> None:
    assert "secret" not in refusal(monitor_password="secret secret")
    assert "longsecret" not in refusal(keepalived_password="longsecret")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"virtual_ip": None, "virtual_ips_list": ["10.0.0.8/24", "10.0.0.9/32"]},
        {"use_keepalived_multicast": True, "vrrp_interface_network": "10.9.0.0/16"},
        {"virtual_interface_networks": ["10.0.0.0/16"], "first_virtual_router_id": 255},
        {**TLS, "ssl_dh_param": "2048", "ssl_options": ["no-sslv3", "ssl-min-ver TLSv1.2"]},
        {"ssl_cert": CERTIFICATES["pem"]},
        {"backend_service": "nfs.share", "health_check_interval": "5s"},
        {"enable_stats": True, "health_check_interval": "5s", "monitor_user": "me"},
    ],
)
def test_what_can_be_carried_out_is_taken(fields: Dict[str, Any]) -> None:
    check_fields(spec_of(**fields))


# What hosts are told.


def interfaces(address: str, *more: str) -> Dict[str, Any]:
    return {
        "eth0": {"ipv4_address": f"{address}/24", "addresses": [f"{address}/24", *more]},
        "eth1": {"ipv4_address": "", "addresses": []},
    }


def view(*gateways: str, hosts: int = 2, **facts: Any) -> ClusterView:
    daemons: List[ViewedDaemon] = []
    for number in range(1, hosts + 1):
        name = f"h{number}"
        daemons.append(haproxy(name))
    for name in gateways:
        where = name.split(".")[1]
        daemons.append(ViewedDaemon("rgw", name, "rgw.web", where, f"10.0.0.{where[1:]}", 7480))
    there = {f"h{n}": interfaces(f"10.0.0.{n}") for n in range(1, hosts + 1)}
    return ClusterView(
        "f", tuple(daemons), interfaces={**there, **facts}, virtual=("10.0.0.9", "10.0.0.8")
    )


def haproxy(host: str) -> ViewedDaemon:
    return ViewedDaemon("haproxy", f"web.{host}.abcdef", "ingress.web", host, "", 1967)


def told(seen: ClusterView, host: str = "h1", **fields: Any) -> Dict[str, str]:
    spec = spec_of(monitor_password="abc", keepalived_password="vrrp", **fields)
    return KIND.files(spec, seen, haproxy(host))


def test_haproxy_knows_each_gateway_by_its_address() -> None:
    text = told(view("web.h1.aaaaaa", "web.h3.bbbbbb"))["haproxy.cfg"]

    assert "  server rgw.web.h1.aaaaaa 10.0.0.1:7480 check inter 2s\n" in text
    assert "  server rgw.web.h3.bbbbbb 10.0.0.3:7480 check inter 2s\n" in text
    assert "  bind 10.0.0.9:8000 transparent\n" in text
    assert "  stats auth admin:abc\n" in text


def test_haproxy_is_told_the_same_on_all_hosts() -> None:
    seen = view("web.h1.aaaaaa")

    assert told(seen, "h1")["haproxy.cfg"] == told(seen, "h2")["haproxy.cfg"]


def test_a_gateway_whose_port_nobody_knows_is_left_out() -> None:
    seen = view()
    lost = ViewedDaemon("rgw", "web.h1.a", "rgw.web", "h1", "10.0.0.1", 0)

    text = told(ClusterView("f", (*seen.daemons, lost), interfaces=seen.interfaces))["haproxy.cfg"]

    assert "server" not in text.split("backend gateways")[1]


def test_gateways_with_tls_are_spoken_to_with_tls() -> None:
    gateways = ServiceSpec.from_json(
        {"service_type": "rgw", "service_id": "web", "spec": {"ssl": True}}
    )
    seen = view("web.h1.aaaaaa")
    seen = ClusterView("f", seen.daemons, interfaces=seen.interfaces, specs={"rgw.web": gateways})

    assert "check inter 2s ssl verify none\n" in told(seen)["haproxy.cfg"]


def test_tls_ends_at_haproxy_where_the_spec_has_a_certificate() -> None:
    files = told(view("web.h1.aaaaaa"), ssl_options=["ssl-min-ver TLSv1.2"], **TLS)

    assert "  bind 10.0.0.9:8000 transparent ssl crt haproxy.pem\n" in files["haproxy.cfg"]
    assert "  ssl-default-bind-options ssl-min-ver TLSv1.2\n" in files["haproxy.cfg"]
    assert "X-Forwarded-Proto https" in files["haproxy.cfg"]
    assert "PRIVATE KEY" in files["haproxy.pem"]
    assert "haproxy.pem" not in told(view("web.h1.aaaaaa"))


def nfs_view(*gateways: Tuple[str, int]) -> ClusterView:
    seen = view()
    daemons = tuple(
        ViewedDaemon("nfs", f"a.{host}.x", "nfs.a", host, f"10.0.0.{host[1:]}", 12049, rank=rank)
        for host, rank in gateways
    )
    return replace(seen, daemons=(*seen.daemons, *daemons))


def told_of_nfs(*gateways: Tuple[str, int], host: str = "h1") -> Dict[str, str]:
    return told(nfs_view(*gateways), host, backend_service="nfs.a", frontend_port=2049)


def test_connections_of_nfs_are_handed_on_as_they_are() -> None:
    text = told_of_nfs(("h1", 0), ("h2", 3))["haproxy.cfg"]
    clients, gateways = text.split("frontend clients")[1].split("\nbackend gateways")

    assert "  bind 10.0.0.9:2049 transparent\n  mode tcp\n" in clients
    assert "  mode tcp\n  balance source\n  hash-type consistent\n" in gateways
    assert "http" not in clients + gateways
    more = "check inter 2s fastinter 1s on-marked-down shutdown-sessions"
    assert f"  server nfs.a.h1.x 10.0.0.1:12049 {more} id 1\n" in gateways
    assert f"  server nfs.a.h2.x 10.0.0.2:12049 {more} id 4\n" in gateways


def test_all_hosts_send_a_client_to_the_same_gateway_whoever_else_is_gone() -> None:
    both, one = told_of_nfs(("h1", 0), ("h2", 1)), told_of_nfs(("h2", 1), host="h2")

    assert both["haproxy.cfg"] == told_of_nfs(("h2", 1), ("h1", 0), host="h2")["haproxy.cfg"]
    assert "sessions id 2\n" in one["haproxy.cfg"]


def test_a_gateway_of_which_nobody_knows_the_number_is_served_too() -> None:
    assert "shutdown-sessions\n" in told_of_nfs(("h1", -1))["haproxy.cfg"]


def test_one_host_after_the_other_takes_an_address() -> None:
    first, second = (told(view(), host)["keepalived.conf"] for host in ("h1", "h2"))

    assert "  priority 200\n" in first
    assert "  unicast_src_ip 10.0.0.1\n  unicast_peer {\n    10.0.0.2\n  }\n" in first
    assert "  priority 199\n" in second
    assert "    10.0.0.9/24 dev eth0\n" in second
    assert 'script "/etc/ceph-orch-ansible/ingress/web.h2.abcdef/check"' in second


def test_each_address_has_another_host_first_and_an_id_of_its_own() -> None:
    both = {"virtual_ip": None, "virtual_ips_list": ["10.0.0.9/24", "10.0.0.8/24"]}

    text = told(view(), "h2", **both)["keepalived.conf"]

    nine, eight = text.split("vrrp_instance")[1:]
    assert "virtual_router_id 50\n  priority 199\n" in nine
    assert "virtual_router_id 51\n  priority 200\n" in eight


def test_an_address_that_a_host_holds_is_not_its_own() -> None:
    seen = view(h1=interfaces("10.0.0.9", "10.0.0.1/24"))

    assert "unicast_src_ip 10.0.0.1\n" in told(seen)["keepalived.conf"]


def test_hosts_hear_each_other_in_the_network_that_is_named_for_it() -> None:
    other = {"ipv4_address": "10.9.0.1/24", "addresses": ["10.9.0.1/24"]}
    seen = view(hosts=1, h1={**interfaces("10.0.0.1"), "eth1": other})

    text = told(seen, vrrp_interface_network="10.9.0.0/24")["keepalived.conf"]

    assert "  interface eth1\n" in text
    assert "10.0.0.9/24 dev eth0\n" in text


def test_by_multicast_no_peer_is_named() -> None:
    text = told(view(), use_keepalived_multicast=True)["keepalived.conf"]

    assert "unicast" not in text


def test_a_host_alone_names_no_peer() -> None:
    assert "unicast" not in told(view(hosts=1))["keepalived.conf"]


def test_a_host_without_an_address_in_the_network_is_named() -> None:
    with pytest.raises(InvalidValue, match="host 'h1' has no address in it") as raised:
        told(view(h1=interfaces("192.0.2.1")))

    assert "192.0.2.1/24 on eth0" in str(raised.value)


def test_another_host_without_one_is_no_peer() -> None:
    text = told(view(h2=interfaces("192.0.2.1")))["keepalived.conf"]

    assert "unicast" not in text


def test_an_interface_with_an_odd_name_is_not_taken() -> None:
    odd = {"eth0 {": interfaces("10.0.0.1")["eth0"]}

    with pytest.raises(InvalidValue):
        told(view(hosts=1, h1=odd))


# What other services and hosts have.


def check(others: Dict[str, Any], hosts: Dict[str, Any], **fields: Any) -> None:
    KIND.check_in_cluster(spec_of(**fields), others, hosts)


def gateways() -> ServiceSpec:
    return ServiceSpec.from_json({"service_type": "rgw", "service_id": "web"})


def test_a_backend_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"there is no such service\. Apply it first\."):
        check({}, {})
    with pytest.raises(InvalidValue, match=r"Apply it first, or name one of rgw\.web"):
        check({"rgw.web": gateways()}, {}, backend_service="rgw.other")


def test_an_address_of_another_service_is_refused() -> None:
    others = {"rgw.web": gateways(), "ingress.a": spec_of()}

    with pytest.raises(InvalidValue, match=r"ingress\.a has it"):
        check(others, {})


def test_a_vrrp_id_of_another_service_is_refused_with_a_free_one() -> None:
    others = {"rgw.web": gateways(), "ingress.a": spec_of()}

    with pytest.raises(InvalidValue, match=r"Give 51\."):
        check(others, {}, virtual_ip="10.0.0.10/24")
    check(others, {}, virtual_ip="10.0.0.10/24", first_virtual_router_id=51)


def test_one_that_stands_in_the_same_file_and_is_wrong_does_not_speak_against_it() -> None:
    others = {"rgw.web": gateways(), "ingress.a": spec_of(virtual_ip="h1/24")}

    check(others, {}, first_virtual_router_id=51)


@pytest.mark.parametrize(
    ("mine", "known", "others", "first"),
    [
        # The first free one, where a spec names none.
        ({}, None, (), 50),
        ({}, None, (50,), 51),
        ({}, None, (51,), 50),
        ({}, None, (50, 51, 53), 52),
        ({}, None, range(50, 256), 1),
        # What a service has it keeps.
        ({}, 51, (), 51),
        ({}, 51, (51,), 50),
        # What a spec names is not another one.
        ({"first_virtual_router_id": 51}, None, (51,), 51),
        ({"first_virtual_router_id": 60}, 51, (), 60),
    ],
)
def test_a_vrrp_id_is_chosen_that_no_other_service_has(
    mine: Dict[str, Any], known: Any, others: Iterable[int], first: Any
) -> None:
    there = {f"ingress.{each}": spec_of(first_virtual_router_id=each) for each in others}
    kept = spec_of(first_virtual_router_id=known) if known else None
    spec = spec_of(**mine)

    assert KIND.chosen(spec, kept, there).first_virtual_router_id == first
    assert spec.first_virtual_router_id == mine.get("first_virtual_router_id", 50)


def test_an_address_that_no_host_can_have_is_refused() -> None:
    others, hosts = {"rgw.web": gateways()}, {"h1": interfaces("192.0.2.1")}

    with pytest.raises(InvalidValue, match="host 'h1' has no address in it"):
        check(others, hosts)
    check(others, {**hosts, "h2": interfaces("10.0.0.2")})
    check(others, {})
