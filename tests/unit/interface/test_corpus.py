"""The corpus: what is read is written back, whatever the type."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any, Callable, Dict, List, Set, Tuple

import adapter.interface as interface
from adapter.interface.specs.fields import CLASSES

Case = Tuple[str, Dict[str, Any]]
Read = Callable[[str, Any], Any]


def test_corpus_is_large(corpus: List[Case]) -> None:
    assert len(corpus) >= 300
    assert len({name for name, _ in corpus}) == len(corpus)


def test_corpus_has_every_service_type(corpus: List[Case]) -> None:
    types = {document["json"]["service_type"] for name, document in corpus if _is_spec(document)}

    assert set(interface.ServiceSpec.KNOWN_SERVICE_TYPES) <= types


def test_round_trip(corpus_case: Case, read: Read) -> None:
    name, document = corpus_case
    first = read(name, document["json"])

    written = json.loads(json.dumps(first.to_json(), allow_nan=False))
    second = read(name, written)

    assert second == first
    assert second.to_json() == first.to_json()
    assert type(second) is type(first)


def test_nothing_is_lost(corpus_case: Case, read: Read) -> None:
    name, document = corpus_case
    written = json.loads(json.dumps(read(name, document["json"]).to_json()))

    assert _missing(document["json"], written) == {}


def test_input_is_not_changed_nor_shared(corpus_case: Case, read: Read) -> None:
    name, document = corpus_case
    given = copy.deepcopy(document["json"])

    first = read(name, given)
    assert given == document["json"]
    if isinstance(first, interface.ServiceSpec):
        before = json.dumps(first.to_json())
        _scribble(given)
        assert json.dumps(first.to_json()) == before


def test_pickle_and_copy(corpus_case: Case, read: Read) -> None:
    name, document = corpus_case
    first = read(name, document["json"])

    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(first, protocol)) == first
    assert copy.deepcopy(first) == first
    assert copy.copy(first) == first


def test_repr_shows_no_secret(corpus_case: Case, read: Read) -> None:
    name, document = corpus_case

    assert "geheim" not in repr(read(name, document["json"]))


def test_differs_from_the_others(corpus: List[Case], read: Read) -> None:
    """Equality sees every field: two cases of the same type are equal only if their JSON is."""
    seen: Dict[str, List[Any]] = {}
    for name, document in corpus:
        seen.setdefault(name.split("/")[0], []).append(read(name, document["json"]))
    for objects in seen.values():
        for index, one in enumerate(objects):
            for other in objects[index + 1 :]:
                if isinstance(one, interface.HostSpec):
                    continue  # equality of hosts leaves the status out
                assert (one == other) == (_compared(one) == _compared(other))


def _compared(one: Any) -> Any:
    """Return what equality looks at: not when devices were found, as in Ceph."""
    data = one.to_json()
    if isinstance(one, interface.Device):
        data.pop("created")
    return data


def test_every_field_of_every_spec_is_covered(corpus: List[Case]) -> None:
    used: Dict[type, Set[str]] = {}
    for _, document in corpus:
        if _is_spec(document):
            spec = interface.ServiceSpec.from_json(document["json"])
            fields = spec._fields
            resting = dict(fields.written)
            changed = {
                name
                for name in fields.names
                if name not in resting or getattr(spec, name) != resting[name]
            }
            used.setdefault(type(spec), set()).update(changed)
    unchangeable = {"count", "objectstore", "transports"}
    for spec_class in {*CLASSES.values(), interface.ServiceSpec}:
        assert used[spec_class] >= spec_class._fields.names - unchangeable, spec_class


def test_every_field_of_the_other_types_is_covered(corpus: List[Case]) -> None:
    for stream, cls in (
        ("daemon", interface.DaemonDescription),
        ("host", interface.HostSpec),
        ("device", interface.Device),
    ):
        keys = {
            key
            for name, document in corpus
            if name.startswith(f"{stream}/")
            for key in document["json"]
        }
        left_out = {
            "service_type",
            "ceph_device",
            "deployed_by",
            "extra_container_args",
            "extra_entrypoint_args",
        }
        assert set(cls._CHECKERS) - left_out <= keys


def test_dataclass_fields_have_types_that_are_checked() -> None:
    for spec_class in CLASSES.values():
        if dataclasses.is_dataclass(spec_class):
            names = {one.name for one in dataclasses.fields(spec_class)}
            assert set(spec_class._fields.checkers) == names  # type: ignore[attr-defined]


def _is_spec(document: Dict[str, Any]) -> bool:
    data = document["json"]
    return isinstance(data, dict) and "service_type" in data and "status" not in data


def _missing(given: Any, written: Any, path: str = "") -> Dict[str, Any]:
    """Give what was given and is not written (more may be written: names, defaults)."""
    if isinstance(given, dict) and isinstance(written, dict):
        found: Dict[str, Any] = {}
        for key, value in given.items():
            if key not in written:
                found[f"{path}/{key}"] = value
            else:
                found.update(_missing(value, written[key], f"{path}/{key}"))
        return found
    return {} if given == written else {path: (given, written)}


def _scribble(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _scribble(item)
        value["scribble"] = "x"
    elif isinstance(value, list):
        for item in value:
            _scribble(item)
        value.append("scribble")
