"""What the test on hosts expects to be advertised is what the backend implements."""

from __future__ import annotations

from tests.lab_tests.test_module import FEATURES
from tests.unit.methods.world import World


def test_each_feature_is_expected_on_hosts_too() -> None:
    features = World().orchestrator.get_feature_set()
    assert sorted(name for name, each in features.items() if each["available"]) == FEATURES
