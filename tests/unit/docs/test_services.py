"""``docs/services.md``: what is refused, and which fields of specs have an effect."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from adapter import kinds as service_kinds
from adapter.cluster.backoff import RETRY_FIRST, RETRY_LAST
from adapter.cluster.drive_group_fields import check_drive_group
from adapter.errors import InvalidValue
from adapter.interface import ArgumentSpec, CustomConfig, PlacementSpec, ServiceSpec
from tests.tools.docs_tables import NEEDED, kinds
from tests.tools.documents import flat, names, rows, section, texts

SERVICES = texts()["docs/services.md"]
KINDS = [kind for kind, *_ in kinds()]
FOR_CONTAINERS: Dict[str, Any] = {
    "extra_container_args": [ArgumentSpec("--memory=1g")],
    "extra_entrypoint_args": [ArgumentSpec("--debug")],
    "custom_configs": [CustomConfig("y", "/etc/x")],
}
# Grafana takes its settings as arguments, and no others.
ARGUMENT = {"grafana": [ArgumentSpec("cfg:users.default_theme=dark")]}
ALONE = {"service_type", "service_id", "placement", "unmanaged"}


def spec_of(kind: str, **fields: Any) -> Any:
    given = {"service_id": "a"} if kind in (*ServiceSpec.REQUIRES_SERVICE_ID, "osd") else {}
    if kind == "osd":
        given = {**given, "placement": {"hosts": ["h1"]}, "data_devices": {"all": True}}
    return ServiceSpec.from_json({"service_type": kind, **NEEDED.get(kind, {}), **given, **fields})


def refused(spec: Any) -> bool:
    """Tell whether the backend refuses a spec for one of its fields."""
    try:
        if spec.service_type == "osd":
            service_kinds.check_no_container(spec)
            check_drive_group(spec)
        else:
            service_kinds.check_fields(spec)
    except InvalidValue:
        return True
    return False


@pytest.mark.parametrize("kind", [*KINDS, "osd"])
def test_fields_for_containers_are_refused(kind: str) -> None:
    assert not refused(spec_of(kind))
    known = service_kinds.kind_of(kind).fields
    for name, value in FOR_CONTAINERS.items():
        assert f"`{name}`" in SERVICES
        if name == "extra_entrypoint_args":
            value = ARGUMENT.get(kind, value)
        # Some kinds do not know the field at all.
        spec = spec_of(kind)
        setattr(spec, name, value)
        assert refused(spec) == (name not in known), name


def test_networks_are_refused_where_they_mean_nothing() -> None:
    takes = set()
    for kind in [*KINDS, "osd"]:
        spec = spec_of(kind)
        spec.networks = ["10.99.0.0/24"]
        takes |= set() if refused(spec) else {kind}

    assert takes == {"mon", "rgw", "node-exporter", "prometheus", "alertmanager", "grafana"}
    assert "`networks` of a kind that binds to none) is refused, not ignored" in flat(SERVICES)
    assert "`networks: [" in section(SERVICES, "Monitors")
    assert "`networks: [" in section(SERVICES, "Object gateways")


def test_a_network_in_a_placement_is_refused_where_it_means_nothing() -> None:
    takes = set()
    for kind in KINDS:
        spec = spec_of(kind)
        spec.placement = PlacementSpec.from_string("h1:10.99.0.0/24")
        takes |= set() if refused(spec) else {kind}

    assert takes == {"mon", "rgw", "node-exporter", "prometheus", "alertmanager", "grafana"}
    assert "`h3:10.99.0.0/24`" in section(SERVICES, "Monitors")
    assert "`h2:10.98.0.0/24`" in section(SERVICES, "Object gateways")


def test_every_field_of_a_gateway_is_said_and_has_an_effect_or_is_refused() -> None:
    said = section(SERVICES, "Object gateways") + section(SERVICES, "Ports")
    zone = {"rgw_realm", "rgw_zonegroup", "rgw_zone", "rgw_realm_token"}
    fields = service_kinds.KINDS["rgw"].fields - zone
    caches = {each for each in fields if each.endswith("_size")}

    assert [each for each in sorted(fields - caches) if each not in said] == []
    assert "..._size" in said
    assert refused(spec_of("rgw", rgw_frontend_type="civetweb"))
    for name, value, option in (
        ("rgw_exit_timeout_secs", 60, "rgw_graceful_stop"),
        ("zonegroup_hostnames", ["s3.example"], "rgw_dns_name"),
        ("disable_multisite_sync_traffic", True, "rgw_run_sync_thread"),
    ):
        spec = spec_of("rgw", rgw_realm="r", rgw_zonegroup="g", rgw_zone="z", spec={name: value})
        options = {each[1] for each in service_kinds.service_settings(spec)}
        (row,) = [row for row in rows(said) if name in row[0]]
        assert option in options
        assert f"`{option}`" in row[1] or option in row[1]


def test_the_fields_of_an_exporter_become_the_options_that_are_said() -> None:
    given = {"port": 9927, "addrs": "10.0.0.1", "prio_limit": 1, "stats_period": 9}
    spec = spec_of("ceph-exporter", **given)
    text = section(SERVICES, "The exporter")
    said = names(flat(text))

    assert said[:4] == list(given)
    assert sorted(said[4:8]) == sorted(
        option for _, option, _ in service_kinds.service_settings(spec)
    )
    assert said[8] == service_kinds.KINDS["ceph-exporter"].section


def test_options_go_into_the_section_that_is_said() -> None:
    said = flat(section(SERVICES, "Options"))
    for kind in (each for each in service_kinds.KINDS.values() if each.is_ceph):
        assert f"`{kind.section.format(service_id='ID')}`" in said


def test_failures_are_tried_again_as_the_code_says() -> None:
    assert (RETRY_FIRST, RETRY_LAST) == (10.0, 600.0)
    assert "after 10 seconds, then later each time, ten minutes at most" in flat(SERVICES)


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_says_what_the_key_of_a_kind_can_do(kind: str) -> None:
    """``mon`` has the key that all monitors share: it has no caps of a daemon's own."""
    known = service_kinds.kind_of(kind)
    caps = " ".join(f"{name} '{what.format(service_id='SERVICE')}'" for name, what in known.caps)
    expected = f"`{known.entity_of('ID')}`: `{caps}`" if known.has_own_key else "`mon.`"
    expected = expected if known.entity else "none"
    lines = texts()["roles/daemon_deploy/README.md"].splitlines()
    (line,) = [each for each in lines if each.startswith(f"| `{known.daemon_type}` | `")]
    assert f"| {expected}" in line
