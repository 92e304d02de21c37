"""A password in a spec is refused like any other field, and is neither repeated nor kept."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from adapter.interface import (
    HostSpec,
    OrchestratorError,
    ServiceSpec,
    SpecValidationError,
    raise_if_exception,
)

CANARY = "hush-hush"
RGW: Dict[str, Any] = {"service_type": "rgw", "service_id": "x"}
SPECS = {
    "certificate": {**RGW, "spec": {"rgw_frontend_ssl_certificate": CANARY}},
    "certificate as lines": {**RGW, "spec": {"rgw_frontend_ssl_certificate": [CANARY]}},
    "certificate of a wrong type": {**RGW, "spec": {"rgw_frontend_ssl_certificate": {"a": CANARY}}},
    "realm": {**RGW, "spec": {"rgw_realm_token": CANARY}},
    "fields in a list": {**RGW, "spec": [{"rgw_realm_token": CANARY}]},
    "iscsi": {
        "service_type": "iscsi",
        "service_id": "x",
        "spec": {"pool": "p", "api_user": "me", "api_password": CANARY, "ssl_key": CANARY},
    },
    "snmp": {
        "service_type": "snmp-gateway",
        "spec": {
            "credentials": {"snmp_v3_auth_password": CANARY},
            "snmp_version": "V9",
            "snmp_destination": "192.0.2.1:162",
        },
    },
}


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_with_a_secret(world: Any, name: str) -> None:
    """Seen to fail where messages show a field's value whatever it is called."""
    with pytest.raises((OrchestratorError, SpecValidationError)) as error:
        raise_if_exception(world.orchestrator.apply([ServiceSpec.from_json(SPECS[name])]))

    assert CANARY not in str(error.value)
    assert CANARY not in repr(vars(error.value))
    assert CANARY not in json.dumps(world.store.items(""))


def test_a_management_controller_is_refused_without_its_password(world: Any) -> None:
    """Seen to fail where it was left out in silence."""
    spec = HostSpec("h1", "10.0.0.1", oob={"username": "me", "password": CANARY, "addr": "x"})

    with pytest.raises(OrchestratorError, match="management controllers") as error:
        raise_if_exception(world.orchestrator.add_host(spec))
    assert CANARY not in str(error.value)
    assert world.store.items("host") == {}
