"""Types of fields, from their annotations."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.interface.checks import check_fields, checker_for, checkers_for, refuse, shown
from adapter.interface.errors import SpecValidationError


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("str", ["", "x"], [1, None, ["x"], b"x"]),
        ("bool", [True, False], [0, 1, None, "true"]),
        ("int", [0, -1, 2**70], [True, 1.0, "1", None]),
        ("float", [0, 1.5, float("inf")], [True, "1", None]),
        ("Any", [None, 1, object()], []),
        ("Optional[int]", [None, 1], ["1", True]),
        ("List[str]", [[], ["a"]], [["a", 1], ("a",), "a", None]),
        ("Dict[str, int]", [{}, {"a": 1}], [{1: 1}, {"a": "b"}, []]),
        ("Optional[List[Dict[str, Any]]]", [None, [{}], [{"a": []}]], [[1], [{1: 1}], {}]),
        ("Union[str, List[str], None]", [None, "a", ["a"]], [1, [1], {}]),
        ("Union[int, float, None]", [None, 1, 1.5], ["1", True]),
        ("Dict[str, Dict[str, Any]]", [{"a": {"b": 1}}], [{"a": 1}]),
        ("dict", [{}], [[]]),
        ("list", [[]], [{}]),
    ],
)
def test_checker(annotation: str, good: Any, bad: Any) -> None:
    check, words, exact = checker_for(annotation)

    assert [value for value in good if not check(value)] == []
    assert [value for value in bad if check(value)] == []
    assert words
    assert [value for value in bad if value.__class__ in exact] == []


def test_unknown_annotation_fails_when_the_class_is_defined() -> None:
    with pytest.raises(KeyError):
        checker_for("Optional[Sring]")


def test_check_fields_names_field_value_and_allowed() -> None:
    checkers = checkers_for({"port": "int", "name": "str"})

    check_fields({"port": 1}, checkers, ValueError, "thing")
    with pytest.raises(ValueError, match=r"^thing: port: 'x' is not allowed; allowed: an integer$"):
        check_fields({"port": "x"}, checkers, ValueError, "thing")
    with pytest.raises(ValueError, match=r"^thing: unknown key 'prt'; allowed: name, port$"):
        check_fields({"prt": 1}, checkers, ValueError, "thing")


def test_refuse() -> None:
    with pytest.raises(ValueError, match=r"^a: 1 is not allowed; allowed: 2$"):
        refuse("a", 1, "2")


@pytest.mark.parametrize(
    "value",
    ["x" * 10**6, list(range(10**5)), {str(n): n for n in range(1000)}, 10**5000, 10**100],
    ids=range(5),
)
def test_shown_is_short(value: Any) -> None:
    assert len(shown(value)) < 200


def test_shown_of_nested() -> None:
    value: Any = []
    value.append(value)

    assert shown(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("iscsi: api_password", ["hush"]),
        ("rgw: rgw_frontend_ssl_certificate", {"x": "hush"}),
        ("ssl_key", b"hush"),
        ("spec", [{"spec": {"monitor_password": "hush"}}]),
        ("spec", {"credentials": {"snmp_community": ["hush"]}}),
        ("oob", {"username": "me", "password": 17171717}),
        ("spec", [[[[[[[[[["hush"]]]]]]]]]]),
    ],
)
def test_no_secret_is_shown(field: str, value: Any) -> None:
    with pytest.raises(SpecValidationError) as error:
        refuse(field, value, "something else")

    assert field in str(error.value)
    assert "hush" not in str(error.value)
    assert "1717" not in str(error.value)


def test_what_only_sounds_like_a_secret_is_shown() -> None:
    value = {"generate_cert": True, "key": "x", "keyring": "y", "password": None}

    assert shown(value) == repr(value)
