"""Names that an operator may give: one table of values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from adapter import names
from adapter.errors import InvalidValue

CASES: Dict[str, Dict[str, List[Any]]] = yaml.safe_load(
    Path(__file__).with_name("names.yml").read_text(encoding="utf-8")
)


def _expand(value: Any) -> Any:
    """Return ``254*a`` as 254 letters."""
    found = re.fullmatch(r"(\d+)\*a", value) if isinstance(value, str) else None
    return "a" * int(found.group(1)) if found else value


GOOD = [(check, value) for check, cases in CASES.items() for value in cases["good"]]
BAD = [(check, *case) for check, cases in CASES.items() for case in cases["bad"]]


@pytest.mark.parametrize(("check", "value"), GOOD)
def test_good_names_stay_as_they_are(check: str, value: str) -> None:
    assert getattr(names, check)(value) == value


@pytest.mark.parametrize(("check", "value", "reason"), BAD)
def test_bad_names_are_refused_in_one_line(check: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidValue, match=re.escape(reason)) as caught:
        getattr(names, check)(_expand(value))

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_labels_are_kept_once_in_order() -> None:
    assert names.check_labels(["b", "a", "b"]) == ["b", "a"]


def test_a_host_name_that_is_refused_says_where_the_right_one_is() -> None:
    with pytest.raises(InvalidValue, match="as `hostname` prints it on the host"):
        names.check_hostname("my_host")
