"""What an operation is asked for, as somebody answers the survey of its job template."""

from __future__ import annotations

import json
from typing import Any


def with_entities(value: Any, entities: dict[str, str]) -> Any:
    """Return variables whose files with keyrings are named by their entities, as AWX takes them."""
    if isinstance(value, dict):
        return {key: with_entities(each, entities) for key, each in value.items()}
    if isinstance(value, list):
        return [with_entities(each, entities) for each in value]
    return entities.get(value, value) if isinstance(value, str) else value


def answers(survey: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of a survey that give these variables.

    A survey asks for nothing that the playbook works out by itself.
    """
    questions = {row["variable"]: row["type"] for row in survey.get("spec", ())}
    return {
        name: variables[name] if kind == "multiselect" else _answered(variables[name])
        for name, kind in questions.items()
        if name in variables
    }


def _answered(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, (str, int, float)) else json.dumps(value)
