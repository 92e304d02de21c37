"""Grafana's files, and what its spec may not say."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
import yaml

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import KINDS, ClusterView, ViewedDaemon, check_fields

REFUSED: Dict[str, Dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("grafana_refused.yml").read_text(encoding="utf-8")
)
KIND = KINDS["grafana"]
ONE = ViewedDaemon("grafana", "h1", "grafana", "h1", "10.0.0.1", 3000)


def spec_of(**fields: Any) -> Any:
    return ServiceSpec.from_json({"service_type": "grafana", "spec": fields})


def files(view: Optional[ClusterView] = None, **fields: Any) -> Dict[str, str]:
    return KIND.files(spec_of(**fields), view or ClusterView("F51D"), ONE)


def ini(**fields: Any) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(files(**fields)["grafana.ini"])
    return found


def sources(view: ClusterView) -> Dict[str, Any]:
    found: Dict[str, Any] = yaml.safe_load(files(view)["provisioning/datasources/ceph.yml"])
    return found


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_a_spec_may_not_say(name: str) -> None:
    case = REFUSED[name]
    spec = ServiceSpec.from_json({"service_type": "grafana"})
    spec.config = case.get("config")
    more = {"extra_entrypoint_args": case["args"]} if "args" in case else {}
    spec = ServiceSpec.from_json({"service_type": "grafana", **more}) if more else spec
    for field, value in (case.get("spec") or {}).items():
        setattr(spec, field, value)
    with pytest.raises(InvalidValue) as error:
        check_fields(spec)
    assert re.match(case["says"], str(error.value)), error.value
    assert "S3cret" not in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"port": 3001, "protocol": "http"},
        {
            "anonymous_access": False,
            "initial_admin_password": "Zürich ☃ = ; # $__file{/etc/shadow}",
        },
    ],
)
def test_what_a_spec_may_say(fields: Dict[str, Any]) -> None:
    check_fields(spec_of(**fields))


def test_a_setting_of_grafanas_may_be_said() -> None:
    given = {"service_type": "grafana", "extra_entrypoint_args": ["cfg:users.default_theme=dark"]}
    spec = ServiceSpec.from_json(given)
    check_fields(spec)
    assert KIND.host_settings(spec)["args"] == ["cfg:users.default_theme=dark"]


def test_the_dashboard_shows_it_in_frames_to_readers_who_do_not_log_in() -> None:
    found = ini()
    assert dict(found["auth.anonymous"]) == {
        "enabled": "true",
        "org_name": "Main Org.",
        "org_role": "Viewer",
    }
    security = dict(found["security"])
    assert security["allow_embedding"] == security["cookie_secure"] == "true"
    assert security["cookie_samesite"] == "none"
    plain = ini(protocol="http")["security"]
    assert (plain["cookie_secure"], plain["cookie_samesite"]) == ("false", "lax")
    assert KIND.host_settings(spec_of())["settings"] == {"protocol": "https"}
    assert KIND.host_settings(spec_of(protocol="http"))["settings"] == {"protocol": "http"}


def test_without_a_password_there_is_no_administrator() -> None:
    assert ini()["security"]["disable_initial_admin_creation"] == "true"
    assert "admin_password" not in files()


def test_a_password_stands_in_a_file_of_its_own_alone() -> None:
    found = files(initial_admin_password="S3cret", anonymous_access=False)
    assert found["admin_password"] == "S3cret\n"
    assert not [
        name for name, text in found.items() if "S3cret" in text and name != "admin_password"
    ]
    assert "$__file{/etc/ceph-orch-ansible/grafana/admin_password}" in found["grafana.ini"]
    assert (
        ini(initial_admin_password="S3cret", anonymous_access=False)["auth.anonymous"]["enabled"]
        == "false"
    )
    assert [name for name in found if KIND.hides(name)] == ["admin_password"]


def test_the_clusters_prometheus_is_the_first_data_source() -> None:
    assert sources(ClusterView("F51D"))["datasources"] == []
    there = ViewedDaemon("prometheus", "h2", "prometheus", "h2", "fd00::2", 9095)
    coming = ViewedDaemon("prometheus", "h1", "prometheus", "h1", "10.0.0.1", 9095, False)
    found = sources(ClusterView("F51D", (there,), coming=(coming,)))
    assert found["prune"] is True
    rows = [(each["name"], each["url"], each["isDefault"]) for each in found["datasources"]]
    assert rows == [
        ("Dashboard1", "http://10.0.0.1:9095", True),
        ("Dashboard2", "http://[fd00::2]:9095", False),
    ]


def test_dashboards_of_ceph_and_of_this_backend_are_provided() -> None:
    found = files()
    providers = yaml.safe_load(found["provisioning/dashboards/ceph.yml"])["providers"]
    assert [each["options"]["path"] for each in providers] == [
        "/etc/grafana/dashboards/ceph-dashboard",
        "/etc/ceph-orch-ansible/grafana/dashboards",
    ]
    assert json.loads(found["dashboards/orchestrator.json"])["uid"] == "ceph-orch-ansible"
