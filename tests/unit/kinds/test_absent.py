"""Kinds without a package are refused by what is missing, and what can be done without it."""

from __future__ import annotations

import pytest

from adapter.interface import KNOWN_SERVICE_TYPES
from adapter.kinds import KINDS, not_deployed
from adapter.kinds._absent import _ABSENT


@pytest.mark.parametrize("name", sorted(_ABSENT))
def test_the_program_that_is_missing_is_named_with_what_can_be_done(name: str) -> None:
    assert name in KNOWN_SERVICE_TYPES
    assert name not in KINDS
    said = str(not_deployed(name, ["mon"]))
    assert said.startswith(f"Invalid service_type '{name}': this backend does not deploy it: ")
    assert "no distribution has a package of" in said
    assert "Run it beside the cluster" in said


def test_what_else_is_not_deployed_is_named_with_what_is() -> None:
    assert "It deploys: mon, mgr;" in str(not_deployed("strange", ["mon", "mgr"]))
    assert "a proxy of your own" in str(not_deployed("mgmt-gateway", ["mon"]))
    assert "no package ceph-iscsi, and its python3-rtslib-fb is too new" in str(
        not_deployed("iscsi", ["mon"])
    )
