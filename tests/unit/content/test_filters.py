"""The filters that take data as text: what AWX's surveys can ask."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.as_list import as_list
from plugins.filter.of_host import of_host

UNITS = ["ceph-mds@a.service"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"h1": UNITS}, UNITS),
        ('{"h1": ["ceph-mds@a.service"]}', UNITS),
        ({"h2": UNITS}, []),
        ("", []),
        (" \n", []),
        ("{}", []),
        ('{"h1": []}', []),
        ('{"h1": "{{ 1 + 1 }}"}', "{{ 1 + 1 }}"),
    ],
)
def test_what_a_host_has_to_do(value: Any, wanted: Any) -> None:
    assert of_host(value, "h1", []) == wanted


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("h1: [a]", "is not JSON"),
        ('{"h1": [}', "is not JSON"),
        ('{"h1": [], "h1": [1]}', "'h1' is there twice"),
        ("[" * 100000, "is not JSON"),
        ('["h1"]', "is not a mapping by their names"),
        ("3", "is not a mapping by their names"),
        ([], "is not a mapping by their names"),
        (None, "is not a mapping by their names"),
    ],
)
def test_what_is_no_mapping_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(AnsibleFilterError, match=reason):
        of_host(value, "h1", [])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (["a", "b"], ["a", "b"]),
        ("a, b,,", ["a", "b"]),
        ("", []),
        ('[{"host": "h1", "dev": "sda"}]', [{"host": "h1", "dev": "sda"}]),
    ],
)
def test_a_list(value: Any, wanted: Any) -> None:
    assert as_list(value) == wanted


@pytest.mark.parametrize("value", ['["a"', '{"a": 1}', {"a": 1}, 3, None])
def test_what_is_no_list_is_refused(value: Any) -> None:
    with pytest.raises(AnsibleFilterError):
        as_list(value)
