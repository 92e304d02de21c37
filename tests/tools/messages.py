"""Write the list of what operators may read: ``make docs-tables``.

``python -m tests.tools.messages`` writes ``tests/unit/messages/messages.txt``; with ``--check`` it
writes nothing and fails when the list is old (``make docs-check``). The list is made of the code:
every error of ours as its class words it, and every other text of two words or more that may become
part of an answer, a reason, a warning or a log. What is put into a text stands there as ``{name}``,
what it says or not, or one way or the other, as ``[this | that]``. Help texts and commands are left
out.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set

import yaml

from adapter import errors
from adapter.errors import AdapterError
from tests.tools.ceph_commands import recorded
from tests.tools.documents import ROOT

LIST = ROOT / "tests" / "unit" / "messages" / "messages.txt"
WRITTEN_BY = "make docs-tables"
HEAD = f"# Made of the code by `{WRITTEN_BY}`: what operators may read, by the file's noun.\n"

_ERRORS = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, AdapterError)
}
# What is given to these, or stands in these names, is help, documentation or no text for people.
_NO_MESSAGES = {"help", "desc", "description", "short_help", "epilog", "prefix", "metavar", "perm"}
_NO_CALLS = {"compile", "search", "match", "sub", "fullmatch", "findall", "startswith", "endswith"}
_NO_CALLS |= {"debug", "option", "argument", "TypeVar", "NewType", "cast", "getenv"}
_NO_NAMES = {"DOCUMENTATION", "EXAMPLES", "RETURN", "__all__", "__slots__"}
# As the monitors are asked them, and as this backend answers them.
_COMMANDS = {" ".join(command.words) for command in recorded()}
_WORD = re.compile(r"[(\"'`]?[A-Za-z][A-Za-z'-]*[)\"'`]?[.,;:?!]*")
_CODE = re.compile(
    r"\\[a-zS.]|\(\?|\$[{(]|^[-#/<\"]|^%\(|^(?:Optional|Union)\["
    r"|^(?:import|sudo|allow|profile|caps) "
    r"|^[A-Z][a-z]+(?:[A-Z][a-z]+)+ (?:yes|no|none|auto|publickey)$"
)


class Words:
    """The texts of a file: what stands in an expression, with names for what is put in."""

    def __init__(self, constants: Mapping[str, str]) -> None:
        self._constants = constants

    def of(self, node: Optional[ast.AST]) -> Optional[str]:
        """Return the text of an expression, or nothing when it is none."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part(each) for each in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.of(node.left), self.of(node.right)
            if left is None and right is None:
                return None
            return self._or_name(left, node.left) + self._or_name(right, node.right)
        if isinstance(node, ast.IfExp):
            return self._choice([node.body, node.orelse])
        if isinstance(node, ast.BoolOp):
            return self._choice(node.values)
        if isinstance(node, ast.Name):
            return self._constants.get(node.id)
        return None

    def shown(self, node: ast.AST) -> str:
        """Return the text of an expression, or the name of what it stands for in braces."""
        return self._or_name(self.of(node), node)

    def _part(self, node: ast.AST) -> str:
        if isinstance(node, ast.FormattedValue):
            return self.shown(node.value)
        return self.of(node) or ""

    def _or_name(self, text: Optional[str], node: ast.AST) -> str:
        return f"{{{name_of(node)}}}" if text is None else text

    def _choice(self, nodes: List[ast.expr]) -> Optional[str]:
        if all(self.of(node) is None for node in nodes):
            return None
        texts = [self.shown(node) for node in nodes]
        said = [text for text in texts if text]
        return f"[{said[0]}]" if len(said) == 1 < len(texts) else f"[{' | '.join(said)}]"


def name_of(node: Optional[ast.AST]) -> str:
    """Return a short name for what an expression stands for."""
    if isinstance(node, ast.Name):
        return node.id.strip("_")
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Call):
        # `shown(name)`, `", ".join(names)`, `change.describe()`
        return name_of(node.args[0] if node.args else node.func)
    if isinstance(node, ast.Subscript):
        where = node.slice
        is_key = isinstance(where, ast.Constant) and isinstance(where.value, str)
        return where.value if is_key else name_of(node.value)  # type: ignore[attr-defined]
    if isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp)):
        return name_of(node.generators[0].iter)
    if isinstance(node, (ast.BinOp, ast.Starred, ast.UnaryOp, ast.Compare)):
        inner = next(ast.iter_child_nodes(node))
        return name_of(inner)
    if isinstance(node, (ast.IfExp, ast.BoolOp)):
        return name_of(node.body if isinstance(node, ast.IfExp) else node.values[0])
    return "..."


def is_message(text: str) -> bool:
    """Tell whether people are meant to read a text: it has two words and is no command."""
    if _CODE.search(text) or text in _COMMANDS:
        return False
    words = re.sub(r"\{[^{}]*\}|%[sdr]", " ", text).split()
    return sum(bool(_WORD.fullmatch(word)) for word in words) >= 2


class Messages(ast.NodeVisitor):
    """Collect the messages of a file."""

    def __init__(self, words: Words) -> None:
        self.found: Set[str] = set()
        self._words = words
        self._around = ""

    def generic_visit(self, node: ast.AST) -> None:
        """Take an expression that is a text, or look into it."""
        text = self._words.of(node) if isinstance(node, ast.expr) else None
        if text is None or isinstance(node, ast.Name):
            super().generic_visit(node)
            return
        self._take(text)
        self._look_into(node, text)

    def visit_Call(self, node: ast.Call) -> None:
        """Take an error of ours as its class words it."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name_of(node.func)
        if name in _NO_CALLS:
            return
        text = self._sentence(node) if name in _ERRORS else None
        if text is None:
            super().generic_visit(node)
            return
        self._take(text)
        for each in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self._look_into(each, text)
            if self._words.of(each) is None:
                self.visit(each)

    def visit_keyword(self, node: ast.keyword) -> None:
        """Leave out help texts."""
        if node.arg not in _NO_MESSAGES:
            self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Leave out docstrings."""
        if not isinstance(node.value, ast.Constant):
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Leave out what documents a module."""
        if not any(isinstance(each, ast.Name) and each.id in _NO_NAMES for each in node.targets):
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Leave out annotations."""
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """Leave out annotations."""

    def visit_Dict(self, node: ast.Dict) -> None:
        """Leave out keys, and commands of the monitors."""
        for key, value in zip(node.keys, node.values):
            name = key.value if isinstance(key, ast.Constant) else None
            if name not in _NO_MESSAGES:
                self.visit(value)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Leave out what something is compared with."""

    def _look_into(self, node: ast.AST, text: str) -> None:
        """Take the texts inside of one that are not part of it already."""
        outer, self._around = self._around, text
        super().generic_visit(node)
        self._around = outer

    def _take(self, text: str) -> None:
        text = " ".join(text.split())
        if is_message(text) and text not in " ".join(self._around.split()):
            self.found.add(text)

    def _sentence(self, node: ast.Call) -> Optional[str]:
        cls = _ERRORS[name_of(node.func)]
        if any(isinstance(each, ast.Starred) for each in node.args):
            return None
        signature = inspect.signature(cls)
        try:
            given = signature.bind(
                *node.args, **{str(each.arg): each.value for each in node.keywords}
            )
        except TypeError:
            return None
        values: Dict[str, Any] = {}
        for name, value in given.arguments.items():
            kind = str(signature.parameters[name].annotation)
            if kind == "int":
                # A number of bytes; the status of an error is not read.
                values[name] = 0
            elif "Sequence" in kind:
                values[name] = [f"{{{name_of(value)}}}"]
            else:
                values[name] = self._words.shown(value)
        return str(cls(**values))


def constants_of(tree: ast.Module) -> Dict[str, str]:
    """Return the texts that have a name in a file."""
    found: Dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = Words(found).of(node.value)
            if text is not None:
                found[node.targets[0].id] = text
    return found


def messages_of(source: str) -> Set[str]:
    """Return the messages in a Python text."""
    tree = ast.parse(source)
    found = Messages(Words(constants_of(tree)))
    found.visit(tree)
    return found.found


def _of_role(source: str) -> Iterator[str]:
    def look(node: Any) -> Iterator[str]:
        for key, value in node.items() if isinstance(node, dict) else ():
            if key in ("msg", "fail_msg") and isinstance(value, str):
                yield " ".join(re.sub(r"\{\{\s*(\w+).*?\}\}", r"{\1}", value).split())
            yield from look(value)
        for each in node if isinstance(node, list) else ():
            yield from look(each)

    yield from look(yaml.safe_load(source))


def noun_of(path: Path) -> str:
    """Return what a file is about."""
    if path.suffix == ".yml":
        return path.parents[1].name
    name = path.parent.name if path.stem.startswith("__") else path.stem
    return name.strip("_")


def collected(root: Path = ROOT) -> Dict[str, Dict[str, Set[str]]]:
    """Return the messages by noun and file."""
    found: Dict[str, Dict[str, Set[str]]] = {}
    files = [path for part in ("adapter", "plugins") for path in (root / part).rglob("*.py")]
    for path in [*files, *(root / "roles").glob("*/tasks/*.yml")]:
        text = path.read_text(encoding="utf-8")
        said = messages_of(text) if path.suffix == ".py" else set(_of_role(text))
        if said:
            found.setdefault(noun_of(path), {})[str(path.relative_to(root))] = said
    return found


@functools.lru_cache(maxsize=1)
def written(root: Path = ROOT) -> str:
    """Return the list. The code is read once."""
    lines = [HEAD]
    for noun, files in sorted(collected(root).items()):
        lines.append(f"\n## {noun}: {', '.join(sorted(files))}\n\n")
        lines += (f"{each}\n" for each in sorted(set().union(*files.values()), key=_order))
    return "".join(lines)


def _order(text: str) -> Any:
    return text.lower(), text


def is_old(path: Path = LIST) -> bool:
    """Tell whether the list is not what the code says."""
    return not path.is_file() or path.read_text(encoding="utf-8") != written()


def main(arguments: List[str], path: Path = LIST) -> int:
    """Write the list, or fail when it is old."""
    if not is_old(path):
        return 0
    if "--check" in arguments:
        print(f"{path.name} is old: run {WRITTEN_BY}", file=sys.stderr)
        return 1
    path.write_text(written(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
