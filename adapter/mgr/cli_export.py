"""What ``ceph orch ls --export`` prints can be given to ``ceph orch apply -i`` again.

OSDs of no drive group are listed as the service ``osd``. Ceph prints that as a spec too, and would
refuse it itself: a drive group without placement and disks. Nobody asked for it, so it is left out.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

import yaml

_BETWEEN = "---\n"


def without_placeholders(words: Dict[str, Any], result: Any) -> Any:
    """Return a command's answer; of an export without what is no spec of anybody."""
    is_export = words.get("prefix") == "orch ls" and words.get("export")
    if not is_export or not isinstance(result, tuple) or len(result) != 3 or result[0]:
        return result
    status, text, error = result
    form = str(words.get("format") or "yaml")
    if form == "yaml":
        return status, _of_yaml(text), error
    return (status, _of_json(text, form), error) if form.startswith("json") else result


def _of_yaml(text: str) -> str:
    parts = [part for part in text.split(_BETWEEN) if not _is_placeholder(yaml.safe_load(part))]
    return _BETWEEN.join(parts)


def _of_json(text: str, form: str) -> str:
    rows: List[Any] = json.loads(text)
    kept = [row for row in rows if not _is_placeholder(row)]
    if len(kept) == len(rows):
        return text
    pretty = form != "json"
    return json.dumps(kept, indent=2 if pretty else None, sort_keys=pretty)


def _is_placeholder(spec: Any) -> bool:
    if not isinstance(spec, dict) or spec.get("service_type") != "osd" or spec.get("service_id"):
        return False
    group = spec.get("spec") or {}
    return bool(spec.get("unmanaged")) and "placement" not in spec and "data_devices" not in group
