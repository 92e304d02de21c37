"""Hosts and their names."""

from __future__ import annotations

import pytest

from adapter.interface import HostSpec, SpecValidationError, assert_valid_host


@pytest.mark.parametrize("name", ["h", "H-1", "a.b.c", "1", "a" * 63, ".".join(["a" * 62] * 3)])
def test_valid_names(name: str) -> None:
    assert_valid_host(name)
    HostSpec(name).validate()


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..b", "a.", "h_1", "h 1", "ü", "a" * 64, ".".join(["a" * 62] * 4), "h\n", "h/1"],
)
def test_invalid_names(name: str) -> None:
    with pytest.raises(SpecValidationError, match="hostname: "):
        assert_valid_host(name)
    with pytest.raises(SpecValidationError):
        HostSpec(name).validate()


def test_defaults() -> None:
    host = HostSpec("h1")

    assert (host.addr, host.labels, host.status) == ("h1", [], "")
    assert (host.location, host.oob, host.service_type) == (None, None, "host")
    assert HostSpec("a").labels is not HostSpec("b").labels


def test_status_is_not_part_of_equality() -> None:
    assert HostSpec("h1", status="maintenance") == HostSpec("h1")
    assert HostSpec("h1", labels=["a"]) != HostSpec("h1")
    assert HostSpec("h1", addr="10.0.0.1") != HostSpec("h1")
    assert HostSpec("h1") != "h1"
    assert hash(HostSpec("h1")) == hash(HostSpec("h1", status="x"))


def test_labels_are_kept_once() -> None:
    assert HostSpec("h1", labels=["b", "a", "b"]).to_json()["labels"] == ["b", "a"]
    assert HostSpec.from_json({"hostname": "h1", "labels": "one"}).labels == ["one"]
    assert HostSpec.from_json({"hostname": "h1", "labels": ""}).labels == []


def test_names_are_checked_by_validate_only() -> None:
    host = HostSpec.from_json({"hostname": "h_1"})

    with pytest.raises(SpecValidationError, match="h_1"):
        host.validate()


@pytest.mark.parametrize("oob", [{"username": "u"}, {"password": "p"}, {"addr": "x"}])
def test_oob_needs_user_and_password(oob: object) -> None:
    with pytest.raises(SpecValidationError, match=r"oob: .* is missing; allowed"):
        HostSpec("h1", oob=oob).validate()  # type: ignore[arg-type]


def test_validate_checks_types() -> None:
    with pytest.raises(SpecValidationError, match="labels"):
        HostSpec("h1", labels=[1]).validate()  # type: ignore[list-item]


def test_shown() -> None:
    assert str(HostSpec("h1")) == "h1"
    assert str(HostSpec("h1", "10.0.0.1")) == "h1 (10.0.0.1)"
    assert repr(HostSpec("h1", "10.0.0.1", ["a"], "Offline")) == (
        "HostSpec('h1', addr='10.0.0.1', labels=['a'], status='Offline')"
    )


def test_service_type_may_be_given() -> None:
    assert HostSpec.from_json({"service_type": "host", "hostname": "h1"}) == HostSpec("h1")
