"""Switch lights with a command that the operator gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Sequence

from ..system.command import Answer, find_program, last_line, run
from ..system.reading import clean

if TYPE_CHECKING:
    from typing import Protocol

    class LightLike(Protocol):
        """What the ways know of a ``lights.Light``; its file imports those of the ways."""

        dev: str
        path: str
        disk: str
        kind: str


_TIMEOUT = 30.0


def complaint(answer: Answer) -> str:
    """Return what a program complained about, or an empty text."""
    if not answer.problem:
        return ""
    said = last_line(answer.err) or last_line(answer.out)
    return clean(f"{answer.problem}: {said}" if said else answer.problem)


class OperatorsCommand:
    """A command line of the operator's, as a list of arguments.

    In each argument ``{path}``, ``{dev}``, ``{kind}`` and ``{state}`` are replaced; no shell sees
    them. It cannot tell the light's state; another way may.
    """

    name = "command"

    def __init__(self, template: Sequence[str]) -> None:
        self._template = template

    def problem(self, light: LightLike) -> str:
        """Return why the command cannot be used, or an empty text."""
        if not self._template:
            return "none is set"
        program = self.argv(light, True)[0]
        return "" if find_program(program) else f"{clean(program)} is not there"

    def read(self, light: LightLike) -> Optional[bool]:
        """Return None: the command only switches."""
        return None

    def switch(self, light: LightLike, wanted: bool) -> str:
        """Run the command; return what went wrong."""
        answer = run(self.argv(light, wanted), _TIMEOUT)
        return complaint(answer)

    def argv(self, light: LightLike, wanted: bool) -> List[str]:
        """Return the command line for a light."""
        values = {
            "{path}": light.path,
            "{dev}": light.dev,
            "{kind}": light.kind,
            "{state}": "on" if wanted else "off",
        }
        words = []
        for word in self._template:
            for name, value in values.items():
                word = word.replace(name, value)
            words.append(word)
        return words
