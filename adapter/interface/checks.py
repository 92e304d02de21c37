"""Says whether a value is of the type that a field declares, and says it in words.

Fields declare their type once, as an annotation (``Optional[List[str]]``). ``checker_for`` turns
that text into a function, once per class when it is defined; validation then costs a few
comparisons per field.
"""

from __future__ import annotations

import reprlib
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, NoReturn, Optional, Type

from .confidential import without_secrets
from .errors import SpecValidationError

Check = Callable[[Any], bool]

_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxset = _SHORT.maxtuple = 4


def shown(value: object, field: str = "") -> str:
    """Show a value in a message: short, without secrets, and whatever it is, without failing.

    ``field`` is what it is called; a password is not shown.
    """
    try:
        return _SHORT.repr(without_secrets(value, field))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too large to show"


def refuse(
    field: str, value: object, allowed: str, error: Type[Exception] = SpecValidationError
) -> NoReturn:
    """Raise ``error`` with a message that names the field, its value and what is allowed."""
    raise error(f"{field}: {shown(value, field)} is not allowed; allowed: {allowed}")


def is_int(value: object) -> bool:
    """Say whether it is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Say whether it is an integer or a float; True and False are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_str(value: object) -> bool:
    """Say whether it is text."""
    return isinstance(value, str)


def is_bool(value: object) -> bool:
    """Say whether it is True or False."""
    return isinstance(value, bool)


class Kind(NamedTuple):
    """What a field may be: a test, words for messages, and classes that need no test."""

    test: Check
    words: str
    exact: FrozenSet[type]


def _kind(test: Check, words: str, *exact: type) -> Kind:
    return Kind(test, words, frozenset(exact))


_NAMED: Dict[str, Kind] = {
    "Any": _kind(lambda value: True, "anything"),
    "None": _kind(lambda value: value is None, "nothing", type(None)),
    "bool": _kind(is_bool, "true or false", bool),
    "dict": _kind(lambda value: isinstance(value, dict), "a mapping", dict),
    "float": _kind(is_number, "a number", int, float),
    "int": _kind(is_int, "an integer", int),
    "list": _kind(lambda value: isinstance(value, list), "a list", list),
    "str": _kind(is_str, "a string (in quotes if it looks like a number)", str),
}


def declare(cls: type, words: str) -> None:
    """Let fields be declared with a class of ours; ``words`` describe it in messages."""
    _NAMED[cls.__name__] = _kind(lambda value: isinstance(value, cls), words, cls)


def _split_arguments(text: str) -> List[str]:
    """Split at the commas that are not inside brackets."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def _list_of(inner: Kind) -> Kind:
    test = inner.test

    def check(value: Any) -> bool:
        return isinstance(value, list) and all(map(test, value))

    return _kind(check, f"a list, each {inner.words}")


def _dict_of(key: Kind, item: Kind) -> Kind:
    key_test, item_test = key.test, item.test

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and all(map(key_test, value))
            and all(map(item_test, value.values()))
        )

    return _kind(check, f"a mapping of {key.words} to {item.words}")


def _any_of(choices: List[Kind]) -> Kind:
    tests = tuple(choice.test for choice in choices)

    def check(value: Any) -> bool:
        return any(test(value) for test in tests)

    words = [choice.words for choice in choices if choice.words != "nothing"]
    return _kind(check, " or ".join(words), *(one for choice in choices for one in choice.exact))


def checker_for(annotation: str) -> Kind:
    """Turn the text of a type annotation into what checks it."""
    name, bracket, rest = annotation.strip().partition("[")
    if not bracket:
        return _NAMED[name]
    inner = [checker_for(part) for part in _split_arguments(rest[:-1])]
    if name == "Optional":
        return _any_of([*inner, _NAMED["None"]])
    if name == "Union":
        return _any_of(inner)
    if name == "List":
        return _list_of(inner[0])
    return _dict_of(inner[0], inner[1])


def checkers_for(annotations: Dict[str, str]) -> Dict[str, Kind]:
    """Turn a table of field names and annotation texts into a table of checkers."""
    return {name: checker_for(text) for name, text in annotations.items()}


def check_fields(
    values: Dict[str, Any],
    checkers: Dict[str, Kind],
    error: Type[Exception],
    what: str,
) -> None:
    """Check ``values`` against a table of all allowed fields; ``what`` names the thing."""
    for name, value in values.items():
        kind = checkers.get(name)
        if kind is None:
            allowed = ", ".join(sorted(checkers))
            raise error(f"{what}: unknown key {shown(name)}; allowed: {allowed}")
        if value.__class__ not in kind.exact and not kind.test(value):
            refuse(f"{what}: {name}", value, kind.words, error)


def require_mapping(
    value: Any, what: str, error: Type[Exception] = SpecValidationError
) -> Dict[str, Any]:
    """Give back a JSON object whose keys are text, or raise ``error``."""
    if not isinstance(value, dict):
        refuse(what, value, "a mapping (JSON object)", error)
    for key in value:
        if key.__class__ is not str and not isinstance(key, str):
            refuse(f"{what}: key", key, "a string", error)
    return value


def require_list(value: Any, what: str, error: Type[Exception] = SpecValidationError) -> List[Any]:
    """Give back a list, or raise ``error``."""
    if not isinstance(value, list):
        refuse(what, value, "a list", error)
    return value


def optional_time(
    value: Optional[Any], what: str, parse: Callable[[str], Any], error: Type[Exception]
) -> Any:
    """Parse a time that may be absent; ``error`` says what is wrong with it."""
    if value is None:
        return None
    if not isinstance(value, str):
        refuse(what, value, "a time such as 2026-01-31T12:00:00.000000Z", error)
    try:
        return parse(value)
    except ValueError as problem:
        raise error(f"{what}: {problem}") from None
