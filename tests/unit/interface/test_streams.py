"""YAML streams of specs, as `ceph orch apply -i` and `ceph orch ls --export` use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml

from adapter.interface import (
    DaemonDescription,
    DriveGroupSpec,
    HostSpec,
    InventoryHost,
    PlacementSpec,
    RGWSpec,
    ServiceDescription,
    ServiceSpec,
    SpecValidationError,
    TunedProfileSpec,
    YamlLiteralString,
    json_to_generic_spec,
    specs_from_yaml,
    specs_to_yaml,
)

STREAM = """\
service_type: host
hostname: h1
addr: 10.0.0.1
labels:
- _admin
---
service_type: mon
placement:
  count: 5
---
---
service_type: osd
service_id: hdds
placement:
  host_pattern: '*'
spec:
  data_devices:
    rotational: 1
"""


def test_read() -> None:
    host, mon, osd = specs_from_yaml(STREAM)

    assert host == HostSpec("h1", "10.0.0.1", ["_admin"])
    assert mon == ServiceSpec("mon", placement=PlacementSpec(count=5))
    assert isinstance(osd, DriveGroupSpec)


def test_round_trip_of_a_stream() -> None:
    specs = specs_from_yaml(STREAM)

    assert specs_from_yaml(specs_to_yaml(specs)) == specs


def test_round_trip_of_the_whole_corpus(corpus: List[Tuple[str, Dict[str, Any]]]) -> None:
    specs = [
        json_to_generic_spec({"service_type": "host", **document["json"]})
        if name.startswith("host/")
        else json_to_generic_spec(document["json"])
        for name, document in corpus
        if name.startswith("host/")
        or (isinstance(document["json"], dict) and "service_type" in document["json"])
    ]

    assert specs_from_yaml(specs_to_yaml(specs)) == specs
    assert len(specs) > 400


def test_written_as_cephadm_writes() -> None:
    spec = RGWSpec(
        service_id="web", placement=PlacementSpec(count=1, hosts=["p2"]), rgw_frontend_port=8080
    )

    assert specs_to_yaml([spec]) == (
        "service_type: rgw\n"
        "service_id: web\n"
        "service_name: rgw.web\n"
        "placement:\n"
        "  hosts:\n"
        "  - p2\n"
        "  count: 1\n"
        "spec:\n"
        "  rgw_exit_timeout_secs: 120\n"
        "  rgw_frontend_port: 8080\n"
    )


def test_text_of_several_lines_is_a_block() -> None:
    spec = RGWSpec(service_id="web", rgw_frontend_ssl_certificate="a\nb\n")

    assert "rgw_frontend_ssl_certificate: |\n    a\n    b\n" in specs_to_yaml([spec])
    assert yaml.dump(YamlLiteralString("a\nb\n")) == "|\n  a\n  b\n"


@pytest.mark.parametrize(
    "thing",
    [
        HostSpec("h1"),
        ServiceSpec("mgr"),
        RGWSpec(service_id="a"),
        DaemonDescription("osd", "3"),
        ServiceDescription(ServiceSpec("mgr")),
        InventoryHost("h1"),
        TunedProfileSpec("a"),
    ],
    ids=repr,
)
def test_yaml_dump_writes_the_json_form(thing: Any) -> None:
    assert yaml.safe_load(yaml.dump(thing)) == thing.to_json()
    assert yaml.safe_load(yaml.dump([thing, thing]))[1] == thing.to_json()


def test_safe_dump_of_yaml_is_left_alone() -> None:
    with pytest.raises(yaml.YAMLError):
        yaml.safe_dump(ServiceSpec("mgr"))


def test_error_names_the_document() -> None:
    with pytest.raises(SpecValidationError, match=r"^document 2: service_type: 'foo'"):
        specs_from_yaml("service_type: mgr\n---\nservice_type: foo\n")
    with pytest.raises(SpecValidationError, match=r"^document 1: spec: 'text'"):
        specs_from_yaml("text")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\x00",
        "!!python/object/apply:os.system ['true']",
        "? {a: b}\n: c",
        "? [a]\n: c",
        "&a [*a]",
        "a: &a\n  b: *a",
        "a: !!int x",
        "a: !!float x",
        "{" * 2000,
        "\n".join(
            ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
            + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
        ),
        "service_type: mgr\nplacement: 2026-01-31",
        "- 1",
        "3",
        "a: 1\na: 2\nb",
    ],
    ids=range(15),
)
def test_bad_yaml(text: str) -> None:
    with pytest.raises(SpecValidationError):
        specs_from_yaml(text)


def test_yaml_that_grows_by_references_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 7)]
    bomb = "service_type: mgr\nconfig:\n" + "".join(f"  {line}\n" for line in lines)

    with pytest.raises(SpecValidationError, match="document 1: too large or refers to itself"):
        specs_from_yaml(bomb)
    with pytest.raises(SpecValidationError, match="document 1: too large or refers to itself"):
        specs_from_yaml("service_type: mgr\nconfig: &c\n  a: *c\n")


def test_references_in_yaml() -> None:
    text = (
        "service_type: mon\nplacement: &p\n  hosts: [h1]\n"
        "---\nservice_type: rgw\nservice_id: a\nplacement: {hosts: [h1]}\n"
        "networks: &n [10.0.0.0/8]\nspec: {zonegroup_hostnames: *n}\n"
    )
    mon, rgw = specs_from_yaml(text)

    assert isinstance(mon, ServiceSpec)
    assert isinstance(rgw, RGWSpec)
    assert rgw.zonegroup_hostnames == ["10.0.0.0/8"]
    assert rgw.zonegroup_hostnames is not rgw.networks


def test_dates_stay_text() -> None:
    (host,) = specs_from_yaml("service_type: host\nhostname: h1\nlabels: [2026-01-31]\n")

    assert host == HostSpec("h1", labels=["2026-01-31"])


def test_empty_stream() -> None:
    assert specs_from_yaml("") == []
    assert specs_from_yaml("---\n---\n") == []
    assert specs_to_yaml([]) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [b\n", "line 2, column 1: expected ',' or ']', but got '<stream end>' "
         "(while parsing a flow sequence that begins in line 1)"),
        ("a: b\n\tc: d\n", "line 2, column 1: found character"),
        ("a: !x b\n", "line 1, column 4: could not determine a constructor for the tag '!x'"),
        ("a: *b\n", "line 1, column 4: found undefined alias 'b'"),
        ("a: \x01\n", "#x0001"),
        ("[" * 5000, "nested too deeply"),
        ("a: " + "9" * 5000, "4300"),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_said_on_one_line(text: str, says: str) -> None:
    with pytest.raises(SpecValidationError, match="not YAML: ") as caught:
        specs_from_yaml(text)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_to_generic_spec() -> None:
    assert json_to_generic_spec({"service_type": "host", "hostname": "h1"}) == HostSpec("h1")
    assert json_to_generic_spec({"service_type": "mgr"}) == ServiceSpec("mgr")
    with pytest.raises(SpecValidationError, match="service_type"):
        json_to_generic_spec({"hostname": "h1"})
    with pytest.raises(SpecValidationError, match="mapping"):
        json_to_generic_spec([])  # type: ignore[arg-type]


def test_what_cephadm_printed() -> None:
    sample = Path(__file__).parent / "recorded" / "orch_ls.yaml"
    documents = yaml.safe_load_all(sample.read_text(encoding="utf-8"))
    services = [ServiceDescription.from_json(one) for one in documents]

    assert [one.spec.service_name() for one in services] == [
        "crash", "mds.cephfs", "mgr", "mon", "osd.raw", "rgw.web",
    ]  # fmt: skip
    again = yaml.safe_load_all(specs_to_yaml(services))
    assert list(again) == list(yaml.safe_load_all(sample.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("service_type: mds\nservice_id: a\nservice_id: b\n",
         "document 1: the key 'service_id' is given twice, in line 2 and in line 3"),
        ("service_type: mgr\n---\nservice_type: mon\nplacement:\n  count: 1\n  count: 3\n",
         "document 2: the key 'count' is given twice, in line 5 and in line 6"),
        ("service_type: osd\nspec: {data_devices: {size: 1G, size: 2G}}\n",
         "document 1: the key 'size' is given twice, in line 2 and in line 2"),
        ("service_type: mds\nconfig:\n- {a: 1, a: 1}\n", "document 1: the key 'a' is given twice"),
    ],
)  # fmt: skip
def test_a_key_is_given_once(text: str, says: str) -> None:
    with pytest.raises(SpecValidationError) as caught:
        specs_from_yaml(text)

    assert str(caught.value).startswith(says), caught.value


def test_what_is_merged_may_be_overridden() -> None:
    text = (
        "service_type: mds\nservice_id: a\nplacement: &p {count: 3}\n"
        "---\nservice_type: mds\nservice_id: b\nplacement: {count: 1, <<: {count: 3}}\n"
    )

    assert [spec.placement.count for spec in specs_from_yaml(text)] == [3, 1]  # type: ignore[union-attr]


def test_addresses_of_an_iscsi_gateway_may_be_a_list() -> None:
    text = "service_type: iscsi\nservice_id: a\nspec: {pool: x, trusted_ip_list: [10.0.0.1, '::1']}"
    (spec,) = specs_from_yaml(text)

    assert spec.trusted_ip_list == "10.0.0.1,::1"  # type: ignore[union-attr]
    assert specs_from_yaml(specs_to_yaml([spec])) == [spec]
