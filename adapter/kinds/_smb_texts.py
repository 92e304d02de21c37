"""Read what the smb module keeps for Samba: JSON of one version, with names, options and users."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from adapter.errors import InvalidValue

_VERSION = "v0"
_REMEDY = "`ceph smb apply` writes it anew."


def read(field: str, place: str, texts: Mapping[str, str]) -> Dict[str, Any]:
    """Return what a place keeps; raises ``InvalidValue``, which names the field of the spec."""
    text = texts.get(place)
    if text is None:
        raise InvalidValue(field, place, "nobody could read it yet", _REMEDY)
    try:
        data = json.loads(text)
    except ValueError:
        raise wrong(field, place, "it is no JSON") from None
    if not isinstance(data, dict) or data.get("samba-container-config") != _VERSION:
        raise wrong(field, place, f"it is no samba-container-config {_VERSION}")
    return data


def wrong(field: str, place: str, reason: str) -> InvalidValue:
    """Return the error for what a place keeps."""
    return InvalidValue(field, place, reason, _REMEDY)


def mapping(data: Mapping[str, Any], key: str) -> Dict[str, Any]:
    """Return a mapping of a mapping; what is missing, or something else, is an empty one."""
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def entries(data: Mapping[str, Any], key: str) -> List[Dict[str, Any]]:
    """Return the mappings in ``KEY: {all_entries: [...]}``."""
    found = mapping(data, key).get("all_entries")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
