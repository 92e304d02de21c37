"""Write the manual pages of ``orch-ansible``, one for each verb, from its help texts.

``python -m tests.tools.man_pages [DIR]`` (``make man``) writes ``DIR/man1/orch-ansible*.1``, by
default into ``build/man``. It needs click and PyYAML, as the command itself, and nothing else.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import click

from adapter import __version__
from adapter.cli.app import root

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "build" / "man"
PROGRAM = "orch-ansible"
STATUS = (
    ("0", "Success."),
    ("1", "An operation failed on a host, or something is not as it must be."),
    ("2", "Wrong usage, or a value that is refused. Nothing was changed."),
)
_VERBATIM = "\b\n"
_EXAMPLE = re.compile(r"Examples?:\n")


def pages() -> Dict[str, str]:
    """Return all pages by their files' names."""
    return {f"{'-'.join(words)}.1": page(words, command) for words, command in commands(root)}


def commands(
    command: click.Command, words: Tuple[str, ...] = (PROGRAM,)
) -> Iterator[Tuple[Tuple[str, ...], click.Command]]:
    """Yield a command and all below it, each with the words that lead to it."""
    yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner is not None and not inner.hidden:
                yield from commands(inner, (*words, name))


def page(words: Sequence[str], command: click.Command) -> str:
    """Return the page of a command as a manual page's source."""
    group, command = command, getattr(command, "default", command)
    context = click.Context(command, info_name=words[-1])
    name = "-".join(words)
    lines = [
        f'.TH "{name.upper()}" 1 "" "ceph-orch-ansible {__version__}" "ceph-orch-ansible"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(_short(command))}",
        ".SH SYNOPSIS",
        f".B {_text(' '.join(words))}",
        _text(" ".join(command.collect_usage_pieces(context))),
    ]
    description, examples = _described(command)
    lines += [".SH DESCRIPTION", *description]
    lines += _list("OPTIONS", _options(command, context))
    if isinstance(group, click.Group):
        lines += _list("COMMANDS", _below(words, group))
    if examples:
        lines += [".SH EXAMPLES", *examples]
    if command.epilog:
        lines += [".SH COMMON OPTIONS", _text(inspect.cleandoc(command.epilog))]
    lines += _list("EXIT STATUS", STATUS)
    lines += [".SH SEE ALSO", ", ".join(f".BR {_text(each)} (1)" for each in _others(words))]
    return "\n".join(lines).replace(", .BR ", " ,\n.BR ") + "\n"


def _short(command: click.Command) -> str:
    """Return what a command does, in one sentence without its full stop."""
    if command is root:
        return "manage package-based Ceph clusters with Ansible"
    return command.get_short_help_str(limit=200).rstrip(".")


def _described(command: click.Command) -> Tuple[List[str], List[str]]:
    """Return the description and the examples, each as the lines of a page."""
    description: List[str] = []
    examples: List[str] = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        verbatim = paragraph.startswith(_VERBATIM)
        text = paragraph[len(_VERBATIM) :] if verbatim else paragraph
        found = examples if verbatim and _EXAMPLE.match(text) else description
        text = _EXAMPLE.sub("", text) if verbatim else " ".join(text.split())
        found += [".PP"] if not verbatim else [".PP", ".nf"]
        found += [_text(line) for line in text.splitlines()]
        found += [".fi"] if verbatim else []
    return description, examples


def _options(command: click.Command, context: click.Context) -> List[Tuple[str, str]]:
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    found = [each.get_help_record(context) for each in options]
    return [each for each in found if each is not None]


def _below(words: Sequence[str], command: click.Group) -> List[Tuple[str, str]]:
    inner = [each for each in commands(command, tuple(words)) if len(each[0]) == len(words) + 1]
    return [(each[-1], f"{_short(which)}.") for each, which in inner]


def _list(title: str, rows: Sequence[Tuple[str, str]]) -> List[str]:
    lines = [f".SH {title}"] if rows else []
    for term, text in rows:
        lines += [".TP", f".B {_text(term)}", _text(" ".join(text.split()))]
    return lines


def _others(words: Sequence[str]) -> List[str]:
    """Return the pages above and below a command."""
    above = ["-".join(words[:count]) for count in range(1, len(words))]
    below = ["-".join(each) for each, _ in commands(root) if each[:-1] == tuple(words)]
    return [*above, *below] or [PROGRAM]


def _text(text: str) -> str:
    """Return a text in which nothing is a request or an escape of the formatter's."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"(?m)^(?=\.)", r"\\&", text)


def main(directory: Path) -> int:
    """Write all pages; those of verbs that are no more are removed."""
    folder = directory / "man1"
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in folder.glob(f"{PROGRAM}*.1"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(made)} manual pages in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY))
