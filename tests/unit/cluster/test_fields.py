"""Fields of records are of their types and ranges, or the record cannot be used."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from adapter.cluster.fields import LAST_EPOCH, LAST_TIME, Fields
from adapter.cluster.store import Unusable

READERS: Dict[str, Callable[[Fields], Any]] = {
    "text": lambda read: read.text("a"),
    "filled": lambda read: read.text("a", empty=False),
    "choice": lambda read: read.choice("a", ("x", "y")),
    "flag": lambda read: read.flag("a"),
    "whole": lambda read: read.whole("a"),
    "number": lambda read: read.number("a"),
    "time": lambda read: read.time("a"),
    "texts": lambda read: read.texts("a"),
    "wholes": lambda read: read.wholes("a"),
    "mapping": lambda read: read.mapping("a"),
    "rows": lambda read: read.rows("a", lambda row: row.text("b")),
}
GOOD = [
    ("text", ""),
    ("filled", "x"),
    ("choice", "y"),
    ("flag", False),
    ("whole", 0),
    ("whole", LAST_EPOCH),
    ("number", 1.5),
    ("number", 2),
    ("time", LAST_TIME),
    ("texts", ("x",)),
    ("wholes", (1, 2)),
    ("mapping", {"x": 1}),
]
BAD = [
    ("text", 1),
    ("text", True),
    ("text", "x" * 5000),
    ("filled", ""),
    ("choice", "z"),
    ("choice", ["x"]),
    ("flag", 1),
    ("flag", "true"),
    ("whole", True),
    ("whole", 1.0),
    ("whole", "1"),
    ("whole", -1),
    ("whole", LAST_EPOCH + 1),
    ("number", True),
    ("number", float("nan")),
    ("number", float("inf")),
    ("number", 10**400),
    ("number", -0.5),
    ("time", LAST_TIME * 2),
    ("texts", "x"),
    ("texts", [1]),
    ("wholes", [True]),
    ("mapping", []),
    ("mapping", {1: 2}),
    ("rows", {}),
    ("rows", ["x"]),
    ("rows", [{"b": 1}]),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_what_fits_is_returned(kind: str, value: Any) -> None:
    found = READERS[kind](Fields({"a": list(value) if isinstance(value, tuple) else value}))

    assert found == value


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_what_does_not_fit_is_named(kind: str, value: Any) -> None:
    with pytest.raises(Unusable, match=r"^its (a|b)") as caught:
        READERS[kind](Fields({"a": value}))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("record", [{}, {"a": None}])
def test_null_is_what_is_missing(record: Dict[str, Any]) -> None:
    read = Fields(record)

    assert (read.text("a", "x"), read.whole("a", 3), read.flag("a", True)) == ("x", 3, True)
    assert (read.time("a", None), read.texts("a"), read.rows("a", repr)) == (None, (), ())
    with pytest.raises(Unusable, match="it has no 'a'"):
        read.text("a")
    with pytest.raises(Unusable, match="it has no 'a'"):
        read.rows("a", repr, empty=False)


def test_other_fields_stay_as_they_are() -> None:
    assert Fields({"a": 1, "b": [2], "c": None}).others("a") == {"b": [2]}
