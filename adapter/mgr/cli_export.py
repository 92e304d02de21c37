"""What ``ceph orch ls --export`` prints can be given to ``ceph orch apply -i`` again.

OSDs of no drive group, or of one that is forgotten, are listed as a service. Ceph prints that as a
spec too, and would refuse it itself: a drive group without placement and disks. Nobody asked for
it, so it is left out. Text of several lines, such as a certificate, is written line by line.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

import yaml

from adapter.interface.streams import SpecDumper

_BETWEEN = "---\n"


def as_specs(words: Dict[str, Any], result: Any) -> Any:
    """Return a command's answer; of an export as it can be applied again."""
    listing = words.get("prefix") == "orch ls"
    if not listing or not isinstance(result, tuple) or len(result) != 3 or result[0]:
        return result
    status, text, error = result
    export = bool(words.get("export"))
    form = str(words.get("format") or ("yaml" if export else "plain"))
    if form == "yaml" or (form == "plain" and export):
        return status, _of_yaml(text, export=export), error
    if export and form.startswith("json"):
        return status, _of_json(text, form), error
    return result


def _of_yaml(text: str, *, export: bool) -> str:
    # What stands in column 0 is no text of several lines: that is indented.
    parts = f"\n{text}".split(f"\n{_BETWEEN}")
    parts = [*(f"{part}\n" for part in parts[:-1]), parts[-1]]
    found = []
    for part in (parts[0][1:], *parts[1:]):
        may_be_nobodys = export and "service_type: osd" in part
        if not may_be_nobodys or not _is_placeholder(yaml.safe_load(part)):
            found.append(_in_blocks(part))
    return _BETWEEN.join(found)


def _in_blocks(text: str) -> str:
    """Return a document with each text of several lines as a block; others as they are."""
    # Quoted, a line break is an empty line or an escape. Reading all of it takes long.
    if not any(sign in text for sign in ("\n\n", "\\n")):
        return text
    data = yaml.safe_load(text)
    if not _has_lines(data):
        return text
    return str(yaml.dump(data, Dumper=SpecDumper, default_flow_style=False, sort_keys=False))


def _has_lines(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_has_lines, data.values()))
    if isinstance(data, list):
        return any(map(_has_lines, data))
    return isinstance(data, str) and "\n" in data


def _of_json(text: str, form: str) -> str:
    rows: List[Any] = json.loads(text)
    kept = [row for row in rows if not _is_placeholder(row)]
    if len(kept) == len(rows):
        return text
    pretty = form != "json"
    return json.dumps(kept, indent=2 if pretty else None, sort_keys=pretty)


def _is_placeholder(spec: Any) -> bool:
    if not isinstance(spec, dict) or spec.get("service_type") != "osd":
        return False
    group = spec.get("spec") or {}
    return bool(spec.get("unmanaged")) and "placement" not in spec and "data_devices" not in group
