"""Alertmanager's files, and what its spec may not say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import KINDS, ClusterView, ViewedDaemon, check_fields

REFUSED: Dict[str, Dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("alertmanager_refused.yml").read_text(encoding="utf-8")
)
KIND = KINDS["alertmanager"]


def spec_of(**fields: Any) -> Any:
    return ServiceSpec.from_json({"service_type": "alertmanager", **fields})


def daemon(kind: str, host: str, port: int) -> ViewedDaemon:
    return ViewedDaemon(kind, host, kind, host, f"10.0.0.{host[1:]}", port)


def view(**more: Any) -> ClusterView:
    rows = [daemon("alertmanager", host, 9093) for host in ("h1", "h2")]
    rows += [daemon("mgr", host, 6800) for host in ("h1", "h3")]
    return ClusterView("F51D", tuple(rows), modules=("ansible", "dashboard"), **more)


def config(view: ClusterView, **fields: Any) -> Dict[str, Any]:
    files = KIND.files(spec_of(**fields), view, view.daemons[0])
    head, _, text = files["alertmanager.yml"].partition("\n")
    assert head.startswith("# Written by ceph-orch-ansible")
    found: Dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_a_spec_may_not_say(name: str) -> None:
    case = REFUSED[name]
    given = {"config": case["config"]} if "config" in case else {}
    if "args" in case:
        given["extra_entrypoint_args"] = case["args"]
    spec = spec_of(**given)
    for field, value in (case.get("spec") or {}).items():
        setattr(spec, field, value)
    with pytest.raises(InvalidValue) as error:
        check_fields(spec)
    assert re.match(case["says"], str(error.value)), error.value
    assert "S3cret" not in str(error.value)


def test_dashboards_of_all_managers_and_webhooks_are_told_of_every_alert() -> None:
    found = config(view(), spec={"user_data": {"default_webhook_urls": ["https://a.example/x"]}})
    routes = found["route"]["routes"]
    assert [each["receiver"] for each in routes] == ["ceph-dashboard", "webhooks"]
    assert all(each["continue"] and each["group_by"] == ["alertname"] for each in routes)
    receivers = {each["name"]: each.get("webhook_configs") for each in found["receivers"]}
    unchecked = {"tls_config": {"insecure_skip_verify": True}}
    assert receivers == {
        "default": None,
        "ceph-dashboard": [
            {"url": f"https://10.0.0.{n}:8443/api/prometheus_receiver", "http_config": unchecked}
            for n in (1, 3)
        ],
        "webhooks": [{"url": "https://a.example/x"}],
    }


@pytest.mark.parametrize(
    ("settings", "urls"),
    [
        ({("mgr", "mgr/dashboard/ssl"): "false"}, ["http://10.0.0.1:8080", "http://10.0.0.3:8080"]),
        (
            {("mgr", "mgr/dashboard/h3/ssl_server_port"): "9443"},
            ["https://10.0.0.1:8443", "https://10.0.0.3:9443"],
        ),
        (
            {("mgr.h3", "mgr/dashboard/server_addr"): "fd00::3"},
            ["https://10.0.0.1:8443", "https://[fd00::3]:8443"],
        ),
        (
            {
                ("mgr", "mgr/dashboard/server_addr"): "::",
                ("global", "mgr/dashboard/url_prefix"): "/ceph/",
            },
            ["https://10.0.0.1:8443/ceph", "https://10.0.0.3:8443/ceph"],
        ),
    ],
)
def test_dashboards_are_where_their_options_say(settings: Any, urls: Any) -> None:
    found = config(view(settings=settings))
    hooks = found["receivers"][1]["webhook_configs"]
    assert [each["url"] for each in hooks] == [f"{url}/api/prometheus_receiver" for url in urls]
    assert all(("http_config" in each) == each["url"].startswith("https:") for each in hooks)


def test_without_a_dashboard_nobody_is_told() -> None:
    seen = ClusterView("F51D", view().daemons, modules=("ansible",))
    found = config(seen)
    assert found == {
        "route": {"receiver": "default", "routes": []},
        "receivers": [{"name": "default"}],
    }


def test_peers_are_the_others_of_the_service() -> None:
    rows = (*view().daemons, daemon("alertmanager", "h4", 9093))
    found = KIND.files(spec_of(), ClusterView("F51D", rows), rows[0])
    assert json.loads(found["peers.json"]) == {"own": "10.0.0.1", "peers": ["10.0.0.2", "10.0.0.4"]}
    named = ViewedDaemon("alertmanager", "h1", "alertmanager", "h1", "h1.example", 9093)
    found = KIND.files(spec_of(), ClusterView("F51D", (named,)), named)
    assert json.loads(found["peers.json"]) == {"own": "", "peers": []}


def test_the_port_of_the_cluster_of_them_is_taken_too() -> None:
    assert KIND.ports(spec_of(), 1) == (9093, 9094)
    assert KIND.ports(spec_of(spec={"port": 9999}), 1) == (9999, 9094)
