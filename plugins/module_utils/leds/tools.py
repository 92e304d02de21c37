"""Switch lights with ledctl (ledmon) or lsmcli (libstoragemgmt)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Optional, Sequence

from ..system.command import Answer, find_program, run
from .command import complaint

if TYPE_CHECKING:
    from .command import LightLike

_TIMEOUT = 30.0
_CONTROLLERS = ("npem", "vmd", "scsi", "amd")


class _Tool:
    """A program that may be installed."""

    name = ""

    def problem(self, light: LightLike) -> str:
        """Return why this way cannot be used for a light, or an empty text."""
        return "" if find_program(self.name) else f"{self.name} is not installed"

    def call(self, *words: str) -> Answer:
        """Run the program with these arguments."""
        return run([find_program(self.name), *words], _TIMEOUT)


class Ledctl(_Tool):
    """ledctl: newer ones address a slot and tell its state, older ones only set patterns.

    Without ``--listed-only`` an old ledctl switches off the lights of all other disks.
    """

    name = "ledctl"

    def __init__(self) -> None:
        self._help: Optional[str] = None
        self._controllers: Dict[str, str] = {}

    def read(self, light: LightLike) -> Optional[bool]:
        """Return whether the light is on, or None when this ledctl cannot tell."""
        states = self._states(light)
        return None if states is None else states[light.kind]

    def switch(self, light: LightLike, wanted: bool) -> str:
        """Switch the light without touching the disk's other one."""
        states = self._states(light) or {}
        other = states.get("fault" if light.kind == "ident" else "ident", False)
        pattern = self._pattern(light.kind, wanted, other)
        controller = self._controllers.get(light.path)
        if controller and self._knows("--set-slot"):
            words = [f"--controller-type={controller}", f"--device={light.path}"]
            answer = self.call("--set-slot", *words, f"--state={pattern}")
            if not answer.problem:
                return ""
        return complaint(self.call("--listed-only", f"{pattern}={light.path}"))

    def _pattern(self, kind: str, wanted: bool, other: bool) -> str:
        both = other and self._knows("locate_and_failure")
        if kind == "ident":
            return ("locate_and_failure" if both else "locate") if wanted else "locate_off"
        return ("locate_and_failure" if both else "failure") if wanted else "off"

    def _knows(self, word: str) -> bool:
        if self._help is None:
            general = self.call("--help").out
            self._help = general + (
                self.call("--ibpi", "--help").out if "--ibpi" in general else ""
            )
        return word in self._help

    def _states(self, light: LightLike) -> Optional[Dict[str, bool]]:
        """Return both lights' states from the slot, or None."""
        if not self._knows("--get-slot"):
            return None
        known = self._controllers.get(light.path)
        for controller in [known] if known else self._candidates(light):
            words = [f"--controller-type={controller}", f"--device={light.path}"]
            answer = self.call("--get-slot", *words)
            match = re.search(r"state:\s*([A-Za-z_]+)", answer.out)
            if not answer.problem and match:
                self._controllers[light.path] = controller
                return parse_pattern(match.group(1))
        return None

    def _candidates(self, light: LightLike) -> Sequence[str]:
        for option in ("--default-controller", "--best-controller"):
            if self._knows(option):
                answer = self.call(option, f"--device={light.path}")
                words = re.findall(r"[A-Za-z]+", answer.out)
                found = [word.lower() for word in words if word.lower() in _CONTROLLERS]
                if found and not answer.problem:
                    return found[-1:]
        return _CONTROLLERS


def parse_pattern(word: str) -> Dict[str, bool]:
    """Return which lights a slot's state as ledctl writes it means."""
    word = word.upper()
    return {
        "ident": ("LOCATE" in word and "OFF" not in word) or "IDENT" in word,
        "fault": any(part in word for part in ("FAIL", "FAULT")) and "ARRAY" not in word,
    }


class Lsmcli(_Tool):
    """lsmcli of libstoragemgmt, which needs no daemon for local disks."""

    name = "lsmcli"

    def read(self, light: LightLike) -> Optional[bool]:
        """Return whether the light is on, or None when it cannot be told."""
        for line in self.call("local-disk-list", "-t", "|").out.splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            match = re.search(rf"{light.kind}_(on|off)\b", line, re.IGNORECASE)
            if light.path in cells or "/dev/" + light.disk in cells:
                return match.group(1).lower() == "on" if match else None
        return None

    def switch(self, light: LightLike, wanted: bool) -> str:
        """Switch the light; return what went wrong."""
        state = "on" if wanted else "off"
        answer = self.call(f"local-disk-{light.kind}-led-{state}", "--path", light.path)
        return complaint(answer)
