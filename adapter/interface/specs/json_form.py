"""A spec's JSON form as a person or `ceph orch ls` writes it, brought into one mapping of fields.

What is given twice and not the same is refused: one of the two would be passed over.
"""

from __future__ import annotations

from typing import Any, Dict

from ..checks import refuse, require_mapping, shown


def options(config: Dict[Any, Any]) -> Dict[Any, Any]:
    """Return options by their names as Ceph has them, with ``_`` where a person wrote a blank."""
    found: Dict[Any, Any] = {}
    for key, value in config.items():
        name = key.replace(" ", "_") if isinstance(key, str) else key
        if name in found and found[name] != value:
            refuse(f"config: {name}", value, f"one value: it is {shown(found[name], name)} already")
        found[name] = value
    return found


def flattened(json_spec: Dict[str, Any]) -> Dict[str, Any]:
    """Bring a spec's JSON form into one mapping of fields."""
    data = {
        key: value for key, value in json_spec.items() if key not in ("status", "events", "spec")
    }
    inner = json_spec.get("spec")
    if inner is not None:
        for key, value in require_mapping(inner, "spec").items():
            if key in data and data[key] != value:
                refuse(
                    f"spec: {key}", value, f"one value: beside `spec` it is {shown(data[key], key)}"
                )
            data[key] = value
    name = data.pop("service_name", None)
    if name:
        if not isinstance(name, str):
            refuse("service_name", name, "service_type or service_type.service_id")
        service_type, _, service_id = name.partition(".")
        data["service_type"] = data.get("service_type") or service_type
        data["service_id"] = data.get("service_id") or service_id or None
    if isinstance(data.get("networks"), str):
        data["networks"] = [data["networks"]]
    return data
