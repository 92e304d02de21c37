"""What of a changed spec is to be set, removed, and given to which daemon."""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from adapter.cluster.service_changes import (
    NEW,
    differences,
    digest_of,
    key_mark,
    ports_of,
    setting_changes,
)
from adapter.cluster.set_options import ServiceSettings
from adapter.interface import MDSSpec, RGWSpec

START = ("rgw_frontends", "rgw_dns_name")


def digest(key: str = "", **settings: str) -> str:
    return digest_of(settings, lambda option: option in START, key=key)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (digest(), digest(), []),
        (digest(rgw_dns_name="a"), digest(rgw_dns_name="a"), []),
        (digest(rgw_dns_name="a"), digest(rgw_dns_name="b"), ["rgw_dns_name"]),
        (digest(rgw_dns_name="a"), digest(), ["rgw_dns_name"]),
        (digest(), digest(rgw_dns_name="a", rgw_frontends="x"), ["rgw_dns_name", "rgw_frontends"]),
        (digest(rgw_thread_pool_size="1"), digest(rgw_thread_pool_size="2"), []),
        (digest("k1"), digest("k2"), ["key"]),
        (digest("k1"), digest(), []),
        (digest(), digest("k1"), []),
        ("", digest(rgw_dns_name="a"), []),
        ("2 rgw_dns_name=x", digest(rgw_dns_name="a"), []),
    ],
)
def test_differences(before: str, after: str, names: List[str]) -> None:
    assert differences(before, after) == names


def test_a_digest_shows_no_value() -> None:
    text = digest_of({"rgw_dns_name": "secret"}, lambda _: True, key=key_mark("[a]\n\tkey = K==\n"))
    assert "secret" not in text
    assert "K==" not in text
    assert (key_mark(""), key_mark("[a]\n")) == ("", "")


def test_a_digest_of_very_many_options_is_short() -> None:
    many = {f"option_{number}": "x" for number in range(500)}
    before = digest_of(many, lambda _: True, key="k")
    after = digest_of({**many, "option_7": "y"}, lambda _: True, key="k")
    assert len(before) < 100
    assert differences(before, after) == ["options"]


@pytest.mark.parametrize(
    ("base", "known", "ports"),
    [
        (8000, {"a": 0}, {"a": 8000}),
        (8000, {"a": 8000}, {"a": 8000}),
        (8100, {"a": 8000}, {"a": 8100}),
        (8000, {"a": 8001, "b": 8000}, {"a": 8001, "b": 8000}),
        (8000, {"b": 8000, "a": NEW}, {"b": 8000, "a": 8001}),
        (8000, {"b": 0, "a": NEW}, {"b": 8000, "a": 8001}),
        (8100, {"a": 8001, "b": 8000}, {"a": 8100, "b": 8101}),
        (8001, {"a": 8000, "b": 8001}, {"a": 8002, "b": 8001}),
        (8000, {"a": 8000, "b": 8000}, {"a": 8000, "b": 8001}),
    ],
)
def test_ports(base: int, known: Dict[str, int], ports: Dict[str, int]) -> None:
    assert ports_of(RGWSpec(service_id="x", rgw_frontend_port=base), known) == ports


def test_a_kind_without_ports_gets_none() -> None:
    assert ports_of(MDSSpec(service_id="x"), {"a": 0, "b": NEW}) == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    ("there", "tell", "drop"),
    [
        ({}, ["a"], []),
        ({("s", "a"): "1"}, [], []),
        ({("s", "a"): "01"}, [], []),
        ({("s", "a"): "2"}, ["a"], []),
        ({("s", "a"): "1", ("s", "old"): "x"}, [], ["old"]),
        ({("s", "a"): "1", ("s", "foreign"): "x"}, [], []),
        ({("t", "a"): "1"}, ["a"], []),
    ],
)
def test_what_is_set_and_removed(
    there: Dict[Tuple[str, str], str], tell: List[str], drop: List[str]
) -> None:
    known = ServiceSettings("s", frozenset({("s", "a"), ("s", "old")}))
    changes = setting_changes([("s", "a", "1")], known, there, same_number)
    told, dropped = [row[1] for row in changes.tell], [pair[1] for pair in changes.drop]
    assert (told, dropped, changes.back, changes.found) == (tell, drop, (), {})


def same_number(section: str, option: str, found: str, wanted: str) -> bool:
    return int(found) == int(wanted)


def test_what_another_service_has_set_is_no_sites_value() -> None:
    there, pair = {("s", "a"): "2"}, ("s", "a")
    known = ServiceSettings("s")
    alone = setting_changes([(*pair, "1")], known, there, same_number)
    beside = setting_changes([(*pair, "1")], known, there, same_number, others={pair})
    assert (alone.replaced, alone.found, beside.replaced, beside.found) == (
        [pair],
        {pair: "2"},
        [],
        {},
    )
    own = setting_changes([], known, there, same_number, own=[(*pair, "1")])
    assert (own.tell, own.found) == (((*pair, "1"),), {})
