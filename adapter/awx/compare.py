"""How an object of AWX differs from the one that is wanted, in words."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Mapping, Optional

import yaml

from adapter.awx.objects import Ref, Wanted
from adapter.errors import shown

# Texts that hold data: AWX's own pages write `---` where there is none.
_DATA = ("variables", "source_vars", "extra_vars")
_MISSING = object()

Object = Mapping[str, Any]
# The id of the object that a reference names, None where there is none yet.
IdOf = Callable[[Ref], Optional[int]]


def changed_fields(wanted: Wanted, found: Object, id_of: IdOf) -> Dict[str, str]:
    """Return what is said of each field that is not as it is wanted."""
    said = {}
    for name, value in wanted.fields.items():
        there = found.get(name, _MISSING)
        if isinstance(value, Ref):
            if there is _MISSING or there is None or there != id_of(value):
                said[name] = f"{name} is {_named(found, name)}, not {value.name!r}"
        elif there is _MISSING:
            said[name] = f"{name} is not there"
        elif not _equal(name, there, value):
            said[name] = _said(name, there, value)
    return said


def changed_survey(wanted: Object, found: Object) -> List[str]:
    """Return what is said of each question that is not as it is wanted."""
    there = {str(each.get("variable")): each for each in found.get("spec") or ()}
    said = []
    for question in wanted.get("spec") or ():
        name = question["variable"]
        other = there.pop(name, None)
        if other is None:
            said.append(f"the survey does not ask {name}")
            continue
        for key, value in question.items():
            is_now = _choices(other.get(key)) if key == "choices" else other.get(key)
            if is_now != value:
                said.append(_said(f"the survey's {name}: {key}", is_now, value))
    said += [f"the survey also asks {name}" for name in there]
    order = [each["variable"] for each in wanted.get("spec") or ()]
    if not said and order != [each.get("variable") for each in found.get("spec") or ()]:
        said.append("the survey asks in another order")
    return said


def _choices(value: Any) -> Any:
    return value.split("\n") if isinstance(value, str) else value


def _equal(name: str, there: Any, wanted: Any) -> bool:
    if name in _DATA:
        return bool(_parsed(there) == _parsed(wanted))
    return bool(there == wanted and isinstance(there, bool) == isinstance(wanted, bool))


def _parsed(text: Any) -> Any:
    try:
        return yaml.safe_load(str(text or "")) or {}
    except yaml.YAMLError:
        return text


def _said(name: str, there: Any, wanted: Any) -> str:
    if isinstance(wanted, (dict, list)):
        parts = _parts(there, wanted)
        return f"{name} is another one ({parts})" if parts else f"{name} is another one"
    return f"{name} is {shown(there)}, not {shown(wanted)}"


def _parts(there: Any, wanted: Any) -> str:
    if not isinstance(there, dict) or not isinstance(wanted, dict):
        return ""
    keys = sorted(
        key
        for key in {*there, *wanted}
        if json.dumps(there.get(key), sort_keys=True) != json.dumps(wanted.get(key), sort_keys=True)
    )
    return ", ".join(str(key) for key in keys)


def _named(found: Object, field: str) -> str:
    about = (found.get("summary_fields") or {}).get(field)
    if isinstance(about, Mapping) and about.get("name"):
        return shown(about["name"])
    return "not set" if found.get(field) is None else shown(found.get(field))
