"""Ask podman of this host: for images, for secrets, and what became of a container."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, List, NamedTuple, Set

from ...system.atomic_write import write_text
from ...system.command import Answer, find_program, last_line, run
from ...system.reading import clean, to_int
from .base import DaemonRefused

_TIMEOUT = 60.0
_ASK_TIMEOUT = 3.0
# A registry may be far away, and an image large.
_PULL_TIMEOUT = 600.0


class Running(NamedTuple):
    """A container that is there: its id, its image's, and the number of its first process."""

    container: str = ""
    image: str = ""
    pid: int = 0


def podman() -> str:
    """Return where podman is, empty where it is not installed."""
    return find_program("podman")


def running(name: str) -> Running:
    """Return what a container is, nothing where podman does not say it."""
    if not podman():
        return Running()
    form = "{{.Id}} {{.Image}} {{.State.Pid}}"
    answer = run([podman(), "container", "inspect", "--format", form, name], _ASK_TIMEOUT)
    words = clean(answer.out).split()
    if answer.problem or len(words) != 3:
        return Running()
    return Running(words[0], words[1], to_int(words[2]))


def bring_image(daemon: str, image: str) -> None:
    """Have an image on this host; raises ``DaemonRefused`` where it cannot be pulled."""
    if run([podman(), "image", "exists", image], _TIMEOUT).status == 0:
        return
    answer = run([podman(), "pull", "--quiet", image], _PULL_TIMEOUT)
    if answer.problem:
        raise DaemonRefused(
            f"{daemon}: the image {image} is not on host {os.uname().nodename}, and podman cannot "
            f"pull it: {_said(answer)}. Load it there (`podman load`), or see that its registry "
            "can be reached."
        )


def secrets(prefix: str) -> Set[str]:
    """Return the names of secrets that begin so."""
    answer = run([podman(), "secret", "ls", "--format", "{{.Name}}"], _TIMEOUT)
    return {each for each in answer.out.split() if each.startswith(prefix)}


def keep_secrets(daemon: str, prefix: str, texts: Dict[str, str], path: str) -> None:
    """Have these secrets, and no others that begin so; raises ``DaemonRefused``.

    ``path`` is a file of root's alone, from which podman reads them one after the other.
    """
    drop_secrets(secrets(prefix))
    for name, text in texts.items():
        write_text(path, text, 0o600)
        answer = run([podman(), "secret", "create", name, path], _TIMEOUT)
        if answer.problem:
            raise DaemonRefused(f"{daemon}: podman keeps no secret {name}: {_said(answer)}.")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def drop_secrets(names: Set[str]) -> None:
    """Remove secrets."""
    if names:
        run([podman(), "secret", "rm", *sorted(names)], _TIMEOUT)


def drop_containers(names: List[str]) -> None:
    """Remove what is left of containers."""
    run([podman(), "rm", "--force", "--ignore", "--volumes", *names], _TIMEOUT)


def _said(answer: Answer) -> str:
    said = clean(last_line(answer.err) or answer.problem, 300)
    return said[len("Error: ") :].rstrip(".") if said.startswith("Error: ") else said.rstrip(".")
