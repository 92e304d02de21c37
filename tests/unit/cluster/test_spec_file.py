"""Files of specs: by hand, and as ``ceph orch`` prints them."""

from __future__ import annotations

from typing import List

import pytest
import yaml

from adapter.cluster.spec_file import NoServices, read_spec_file
from adapter.interface import (
    HostSpec,
    MDSSpec,
    OrchestratorEvent,
    ServiceDescription,
    ServiceSpec,
    SpecValidationError,
    TunedProfileSpec,
    specs_to_yaml,
)
from adapter.interface.times import datetime_now

MDS = "service_type: mds\nservice_id: fs\n"
HOST = "service_type: host\nhostname: h1\naddr: 10.0.0.1\n"
BARE_OSD = (
    "service_type: osd\nservice_id: big\nservice_name: osd.big\nunmanaged: true\nspec:\n"
    "  filter_logic: AND\n  objectstore: bluestore\n"
)


class Known(NoServices):
    """Services that run and were not specified."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def is_nobodys(self, name: str) -> bool:
        return name in self.names


def listed(spec: ServiceSpec) -> str:
    event = OrchestratorEvent(datetime_now(), "service", spec.service_name(), "INFO", "deployed")
    row = ServiceDescription(spec, size=2, running=1, created=datetime_now(), events=[event])
    return specs_to_yaml([row])


def test_what_is_right_is_handed_on_as_it_is() -> None:
    text = f"# mine\n---\n{HOST}---\n---\n{MDS}"
    file = read_spec_file(text)

    assert file.specs == [HostSpec("h1", "10.0.0.1"), MDSSpec(service_id="fs")]
    assert (file.errors, file.notes) == ([], [])
    assert file.text() == text


def test_a_listing_is_the_spec_that_it_shows() -> None:
    spec = MDSSpec(service_id="fs", unmanaged=True)
    file = read_spec_file(listed(spec))

    assert file.specs == [spec]
    assert file.notes == [
        "document 1: status and events: this is a state, not part of the spec, and is ignored"
    ]
    (document,) = yaml.safe_load_all(file.text())
    assert document == spec.to_json()


@pytest.mark.parametrize("status", ["", "Offline"])
def test_a_listed_host_is_a_host(status: str) -> None:
    text = yaml.dump_all([{"addr": "10.0.0.1", "hostname": "h1", "labels": [], "status": status}])
    file = read_spec_file(text)

    assert file.specs == [HostSpec("h1", "10.0.0.1")]
    assert len(file.notes) == bool(status)
    assert next(yaml.safe_load_all(file.text()))["service_type"] == "host"


def test_maintenance_is_asked_for() -> None:
    (spec,) = read_spec_file(f"{HOST}status: maintenance\n").specs

    assert spec == HostSpec("h1", "10.0.0.1")
    assert spec.status == "maintenance"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BARE_OSD, "osd.big"),
        ("service_type: mon\nservice_name: mon\nunmanaged: true\n", "mon"),
        ("service_type: iscsi\nservice_id: a\nunmanaged: true\n", "iscsi.a"),
        (listed(MDSSpec(service_id="x", unmanaged=True)), "mds.x"),
    ],
)
def test_what_nobody_specified_is_left_as_it_is(text: str, name: str) -> None:
    file = read_spec_file(f"{text}---\n{HOST}", services=Known(name))

    assert file.notes[-1] == f"document 1: {name} runs and nobody specified it; it is left as it is"
    assert (len(file.specs), file.errors) == (1, [])
    assert [each["service_type"] for each in yaml.safe_load_all(file.text())] == ["host"]


def test_what_somebody_specified_is_read() -> None:
    file = read_spec_file(f"{BARE_OSD}---\n{MDS}unmanaged: true\n")

    assert "placement is required" in file.errors[0]
    assert file.specs == [MDSSpec(service_id="fs", unmanaged=True)]
    count = read_spec_file(
        f"{MDS}unmanaged: true\nplacement: {{count: 1}}\n", services=Known("mds.fs")
    )
    assert len(count.specs) == 1, "it says where the service shall be"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{MDS}---\n{HOST}---\n{MDS}placement: {{count: 3}}\n",
         ["document 3: service mds.fs is there twice", "document 1 (line 1)",
          "document 3 (line 8)"]),
        (f"{HOST}---\n{HOST}labels: [mon]\n",
         ["document 2: host h1 is there twice", "document 1 (line 1)", "document 2 (line 5)"]),
        ("service_type: rgw\nspec: {rgw_realm: r, rgw_zone: z}\n---\n"
         "service_type: rgw\nservice_id: r.z\n",
         ["document 2: service rgw.r.z is there twice"]),
        ("service_type: mon\n---\nservice_name: mon\n", ["document 2: service mon is there twice"]),
        ("hostname: h1\n---\nservice_type: host\nhostname: h1\n", ["document 2: host h1 is there"]),
        (f"{MDS}service_name: mds.other\n", ["document 1: service_name: 'mds.other'", "'mds.fs'"]),
    ],
)  # fmt: skip
def test_one_thing_is_named_once(text: str, says: List[str]) -> None:
    (error,) = read_spec_file(text).errors

    assert [each for each in says if each not in error] == [], error


def test_each_document_has_its_own_error() -> None:
    file = read_spec_file(f"service_type: foo\n---\n{MDS}---\nservice_type: osd\nservice_id: a\n")

    assert [error[:12] for error in file.errors] == ["document 1: ", "document 3: "]
    assert file.specs == [MDSSpec(service_id="fs")]
    assert file.text() == "service_type: mds\nservice_id: fs\n"
    assert file.text(refused=True) == file.given


def test_profiles_are_named_once_too() -> None:
    file = read_spec_file(
        "profile_name: a\n---\nprofile_name: a\n", read=TunedProfileSpec.from_json
    )

    assert "profile a is there twice" in file.errors[0]


def test_what_is_not_yaml_is_refused_as_a_whole() -> None:
    with pytest.raises(SpecValidationError, match="not YAML"):
        read_spec_file("a: [")
