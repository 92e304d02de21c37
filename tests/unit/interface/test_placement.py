"""Placements: reading, and selecting hosts."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from adapter.interface import (
    HostPattern,
    HostPlacementSpec,
    HostSpec,
    PatternType,
    PlacementSpec,
    SpecValidationError,
)

HOSTS = [
    HostSpec("data1", labels=["osd"]),
    HostSpec("data2", labels=["osd", "mon"]),
    HostSpec("ctl1", labels=["mon"], status="Offline"),
    HostSpec("ctl2", labels=["_no_schedule"]),
]


@pytest.mark.parametrize(
    ("arguments", "hosts", "count"),
    [
        ({}, ["data1", "data2", "ctl1", "ctl2"], 4),
        ({"count": 2}, ["data1", "data2", "ctl1", "ctl2"], 2),
        ({"hosts": ["ctl2", "gone", "data1"]}, ["ctl2", "data1"], 2),
        ({"hosts": ["gone"]}, [], 0),
        ({"label": "mon"}, ["data2", "ctl1"], 2),
        ({"label": "gone"}, [], 0),
        ({"host_pattern": "data*"}, ["data1", "data2"], 2),
        ({"host_pattern": "*"}, ["data1", "data2", "ctl1", "ctl2"], 4),
        ({"host_pattern": "data"}, [], 0),
        ({"host_pattern": "DATA*"}, [], 0),
        ({"host_pattern": HostPattern("data", PatternType.regex)}, ["data1", "data2"], 2),
        ({"host_pattern": HostPattern(".*1$", PatternType.regex)}, ["data1", "ctl1"], 2),
        ({"label": "mon", "host_pattern": "data*"}, ["data2"], 1),
        ({"label": "osd", "count_per_host": 3}, ["data1", "data2"], 6),
    ],
)
def test_selection(arguments: Dict[str, Any], hosts: List[str], count: int) -> None:
    placement = PlacementSpec(**arguments)

    assert placement.filter_matching_hostspecs(HOSTS) == hosts
    assert placement.filter_matching_hosts(lambda: HOSTS) == hosts
    assert placement.get_target_count(HOSTS) == count
    assert placement.filter_matching_hostspecs(iter(HOSTS)) == hosts


def test_empty() -> None:
    assert PlacementSpec().is_empty()
    assert PlacementSpec(label="").is_empty()
    assert PlacementSpec(host_pattern="").is_empty()
    assert not PlacementSpec(count=1).is_empty()
    assert not PlacementSpec(host_pattern="*").is_empty()
    assert HostPattern().filter_hosts(["h1"]) == []


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("", {}),
        ("  ", {}),
        ("count:3", {"count": 3}),
        ("count:3 *", {"count": 3, "host_pattern": "*"}),
        ("3;x", {"count": 3, "hosts": ["x"]}),
        ("a,b", {"hosts": ["a", "b"]}),
        ("a;b", {"hosts": ["a", "b"]}),
        ("a b", {"hosts": ["a", "b"]}),
        ("a; b;", {"hosts": ["a", "b"]}),
        ("3 3", {"count": 3, "hosts": ["3"]}),
        ("[ab]c,[d]", None),
        ("count-per-host:2 label:x", {"count_per_host": 2, "label": "x"}),
        ("count-per-host:2;h*", {"count_per_host": 2, "host_pattern": "h*"}),
        ("label:a h*", {"label": "a", "host_pattern": "h*"}),
        ("h1:10.0.0.1=a h2", {"hosts": ["h1:10.0.0.1=a", "h2"]}),
        ("h1=a", {"hosts": ["h1=a"]}),
        ("h1:[v2:1.2.3.4:3300,v1:1.2.3.4:6789]", None),
        ("fnmatch:h1", {"host_pattern": "h1"}),
        ("regex:a{1,2}", {"host_pattern": {"pattern": "a{1,2}", "pattern_type": "regex"}}),
        (
            "2;regex:a{1,2}",
            {"count": 2, "host_pattern": {"pattern": "a{1,2}", "pattern_type": "regex"}},
        ),
    ],
)
def test_from_string(text: str, json: Any) -> None:
    if json is None:
        json = {"hosts": [text]} if ":" in text else None
    if json is None:
        with pytest.raises(SpecValidationError, match="comma"):
            PlacementSpec.from_string(text)
    else:
        assert PlacementSpec.from_string(text).to_json() == json


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label:a label:b", "only one label"),
        ("count:1 count:2", "only one count"),
        ("1 count:2", "only one count"),
        ("h* d*", "only one pattern"),
        ("a* b", "not both"),
        ("label:a b", "not both"),
        ("count:x", "'x' is not allowed"),
        ("count:", "'' is not allowed"),
        ("0", "at least 1"),
        ("count-per-host:2", "only with label"),
        ("2 count-per-host:2 label:x", "only without count"),
        ("h_1", "h_1"),
        ("h1:x", "10.0.0.0/24"),
        ("h1=a/b", "a-z"),
        ("regex:(", "not a regular expression"),
        (r"regex:\x41", "ASCII"),
        ("label:", "label"),
    ],
)
def test_from_string_refuses(text: str, words: str) -> None:
    if text == "label:":
        assert PlacementSpec.from_string(text).is_empty()
        return
    with pytest.raises(SpecValidationError, match=words.replace("(", r"\(")):
        PlacementSpec.from_string(text)


def test_from_string_wants_text() -> None:
    with pytest.raises(SpecValidationError, match="placement: 3"):
        PlacementSpec.from_string(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "count"), [("3", 3), (3.0, 3), (3, 3), (None, None), ("000000000000000003", 3)]
)
def test_counts_in_json(given: Any, count: Any) -> None:
    assert PlacementSpec.from_json({"count": given}).count == count


def test_pretty_str() -> None:
    assert PlacementSpec(hosts=["a", "b"], count=2).pretty_str() == "a;b;count:2"
    assert PlacementSpec(label="x", count=3).pretty_str() == "count:3;label:x"
    assert PlacementSpec(host_pattern="h*", count_per_host=2).pretty_str() == "count-per-host:2;h*"
    assert PlacementSpec(host_pattern="h1").pretty_str() == "fnmatch:h1"
    assert PlacementSpec(hosts=["1", "2"]).pretty_str() == "1:;2"
    assert PlacementSpec().pretty_str() == ""


def test_pretty_str_of_the_corpus(corpus: List[Tuple[str, Dict[str, Any]]]) -> None:
    placements = [
        PlacementSpec.from_json(document["json"])
        for name, document in corpus
        if name.startswith("placement/")
    ]

    assert len(placements) > 25
    for placement in placements:
        assert PlacementSpec.from_string(placement.pretty_str()) == placement


def test_equality_and_repr() -> None:
    assert PlacementSpec(hosts=["a"]) == PlacementSpec(
        hosts=[HostPlacementSpec("a", network="", name="")]
    )
    assert PlacementSpec(count=1) != PlacementSpec(count=2)
    assert PlacementSpec() != {}
    assert repr(PlacementSpec(label="a", count_per_host=2)) == (
        "PlacementSpec(count_per_host=2, label='a')"
    )
    with pytest.raises(TypeError):
        hash(PlacementSpec())


def test_hosts_have_to_be_a_list() -> None:
    with pytest.raises(SpecValidationError, match="placement: hosts: 'h1'"):
        PlacementSpec(hosts="h1")  # type: ignore[arg-type]


def test_host_placement() -> None:
    assert HostPlacementSpec.parse("h1", require_network=False) == ("h1", "", "")
    assert str(HostPlacementSpec("h1", "10.0.0.1", "a")) == "h1:10.0.0.1=a"
    assert HostPlacementSpec.from_json({"hostname": "h1"}) == ("h1", "", "")
    with pytest.raises(SpecValidationError, match="hostname is missing"):
        HostPlacementSpec.from_json({"network": "10.0.0.1"})
    with pytest.raises(ValueError, match="network of host h1"):
        HostPlacementSpec.parse("h1:10.0.0.0.0")


def test_host_pattern() -> None:
    regex = HostPattern("a", PatternType.regex)

    assert regex.to_json() == {"pattern": "a", "pattern_type": "regex"}
    assert HostPattern.from_json({"pattern": "a", "pattern_type": "regex"}) == regex
    assert HostPattern("a").to_json() == "a"
    assert regex != HostPattern("a")
    assert HostPattern("") == HostPattern(None)
    assert regex != "a"
    assert not HostPattern()
    with pytest.raises(SpecValidationError, match="pattern_type"):
        HostPattern("a", "regex")  # type: ignore[arg-type]
    with pytest.raises(SpecValidationError, match="512"):
        HostPattern("a" * 513)
    with pytest.raises(SpecValidationError, match="comma"):
        HostPattern("a,b")
