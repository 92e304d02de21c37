"""What a tuned profile may say: names, keys, values, placements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.cluster import tuned_settings
from adapter.cluster.tuned_profiles import SUFFIX, TunedProfile, clashes
from adapter.cluster.tuned_settings import (
    check_key,
    check_name,
    check_placement,
    check_settings,
    check_value,
    unknown_keys,
)
from adapter.errors import InvalidValue
from adapter.interface import PlacementSpec
from plugins.module_utils.host import tuned_files

HERE = Path(__file__).parent
CASES = yaml.safe_load((HERE / "tuned_settings.yml").read_text())
KEYS = yaml.safe_load((HERE.parent / "plugins/host/tuned_keys.yml").read_text())


@pytest.mark.parametrize("name", [*CASES["names"]["taken"], "x" * 64])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", [*CASES["names"]["refused"], "x" * 65, None, 7])
def test_names_that_are_refused(name: Any) -> None:
    with pytest.raises(InvalidValue, match="profile_name"):
        check_name(name)


@pytest.mark.parametrize(("key", "expected"), KEYS["keys"].items())
def test_keys_are_read_as_hosts_read_them(key: str, expected: str) -> None:
    assert check_key(key) == expected


@pytest.mark.parametrize("key", [*KEYS["refused"], "x", "a." + "x" * 254, None, 1])
def test_keys_that_are_refused(key: Any) -> None:
    with pytest.raises(InvalidValue, match="setting"):
        check_key(key)


@pytest.mark.parametrize(("given", "expected"), CASES["values"])
def test_values(given: Any, expected: str) -> None:
    assert check_value("a.b", given) == expected


@pytest.mark.parametrize(("given", "why"), [*CASES["refused_values"], ("x" * 1001, "longer")])
def test_values_that_are_refused(given: Any, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as caught:
        check_value("a.b", given)
    assert "a.b" in str(caught.value)


def test_a_setting_is_given_once() -> None:
    with pytest.raises(InvalidValue, match="twice"):
        check_settings({"net.ipv4.ip_forward": 1, "net/ipv4/ip_forward": 0})
    with pytest.raises(InvalidValue, match="not a mapping"):
        check_settings(["net.ipv4.ip_forward=1"])
    with pytest.raises(InvalidValue, match="1000"):
        check_settings({f"a.b{number}": 1 for number in range(1001)})


@pytest.mark.parametrize(("key", "unknown"), CASES["unknown"].items())
def test_what_hosts_do_not_have(key: str, unknown: bool) -> None:
    assert unknown_keys([key], CASES["reported"]) == ([key] if unknown else [])
    assert unknown_keys([key], {}) == []


@pytest.mark.parametrize(
    ("placement", "why"),
    [
        ("3", "number of them"),
        ("count-per-host:2 h1", "number of them"),
        ("h9", "no such host"),
        ("h1:10.0.0.0/24", "no address"),
        ("h1=x", "no address"),
    ],
)
def test_placements_that_are_refused(placement: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why):
        check_placement(PlacementSpec.from_string(placement), ["h1", "h2"])


@pytest.mark.parametrize("placement", ["*", "h1 h2", "label:x", "regex:h.*"])
def test_placements(placement: str) -> None:
    check_placement(PlacementSpec.from_string(placement), ["h1", "h2"])


def test_hosts_and_adapter_mean_the_same() -> None:
    settings = {"b.c": "1 2", "a.b": "ä"}
    assert tuned_settings.digest_of(settings) == tuned_files.digest_of(settings)
    assert SUFFIX == tuned_files.SUFFIX
    profiles = {"a": {"x.y": "1"}, "a-b": {"x.y": "2"}, "a.b": {"x.y": "1"}}
    winner = tuned_files.effective(profiles)["x.y"].source
    assert {each[2] for each in clashes(profiles)} == {winner}


def test_a_profile_is_kept_as_it_was() -> None:
    profile = TunedProfile("a", PlacementSpec.from_string("label:x"), {"x.y": "1"})
    assert TunedProfile.from_json(profile.to_json()) == profile
    assert profile.to_spec().to_json() == {
        "profile_name": "a",
        "placement": {"label": "x"},
        "settings": {"x.y": "1"},
    }
