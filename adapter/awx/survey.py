"""A survey of AWX, made of a playbook's parameters.

AWX knows texts, numbers and choices. A mapping or a list is asked as JSON text, yes and no as a
choice of ``true`` and ``false``; the roles take both. What is not answered is handed on with its
default, so every question that is not required has the parameter's own.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List

from adapter.awx.parameters import Parameter

Question = Dict[str, Any]

_MOST_TEXT = 4096
_MOST_LINES = 65536
_MOST_NUMBER = 2147483647
_JSON = " As JSON."


def survey(parameters: Iterable[Parameter], fsid: str = "") -> Dict[str, Any]:
    """Return the survey; ``fsid`` is offered wherever the cluster's fsid is asked for."""
    return {"name": "", "description": "", "spec": [_question(each, fsid) for each in parameters]}


def _question(parameter: Parameter, fsid: str) -> Question:
    question: Question = {
        "question_name": parameter.name.replace("_", " ").capitalize(),
        "question_description": parameter.description,
        "required": parameter.required,
        "variable": parameter.name,
        **_kind(parameter),
    }
    if fsid and parameter.name.endswith("_fsid"):
        question["default"] = fsid
    return question


def _kind(parameter: Parameter) -> Question:
    default = parameter.default
    if parameter.choices and parameter.type == "list":
        chosen = "\n".join(str(each) for each in default or ())
        return {"type": "multiselect", "choices": _choices(parameter), "default": chosen}
    if parameter.choices:
        return {"type": "multiplechoice", "choices": _choices(parameter), "default": default or ""}
    if parameter.type == "bool":
        said = "" if default is None else str(bool(default)).lower()
        return {"type": "multiplechoice", "choices": ["true", "false"], "default": said}
    if parameter.type in ("int", "float"):
        kind = "integer" if parameter.type == "int" else "float"
        shown = "" if default is None else default
        return {"type": kind, "min": 0, "max": _MOST_NUMBER, "default": shown}
    if parameter.type in ("dict", "raw"):
        shown = "" if default is None else json.dumps(default)
        return {
            "type": "textarea",
            "question_description": parameter.description + _JSON,
            **_bounds(2, _MOST_LINES, shown),
        }
    if parameter.type == "list":
        shown = "" if not default else ",".join(str(each) for each in default)
        return {
            "type": "text",
            "question_description": parameter.description + " Separated by commas.",
            **_bounds(int(parameter.required), _MOST_TEXT, shown),
        }
    # A ceph.conf has lines.
    lines = parameter.name.endswith("_conf")
    most = _MOST_LINES if lines else _MOST_TEXT
    return {
        "type": "textarea" if lines else "text",
        **_bounds(int(parameter.required), most, default or ""),
    }


def _choices(parameter: Parameter) -> List[str]:
    return list(parameter.choices)


def _bounds(least: int, most: int, default: str) -> Question:
    return {"min": least, "max": most, "default": default}
