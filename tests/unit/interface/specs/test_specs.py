"""Specs: what is common, and what each type adds."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.interface import (
    AlertManagerSpec,
    ArgumentSpec,
    CustomConfig,
    CustomContainerSpec,
    InitContainerSpec,
    IscsiServiceSpec,
    MDSSpec,
    MgmtGatewaySpec,
    MonitoringSpec,
    MONSpec,
    NFSServiceSpec,
    NvmeofServiceSpec,
    OriginalType,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    SMBClusterBindIPSpec,
    SMBClusterPublicIPSpec,
    SMBSpec,
    SNMPGatewaySpec,
    SpecValidationError,
    TracingSpec,
    TunedProfileSpec,
    service_spec_allow_invalid_from_json,
)


def read(**document: Any) -> Any:
    return ServiceSpec.from_json(document)


@pytest.mark.parametrize(
    ("service_type", "cls"),
    [
        ("rgw", RGWSpec),
        ("mon", MONSpec),
        ("mds", MDSSpec),
        ("node-exporter", MonitoringSpec),
        ("alertmanager", AlertManagerSpec),
        ("jaeger-query", TracingSpec),
        ("mgr", ServiceSpec),
        ("crash", ServiceSpec),
    ],
)
def test_class_of_a_type(service_type: str, cls: type) -> None:
    assert type(ServiceSpec(service_type)) is cls
    assert type(ServiceSpec(service_type=service_type, placement=PlacementSpec("x"))) is cls


def test_unknown_type_in_python() -> None:
    with pytest.raises(SpecValidationError, match=r"service_type: 'foo'.*allowed: agent"):
        ServiceSpec("foo")


def test_defaults() -> None:
    spec = ServiceSpec("mgr")

    assert spec.placement == PlacementSpec()
    assert (spec.networks, spec.targets) == ([], [])
    assert (spec.config, spec.custom_configs, spec.extra_container_args) == (None, None, None)
    assert (spec.unmanaged, spec.preview_only) == (False, False)
    assert spec.get_port_start() == []
    assert spec.get_virtual_ip() is None


@pytest.mark.parametrize("cls", [MDSSpec, NFSServiceSpec, SNMPGatewaySpec, TunedProfileSpec])
def test_what_is_common_is_there_in_every_class(cls: Any) -> None:
    spec = cls(profile_name="x") if cls is TunedProfileSpec else cls()
    names = ["placement"]
    if cls is not TunedProfileSpec:
        names += ["networks", "targets", "config", "custom_configs", "service_id", "preview_only"]

    assert all(hasattr(spec, name) for name in names)
    assert cls().networks is not cls().networks if cls is not TunedProfileSpec else True


def test_service_name() -> None:
    assert ServiceSpec("mgr").service_name() == "mgr"
    assert RGWSpec(service_id="a.b").service_name() == "rgw.a.b"
    assert read(service_name="rgw.a.b").service_id == "a.b"
    assert read(service_name="mds.a", service_type="rgw", service_id="b").service_name() == "rgw.b"
    assert ServiceSpec("rgw", "x").one_line_str() == "<RGWSpec for service_name=rgw.x>"


def test_id_is_dropped_where_a_type_has_none() -> None:
    assert ServiceSpec("mgr", service_id="x").service_name() == "mgr"
    assert read(service_type="mgr", service_id="x").to_json() == {
        "service_type": "mgr",
        "service_name": "mgr",
    }


def test_id_may_be_a_number() -> None:
    assert read(service_type="rgw", service_id=123).service_id == "123"


def test_config_keys_have_no_blanks() -> None:
    assert ServiceSpec("mgr", config={"a b": 1}).config == {"a_b": 1}


def test_networks_may_be_one_text() -> None:
    assert read(service_type="mgr", networks="10.0.0.0/8").networks == ["10.0.0.0/8"]


def test_status_and_events_are_left_out() -> None:
    assert read(service_type="mgr", status={"size": 1}, events=["x"]) == ServiceSpec("mgr")


def test_null_is_the_default() -> None:
    assert read(service_type="rgw", service_id="a", ssl=None, placement=None) == (
        RGWSpec(service_id="a")
    )


def test_digits_are_an_integer_where_one_is_meant() -> None:
    assert read(service_type="rgw", service_id="a", rgw_frontend_port="8080").get_port() == [8080]


def test_false_is_kept_where_the_default_is_true() -> None:
    spec = MgmtGatewaySpec(ssl=False)

    assert spec.to_json()["spec"]["ssl"] is False
    assert ServiceSpec.from_json(spec.to_json()) == spec


def test_equality() -> None:
    assert ServiceSpec("mgr") == ServiceSpec("mgr")
    assert ServiceSpec("mgr") != ServiceSpec("mon")
    assert ServiceSpec("mgr") != ServiceSpec("mgr", unmanaged=True)
    assert ServiceSpec("mgr") != {"service_type": "mgr"}
    with pytest.raises(TypeError):
        hash(ServiceSpec("mgr"))


def test_allow_invalid() -> None:
    invalid = {"service_type": "rgw", "service_id": "a b"}
    with service_spec_allow_invalid_from_json():
        assert ServiceSpec.from_json(invalid).service_id == "a b"
        with service_spec_allow_invalid_from_json():
            pass
        assert ServiceSpec.from_json(invalid)
        with pytest.raises(SpecValidationError):
            ServiceSpec.from_json({**invalid, "colour": "red"})
    with pytest.raises(SpecValidationError):
        ServiceSpec.from_json(invalid)


def test_allow_invalid_ends_with_an_error() -> None:
    with pytest.raises(KeyError), service_spec_allow_invalid_from_json():
        raise KeyError
    with pytest.raises(SpecValidationError):
        read(service_type="rgw", service_id="a b")


def test_validate_finds_wrong_types() -> None:
    with pytest.raises(SpecValidationError, match=r"rgw.a: rgw_frontend_port: '80'"):
        RGWSpec(service_id="a", rgw_frontend_port="80").validate()  # type: ignore[arg-type]
    with pytest.raises(SpecValidationError, match="mgr: placement"):
        ServiceSpec("mgr", placement="h1").validate()  # type: ignore[arg-type]


def test_constructor_does_not_validate() -> None:
    assert RGWSpec(service_id="a b").service_id == "a b"


@pytest.mark.parametrize(
    ("document", "ports"),
    [
        ({"service_type": "rgw", "service_id": "a"}, [80]),
        ({"service_type": "rgw", "service_id": "a", "ssl": True}, [443]),
        ({"service_type": "nfs", "service_id": "a"}, []),
        ({"service_type": "nfs", "service_id": "a", "port": 2049}, [2049]),
        ({"service_type": "nvmeof", "service_id": "a", "pool": "p"}, [5500, 4420, 8009, 10008]),
        ({"service_type": "iscsi", "service_id": "a", "pool": "p"}, [5000]),
        ({"service_type": "alertmanager"}, [9093, 9094]),
        ({"service_type": "grafana"}, [3000]),
        ({"service_type": "prometheus"}, [9095]),
        ({"service_type": "node-exporter"}, [9100]),
        ({"service_type": "loki"}, [3100]),
        ({"service_type": "promtail", "port": 1}, [1]),
        ({"service_type": "ceph-exporter"}, [9926]),
        ({"service_type": "elasticsearch"}, [9200]),
        ({"service_type": "jaeger-tracing"}, []),
        ({"service_type": "mgmt-gateway"}, []),
        ({"service_type": "mgmt-gateway", "port": 443}, [443]),
        ({"service_type": "mgr"}, []),
    ],
)
def test_ports(document: Dict[str, Any], ports: List[int]) -> None:
    assert ServiceSpec.from_json(document).get_port_start() == ports


def test_rgw() -> None:
    spec = read(service_type="rgw", rgw_realm="gold", rgw_zone="us")
    assert spec.service_id == "gold.us"

    spec = RGWSpec(service_id="a", rgw_frontend_port=80, ssl=True)
    spec.rgw_frontend_extra_args = ["x=1", "ssl_port=x", "ssl_port=8443", "ssl_port=1"]
    assert spec.get_port() == [80, 8443]


def test_nfs() -> None:
    assert NFSServiceSpec(service_id="foo").rados_config_name() == "conf-nfs.foo"


def test_iscsi_becomes_secure() -> None:
    assert IscsiServiceSpec(service_id="a", ssl_cert="c", ssl_key="k").api_secure is True
    assert IscsiServiceSpec(service_id="a", ssl_cert="c").api_secure is None


def test_nvmeof_of_18_2() -> None:
    """18.2 has timeout where 20.2 has spdk_timeout."""
    spec = read(service_type="nvmeof", service_id="a", spec={"pool": "p", "timeout": 30})

    assert spec.spdk_timeout == 30
    assert spec.cluster_connections == 32
    assert NvmeofServiceSpec(bdevs_per_cluster=1).cluster_connections is None


def test_switches_that_yaml_reads_as_booleans() -> None:
    spec = read(service_type="mgmt-gateway", ssl_stapling=False, server_tokens=True)

    assert (spec.ssl_stapling, spec.server_tokens) == ("off", "on")


def test_snmp_members() -> None:
    spec = SNMPGatewaySpec(snmp_version=SNMPGatewaySpec.SNMPVersion.V2c)

    assert spec.snmp_version == "V2c"
    assert spec.ports == [9464]


def test_tracing_specs() -> None:
    placement = PlacementSpec(hosts=["h1"])
    both = TracingSpec("jaeger-tracing", placement=placement, preview_only=True)
    specs = both.get_tracing_specs()

    assert [spec.service_type for spec in specs] == [
        "elasticsearch", "jaeger-collector", "jaeger-query", "jaeger-agent",
    ]  # fmt: skip
    assert [spec.placement == placement for spec in specs] == [False, True, False, False]
    assert all(spec.preview_only for spec in specs)
    some = TracingSpec("jaeger-tracing", es_nodes="x", without_query=True).get_tracing_specs()
    assert [spec.service_type for spec in some] == ["jaeger-collector", "jaeger-agent"]
    with pytest.raises(SpecValidationError, match="allowed: jaeger-tracing"):
        specs[0].get_tracing_specs()  # type: ignore[attr-defined]
    with pytest.raises(SpecValidationError, match="allowed: elasticsearch"):
        both.get_port()


def test_container() -> None:
    spec = CustomContainerSpec(service_id="a", image="i", args=["-v"], uid=1)  # type: ignore[list-item]

    assert spec.config_json()["args"] == ["-v"]
    assert "gid" not in spec.config_json()
    assert InitContainerSpec.import_values([{"image": "x"}]) == [InitContainerSpec(image="x")]
    assert repr(InitContainerSpec(image="x")) == "InitContainerSpec(image='x')"


def test_smb() -> None:
    spec = SMBSpec(
        service_id="a",
        cluster_id="a",
        config_uri="rados://.smb/a/config",
        features=["clustered"],
        custom_ports={"smb": 4450},
        cluster_public_addrs=[SMBClusterPublicIPSpec("10.0.0.9/24", "10.0.0.0/24")],
        bind_addrs=[SMBClusterBindIPSpec(address="10.0.0.1")],
    )

    assert spec.cluster_meta_uri == "rados://.smb/a/cluster.meta.json"
    assert spec.get_port_start() == [4450, 9922, 4379]
    assert spec.metrics_exporter_port() == 9922
    assert spec.bind_networks() == ["10.0.0.1/32"]
    assert spec.strict_cluster_ip_specs() == [
        {"address": "10.0.0.9/24", "destinations": ["10.0.0.0/24"]}
    ]
    assert SMBClusterPublicIPSpec.convert_list(None) is None
    assert SMBClusterBindIPSpec(network="10.0.0.0/8").to_simplified() == {"network": "10.0.0.0/8"}
    assert SMBClusterBindIPSpec(address="10.0.0.1") != SMBClusterPublicIPSpec("10.0.0.1/8")


def test_smb_is_checked_when_constructed() -> None:
    with pytest.raises(ValueError, match="cluster_id is required"):
        SMBSpec(service_id="a")


def test_arguments() -> None:
    text, mapping = ArgumentSpec.from_general_args(["--a  b", {"argument": "x y"}])

    assert text.to_args() == ["--a", "b"]
    assert mapping.to_args() == ["x y"]
    assert ArgumentSpec.map_json([text, mapping]) == [
        "--a  b",
        {"argument": "x y", "split": False},
    ]
    assert ArgumentSpec.map_json(None) is None

    class OfCeph:
        """An argument as Ceph's own class has it."""

        def __init__(self, data: Any) -> None:
            self.to_json = lambda: data

    foreign: Any = [OfCeph("--a  b"), OfCeph({"argument": "x y", "split": False})]
    assert ArgumentSpec.from_general_args(foreign) == [text, mapping]
    assert ArgumentSpec("a", origin=OriginalType.STRING).to_json() == "a"
    assert ArgumentSpec("a") == ArgumentSpec("a")
    assert ArgumentSpec("a") != ArgumentSpec("a", split=True)
    assert hash(ArgumentSpec("a")) == hash(ArgumentSpec("a"))
    spec = ServiceSpec("mgr", extra_entrypoint_args=["-x"])  # type: ignore[list-item]
    assert spec.extra_entrypoint_args == [ArgumentSpec("-x", split=True)]


def test_custom_config() -> None:
    config = CustomConfig("x", "/etc/a.conf")

    assert config.filename == "a.conf"
    assert config == CustomConfig("x", "/etc/a.conf")
    assert config != CustomConfig("y", "/etc/a.conf")
    assert hash(config) == hash(CustomConfig("y", "/etc/a.conf"))
    assert repr(config) == "CustomConfig(mount_path='/etc/a.conf')"


def test_tuned_profile() -> None:
    profile = TunedProfileSpec("a", settings={"vm.swappiness": "10"})
    copy = profile.copy()
    copy.settings["x"] = "y"

    assert profile.placement == PlacementSpec(host_pattern="*")
    assert profile.settings == {"vm.swappiness": "10"}
    assert profile != copy


def test_own_type_may_be_left_out() -> None:
    assert RGWSpec.from_json({"service_id": "a"}) == RGWSpec(service_id="a")
    with pytest.raises(SpecValidationError, match='Spec needs a "service_type" key'):
        MonitoringSpec.from_json({"port": 1})
