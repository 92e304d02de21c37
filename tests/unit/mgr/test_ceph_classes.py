"""Whatever is set in a spec, the classes of every release of Ceph can hold what is handed to them.

What they take is recorded in tests/fixtures/ceph_classes, from their packages, by
tests/tools/ceph_classes.py. `make contract-16` and `contract-18` and the lab's tests compare with
the classes themselves.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Tuple

import pytest
import yaml

from adapter import interface
from adapter.interface.specs.fields import CLASSES, COMMON
from adapter.mgr.ceph_classes import CephClasses, parameters, read_classes

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "ceph_classes"
CORPUS = Path(__file__).resolve().parents[1] / "interface" / "corpus"
RELEASES = ("16.2.15", "18.2.7", "19.2.3", "20.2.4")
TYPES = interface.ServiceSpec.KNOWN_SERVICE_TYPES
# What of ours is made into one of Ceph's, beside specs.
OTHERS = {
    "DaemonDescription": interface.DaemonDescription("mds", "a"),
    "Device": interface.Device("/dev/sdb"),
    "HostSpec": interface.HostSpec("h1"),
    "InventoryHost": interface.InventoryHost("h1"),
    "ServiceDescription": interface.ServiceDescription(interface.ServiceSpec("mon")),
}


@functools.cache
def recorded(release: str) -> CephClasses:
    data = yaml.safe_load((FIXTURES / f"{release}.yml").read_text(encoding="utf-8"))
    return CephClasses(
        {name: frozenset(each.split()) for name, each in data["parameters"].items()}, data["types"]
    )


@pytest.fixture(scope="module", params=RELEASES)
def ceph(request: pytest.FixtureRequest) -> CephClasses:
    """Return what the classes of a release take."""
    return recorded(request.param)


def class_of(service_type: str) -> Any:
    return CLASSES.get(service_type, interface.ServiceSpec)


@functools.cache
def documents(service_type: str) -> Tuple[Dict[str, Any], ...]:
    """Return what ours writes for each case that the corpus has of a type."""
    path = CORPUS / "service_specs" / f"{service_type}.yml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(
        interface.ServiceSpec.from_json(document["json"]).to_json()
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=loader)
    )


@functools.cache
def together(service_type: str) -> Dict[str, Any]:
    """Return all that the corpus sets for a type's class, at once."""
    found: Dict[str, Any] = {"spec": {}}
    for each in TYPES:
        if class_of(each) is class_of(service_type):
            for data in documents(each):
                found.update(data, spec={**found["spec"], **data.get("spec", {})})
    return {**found, "service_type": service_type}


def written(service_type: str) -> Iterator[Dict[str, Any]]:
    """Give each case of a type, and all fields at once."""
    yield from documents(service_type)
    yield together(service_type)


def unknown(data: Mapping[str, Any], ceph: CephClasses, name: str) -> List[str]:
    """Return what a class refuses as an unexpected keyword, by its recorded parameters."""
    flat = {**{key: each for key, each in data.items() if key != "spec"}, **data.get("spec", {})}
    flat.pop("service_name", None)
    found = [key for key in flat if key not in ceph.parameters[name]]
    for key in ("data_devices", "db_devices", "wal_devices", "journal_devices"):
        found += [
            f"{key}.{each}"
            for each in flat.get(key) or ()
            if each not in ceph.parameters["DeviceSelection"]
        ]
    return found


@pytest.mark.parametrize("service_type", TYPES)
def test_nothing_that_a_class_does_not_know_is_handed_to_it(
    ceph: CephClasses, service_type: str
) -> None:
    for data in written(service_type):
        fitted = ceph.fitted(data)
        if service_type not in ceph.types:
            assert fitted is None
            continue
        assert fitted is not None
        assert unknown(fitted, ceph, ceph.types[service_type]) == []


@pytest.mark.parametrize("service_type", TYPES)
def test_what_a_class_knows_is_handed_to_it_as_it_is(ceph: CephClasses, service_type: str) -> None:
    if service_type not in ceph.types:
        return
    known = ceph.parameters[ceph.types[service_type]]
    for data in written(service_type):
        fitted = ceph.fitted(data) or {}
        top = {key: each for key, each in data.items() if key in known}
        inner = {key: each for key, each in data.get("spec", {}).items() if key in known}
        assert set(top) == set(fitted) - {"service_name", "spec"}
        assert set(inner) <= set(fitted.get("spec", {}))
        for key in inner.keys() - {"data_devices", "db_devices", "wal_devices", "journal_devices"}:
            assert fitted["spec"][key] == inner[key]


def test_all_fields_of_a_type_are_set_at_once() -> None:
    for service_type in TYPES:
        names = class_of(service_type)._fields.names - COMMON
        # Neither is written: one has no effect, the other no reader.
        assert names - set(together(service_type)["spec"]) <= {"count", "preview_only"}


def test_what_is_given_is_not_changed(ceph: CephClasses) -> None:
    for service_type in TYPES:
        for data in written(service_type):
            before = yaml.safe_dump(data)
            ceph.fitted(data)
            assert yaml.safe_dump(data) == before


CASES: List[Tuple[str, Dict[str, Any], Dict[str, Any]]] = [
    (
        "16.2.15",
        {"service_type": "rgw", "spec": {"rgw_exit_timeout_secs": 120, "ssl": True}},
        {"service_type": "rgw", "spec": {"ssl": True}},
    ),
    (
        "16.2.15",
        {"service_type": "mds", "placement": {"host_pattern": {"pattern": "a.*"}}},
        {"service_type": "mds", "placement": {"host_pattern": "regex:a.*"}},
    ),
    (
        "18.2.7",
        {"service_type": "mds", "placement": {"host_pattern": {"pattern": "a.*"}}},
        {"service_type": "mds", "placement": {"host_pattern": {"pattern": "a.*"}}},
    ),
    (
        "16.2.15",
        {"service_type": "mon", "extra_entrypoint_args": [{"argument": "-x", "split": True}, "-y"]},
        {"service_type": "mon", "extra_entrypoint_args": ["-x", "-y"]},
    ),
    (
        "16.2.15",
        {
            "service_type": "osd",
            "spec": {
                "tpm2": True,
                "data_devices": {
                    "paths": [{"path": "/dev/sdb", "crush_device_class": "ssd"}, "/dev/sdc"],
                    "actuators": 2,
                },
            },
        },
        {"service_type": "osd", "spec": {"data_devices": {"paths": ["/dev/sdb", "/dev/sdc"]}}},
    ),
    (
        "18.2.7",
        {"service_type": "nvmeof", "spec": {"spdk_timeout": 5.0}},
        {"service_type": "nvmeof", "spec": {"timeout": 5.0}},
    ),
    ("16.2.15", {"service_type": "mon", "spec": {"crush_locations": {"a": ["b=c"]}}}, {}),
]


@pytest.mark.parametrize(("release", "data", "wanted"), CASES)
def test_what_becomes_of_a_field(
    release: str, data: Dict[str, Any], wanted: Dict[str, Any]
) -> None:
    assert recorded(release).fitted(data) == (wanted or {"service_type": data["service_type"]})


def test_other_classes_get_what_they_take(ceph: CephClasses) -> None:
    """What they cannot do without is there under their own name for it."""
    for name, ours in OTHERS.items():
        given = {each for each in ceph.parameters[name] if hasattr(ours, each)}
        assert given >= ceph.parameters[name] - {"service_name"}, name


class Base:
    def __init__(self, service_type: str, service_id: str = "") -> None: ...


class Spec(Base):
    KNOWN_SERVICE_TYPES = ("mon", "rgw")
    _supported_features = ("service_type",)

    @classmethod
    def _cls(cls, service_type: str) -> Any:
        return Base if service_type == "mon" else cls


def test_classes_are_read_by_their_constructors_and_lists() -> None:
    module = type("module", (), {"Base": Base, "Spec": Spec, "text": "", "error": KeyError})

    found = read_classes(Spec, [module])

    assert dict(found.types) == {"mon": "Base", "rgw": "Spec"}
    assert found.parameters["Spec"] == frozenset({"service_type"})
    assert parameters(Base) == frozenset({"service_type", "service_id"})


def test_all_releases_are_recorded() -> None:
    assert {path.stem for path in FIXTURES.iterdir()} == set(RELEASES)
    types: Dict[str, FrozenSet[str]] = {each: frozenset(recorded(each).types) for each in RELEASES}
    assert "smb" not in types["18.2.7"]
    assert types["19.2.3"] < types["20.2.4"]
    assert "rgw_exit_timeout_secs" not in recorded("16.2.15").parameters["RGWSpec"]
