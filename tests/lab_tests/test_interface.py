"""``adapter.interface`` against the classes of the Ceph that is installed on the lab."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.on_lab import compare, conversions
from tests.lab_tests.lab_client import Lab


@pytest.fixture(scope="module")
def report(lab: Lab) -> dict[str, Any]:
    """Return what tests/contract/compare_with_ceph.py found on the first host."""
    return compare(lab.name)


def test_every_difference_from_ceph_is_accepted(report: dict[str, Any]) -> None:
    assert report["differences"] == []


def test_every_accepted_difference_is_still_there(report: dict[str, Any]) -> None:
    assert report["stale"] == []


def test_all_of_it_was_compared(report: dict[str, Any]) -> None:
    print(f"Ceph {report['ceph']}, Python {report['python']}, {report['cases']} documents")
    assert report["ceph"] == "20.2"
    assert report["cases"] > 600


def test_ceph_s_classes_take_what_the_module_hands_to_them(lab: Lab) -> None:
    found = conversions(lab.name)
    assert (found["problems"], found["refused"]) == ({}, {})
    assert found["recorded"] == "20.2.4"
