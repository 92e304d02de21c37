"""Whether words are a command of a click program, without running it."""

from __future__ import annotations

import re
from typing import Dict, List, Sequence

import click

from adapter.cli.context import DefaultGroup

# A value that stands for any other one.
_PLACEHOLDER = re.compile(r".*[A-Z].*")


def problem(command: click.Command, words: Sequence[str], *, whole: bool) -> str:
    """Return why these words are no command, or nothing.

    Without ``whole`` the beginning of one is enough, as in a sentence about it.
    """
    rest, context = list(words), click.Context(command)
    known = _options(command)
    while isinstance(command, click.Group):
        if isinstance(command, DefaultGroup) and (not rest or rest[0] not in command.commands):
            command = command.default
            known = {**known, **_options(command)}
            continue
        if not rest:
            return "" if not whole else "a verb is missing"
        word = rest.pop(0)
        if word.startswith("-"):
            if word not in known:
                return f"there is no option {word}"
            if not known[word].is_flag:
                del rest[:1]
            continue
        found = command.get_command(context, word)
        if found is None:
            return f"there is no verb {word}"
        command = found
        known = {**known, **_options(command)}
    return _of_verb(command, known, rest, whole=whole)


def verb_of(command: click.Command, words: Sequence[str]) -> List[str]:
    """Return the words that lead to the verb, without options and arguments."""
    found: List[str] = []
    context = click.Context(command)
    for word in words:
        if not isinstance(command, click.Group):
            break
        inner = command.get_command(context, word)
        if inner is not None:
            command = inner
            found.append(word)
    return found


def _options(command: click.Command) -> Dict[str, click.Option]:
    found: Dict[str, click.Option] = {}
    for each in command.params:
        if isinstance(each, click.Option):
            found.update(dict.fromkeys([*each.opts, *each.secondary_opts, "--help"], each))
    found["--help"] = click.Option(["--help"], is_flag=True)
    return found


def _of_verb(
    command: click.Command, known: Dict[str, click.Option], words: Sequence[str], *, whole: bool
) -> str:
    rest: List[str] = list(words)
    values: List[str] = []
    while rest:
        name, has_value, _ = rest.pop(0).partition("=")
        if name.startswith("-") and name != "-":
            if name not in known:
                return f"there is no option {name}"
            if not known[name].is_flag and not has_value:
                del rest[:1]
        else:
            values.append(name)
    if "--help" in words:
        return ""
    for each in (each for each in command.params if isinstance(each, click.Argument)):
        taken = values[:] if each.nargs < 0 else values[: each.nargs]
        del values[: len(taken)]
        if each.required and whole and not taken:
            return f"{each.name} is missing"
        for value in taken:
            allowed = getattr(each.type, "choices", None)
            if allowed and value not in allowed and not _PLACEHOLDER.match(value):
                return f"{each.name} cannot be {value}"
    return f"{values[0]} is one word too many" if values else ""
