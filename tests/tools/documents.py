"""Read the project's documents: headings, blocks of commands, commands between backquotes."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = (
    "ansible-doc",
    "ansible-inventory",
    "ansible-playbook",
    "ceph",
    "make",
    "orch-ansible",
)
# How a line of a block begins that was typed: `h1# `, `alice@h1$ `.
_PROMPT = re.compile(r"^(?:\w+@)?\w+[#$] ")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_COMMENT = re.compile(r"\s#\s.*$")


@dataclass(frozen=True)
class Command:
    """A command as a document has it. ``typed`` ones stand in a block, others in a sentence."""

    document: str
    text: str
    typed: bool

    @property
    def words(self) -> List[str]:
        """Return the command's words."""
        return shlex.split(self.text)

    @property
    def program(self) -> str:
        """Return the program."""
        return self.words[0]

    def __str__(self) -> str:
        return f"{self.document}: {self.text}"


def paths() -> List[Path]:
    """Return the documents that are written for people."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "roles").glob("*/README.md")),
    ]


def texts() -> Dict[str, str]:
    """Return the text of every document by its path below the root."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths()}


def headings(text: str) -> List[str]:
    """Return the headings of a text below its title."""
    bare = _FENCE.sub("", text)
    return [line.lstrip("#").strip() for line in bare.splitlines() if re.match("##+ ", line)]


def flat(text: str) -> str:
    """Return a text with each of its sentences on one line."""
    return " ".join(text.split())


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next of its rank; raises ``LookupError``."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, flags=re.MULTILINE)
    if not found:
        raise LookupError(f"there is no heading {heading!r}")
    rest = text[found.end() :]
    after = re.search(rf"^#{{2,{len(found[1])}}} ", _FENCE.sub(_blank, rest), flags=re.MULTILINE)
    return rest[: after.start()] if after else rest


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def rows(text: str) -> List[List[str]]:
    """Return the cells of the tables of a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line.strip("|")) for line in lines]
    found = [[cell.strip() for cell in row] for row in cells]
    rules = [number for number, row in enumerate(found) if all(set(c) <= set("-: ") for c in row)]
    heads = {number - 1 for number in rules if found[number][0]}
    return [row for number, row in enumerate(found) if number not in {*rules, *heads}]


def names(cell: str) -> List[str]:
    """Return what stands between backquotes in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def anchor(heading: str) -> str:
    """Return what a link to a heading is called, on GitHub and on the site."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def typed(text: str) -> Iterator[str]:
    """Return the commands that stand in blocks, with those of a pipe or a list apart."""
    for _, block in _FENCE.findall(text):
        lines = block.splitlines()
        prompted = any(_PROMPT.match(line) for line in lines)
        while lines:
            line = lines.pop(0)
            if (prompted and not _PROMPT.match(line)) or line.startswith(" "):
                continue
            line = _COMMENT.sub("", _PROMPT.sub("", line))
            while lines and _goes_on(line):
                line = line.removesuffix("\\").rstrip() + " " + lines.pop(0).strip()
            yield from _of_line(line)


def _goes_on(line: str) -> bool:
    try:
        shlex.split(line)
    except ValueError:
        return True
    return line.endswith("\\")


def _of_line(line: str) -> Iterator[str]:
    """Return each of our programs' commands in a line, without what it is piped into."""
    for part in _split(line.replace("python3 -m adapter.cli", "orch-ansible")):
        program, _, rest = part.partition(" ")
        name = program.rpartition("/")[2]
        if name in PROGRAMS:
            yield f"{name} {rest}"


def _split(line: str) -> List[str]:
    lexer = shlex.shlex(line, posix=False, punctuation_chars="|;")
    lexer.whitespace_split = True
    lexer.commenters = ""
    parts: List[List[str]] = [[]]
    for word in lexer:
        if re.fullmatch("[|;]+", word):
            parts.append([])
        else:
            parts[-1].append(word)
    return [" ".join(part) for part in parts]


def inline(text: str) -> Iterator[str]:
    """Return the commands that stand between backquotes in sentences and tables."""
    for found in _INLINE.findall(_FENCE.sub("", text)):
        words = " ".join(found.split())
        if words.split(" ")[0] in PROGRAMS and words.count(" "):
            # A pipe that is part of a table stands for a choice, as one without spaces does.
            yield re.split(r" \| ", words.replace("\\|", "|"))[0]


def commands() -> List[Command]:
    """Return every command of the documents, each once."""
    found: Dict[Tuple[str, str, bool], Command] = {}
    for document, text in texts().items():
        for is_typed, given in ((True, typed(text)), (False, inline(text))):
            for line in given:
                found[document, line, is_typed] = Command(document, line, is_typed)
    return list(found.values())


def choices(words: Sequence[str]) -> List[List[str]]:
    """Return what a synopsis stands for: without brackets and dots, a command for each choice."""
    found: List[List[str]] = [[]]
    for word in words:
        bare = word.replace("[", "").replace("]", "").replace("...", "")
        if bare:
            found = [[*each, choice] for each in found for choice in bare.split("|")]
    return found
