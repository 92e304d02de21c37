"""Specs of services, made of their fields as a file of specs has them."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

import pytest

from adapter.interface import ServiceSpec

# What stands beside ``spec``, not in it.
BESIDE = ("config", "networks")


def spec_from(
    service_type: str,
    service_id: str,
    fields: Mapping[str, Any],
    beside: Sequence[str] = BESIDE,
) -> Any:
    """Return a spec, with the fields that are ``beside`` in their place."""
    inner = {name: value for name, value in fields.items() if name not in beside}
    more = {name: value for name, value in fields.items() if name in beside}
    data = {"service_type": service_type, "service_id": service_id, "spec": inner, **more}
    return ServiceSpec.from_json(data)


def refusal_of(act: Callable[[], Any]) -> str:
    """Return the line with which something is refused."""
    with pytest.raises(Exception) as raised:
        act()
    assert "\n" not in str(raised.value)
    return str(raised.value)
