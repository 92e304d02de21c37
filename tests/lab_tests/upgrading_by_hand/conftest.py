"""Fixtures: the cluster of the other upgrades, on a lab of its own."""

from __future__ import annotations

from tests.lab_tests.upgrading.conftest import ground as ground
from tests.lab_tests.upgrading.conftest import upgrades as upgrades
