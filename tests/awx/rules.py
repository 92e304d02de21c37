"""What AWX refuses, with its words."""

from __future__ import annotations

import re
from typing import Any, Iterator

from tests.awx.shapes import SHAPES
from tests.awx.store import Store

Errors = dict[str, Any]

_QUESTION = {"question_name", "variable", "type", "required"}
_TYPES = ("text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect")
_CHOICES = {
    "job_type": ("run", "check"),
    "verbosity": (0, 1, 2, 3, 4, 5),
    "pull": ("", "always", "missing", "never"),
    "scm_type": ("", "git", "svn", "insights", "archive"),
    "source": ("", "file", "scm", "ec2", "constructed"),
}
_TEMPLATE_NAME = re.compile(r"{{\s*(?:tower\.filename\.)?(\w+)")


def problems(
    store: Store, collection: str, values: dict[str, Any], found: dict[str, Any] | None = None
) -> Errors:
    """Return why AWX refuses values for a new or a ``found`` object, by field."""
    shape = SHAPES[collection]
    errors: Errors = {}
    if found is None:
        missing = [name for name in shape.required if values.get(name) in (None, "")]
        errors.update({name: ["This field is required."] for name in missing})
    for name, value in values.items():
        reason = _reason(store, collection, name, value)
        if reason:
            errors[name] = [reason]
    if errors:
        return errors
    after = {**shape.fields, **(found or {}), **values}
    twin = _twin(store, collection, after, found)
    if twin:
        names = " and ".join(each.replace("_", " ").title() for each in shape.unique)
        title = shape.type.replace("_", " ").capitalize()
        return {"__all__": [f"{title} with this {names} already exists."]}
    return _of_kind(store, collection, after)


def _reason(store: Store, collection: str, name: str, value: Any) -> str:
    shape = SHAPES[collection]
    if name not in shape.fields:
        return ""
    if name in shape.keys:
        if value is None or value in store.objects[shape.keys[name]]:
            return ""
        return f'Invalid pk "{value}" - object does not exist.'
    if name in _CHOICES and value not in _CHOICES[name]:
        return f'"{value}" is not a valid choice.'
    default = shape.fields[name]
    if isinstance(default, bool) and not isinstance(value, bool):
        return "Must be a valid boolean."
    if type(default) is int and type(value) is not int:
        return "A valid integer is required."
    if isinstance(default, str) and not isinstance(value, str):
        return "Not a valid string."
    if isinstance(default, dict) and not isinstance(value, dict):
        return "Not a valid object."
    if name == "name" and len(value) > 512:
        return "Ensure this field has no more than 512 characters."
    return ""


def _twin(
    store: Store, collection: str, after: dict[str, Any], found: dict[str, Any] | None
) -> bool:
    unique = SHAPES[collection].unique
    if collection == "job_templates":
        project = store.objects["projects"].get(after.get("project") or 0, {})
        after = {**after, "organization": project.get("organization")}
    return any(
        other is not found and all(other.get(key) == after.get(key) for key in unique)
        for other in store.objects[collection].values()
    )


def _of_kind(store: Store, collection: str, after: dict[str, Any]) -> Errors:
    if collection == "job_templates":
        project = store.objects["projects"][after["project"]]
        known = project["allow_override"] or after["playbook"] in project.get("_playbooks", ())
        return {} if known else {"playbook": ["Playbook not found for project."]}
    if collection == "credential_types":
        return _of_type(after)
    if collection == "credentials":
        kind = store.objects["credential_types"][after["credential_type"]]
        known = {each["id"] for each in kind["inputs"].get("fields", ())}
        odd = sorted(set(after["inputs"]) - known)
        words = f"Additional properties are not allowed ('{odd[0]}' was unexpected)" if odd else ""
        return {"inputs": [words]} if odd else {}
    if (
        collection == "inventory_sources"
        and after["source"] == "scm"
        and not after["source_project"]
    ):
        return {"source_project": ["Project required for scm type sources."]}
    return {}


def _of_type(after: dict[str, Any]) -> Errors:
    if after["kind"] not in ("cloud", "net"):
        return {"kind": ["Must be 'cloud' or 'net', not " + after["kind"]]}
    known = {each["id"] for each in after["inputs"].get("fields", ())}
    injectors = after["injectors"]
    files = {name.partition(".")[2] for name in injectors.get("file", {})}
    for part, texts in injectors.items():
        for name, text in texts.items():
            if part == "env" and name.startswith("ANSIBLE_"):
                return {
                    "injectors": [
                        f"Environment variable {name} may affect Ansible configuration so its use "
                        "is not allowed in credentials."
                    ]
                }
            for used in _TEMPLATE_NAME.findall(text):
                if used not in known | files:
                    return {"injectors": [f"{name} uses an undefined field (`{used}`)"]}
    return {}


def survey_problem(body: dict[str, Any]) -> str:
    """Return why AWX refuses a survey."""
    for name in ("name", "description", "spec"):
        if name not in body:
            return f"'{name}' missing from survey spec."
    if not body["spec"]:
        return "'spec' doesn't contain any items."
    variables = [each.get("variable") for each in body["spec"]]
    for index, question in enumerate(body["spec"]):
        missing = sorted(_QUESTION - set(question))
        if missing:
            return f"'{missing[0]}' missing from survey question {index}."
        if question["type"] not in _TYPES:
            return f"'{question['type']}' in survey question {index} is not one of {_TYPES}."
        if variables.count(question["variable"]) > 1:
            return f"'variable' '{question['variable']}' duplicated in survey question {index}."
        for said in _question(question, index):
            return said
    return ""


def answer_problems(survey: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """Return why AWX refuses the answers to a survey, as it says it of each question."""
    return [said for row in survey.get("spec", ()) for said in _answer(row, given)]


def _answer(question: dict[str, Any], given: dict[str, Any]) -> Iterator[str]:
    name, kind = question["variable"], question["type"]
    if name not in given:
        if question["required"]:
            yield f"'{name}' value missing"
        return
    value = given[name]
    if kind in ("text", "textarea"):
        yield from _text(question, value)
    elif kind in ("integer", "float"):
        yield from _number(question, value)
    elif kind == "multiselect" and not isinstance(value, list):
        yield f"'{name}' value is expected to be a list."
    elif kind in ("multiselect", "multiplechoice"):
        choices = question["choices"]
        for each in value if kind == "multiselect" else [value]:
            if each not in choices:
                yield f"Value {each} for '{name}' expected to be one of {choices}."


def _text(question: dict[str, Any], value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _outside(question, value, len(value), f"length is {len(value)} ")
    else:
        yield f"Value {value} for '{question['variable']}' expected to be a string."


def _number(question: dict[str, Any], value: Any) -> Iterator[str]:
    whole = question["type"] == "integer"
    if type(value) is int or (type(value) is float and not whole):
        yield from _outside(question, value, value)
    else:
        expected = "an integer" if whole else "a numeric type"
        yield f"Value {value} for '{question['variable']}' expected to be {expected}."


def _outside(question: dict[str, Any], value: Any, size: float, more: str = "") -> Iterator[str]:
    about = f"'{question['variable']}' value {value} is too"
    least, most = question.get("min"), question.get("max")
    if least not in ("", None) and size < least:
        yield f"{about} small ({more}must be at least {least})."
    if most not in ("", None) and size > most:
        yield f"{about} large (must be no more than {most})."


def _question(question: dict[str, Any], index: int) -> Iterator[str]:
    default = question.get("default", "")
    if question["type"] in ("multiplechoice", "multiselect"):
        choices = question.get("choices")
        if not choices:
            yield f"survey question {index} must specify choices."
            return
        given = default.split("\n") if question["type"] == "multiselect" and default else [default]
        if default and any(each not in choices for each in given):
            yield f"Default choice must be answered from the choices listed in question {index}."
    if question["type"] == "integer" and default != "" and type(default) is not int:
        yield f"Default value {default} in question {index} expected to be an integer."
