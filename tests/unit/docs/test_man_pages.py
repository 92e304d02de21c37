"""The manual pages say of every verb what its help says, and a formatter takes them so."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from adapter.cli.app import root
from tests.tools.man_pages import DIRECTORY, commands, main, pages

COMMANDS = dict(commands(root))
MAKEFILE = Path(__file__).resolve().parents[3] / "Makefile"


def plain(page: str) -> str:
    """Return a page's source without what is the formatter's."""
    text = page.replace("\\-", "-").replace("\\(aq", "'").replace("\\&", "").replace("\\e", "\\")
    return " ".join(re.sub(r"(?m)^\.\w+ ?", "", text).split())


def test_every_verb_has_a_page() -> None:
    assert {name.removesuffix(".1") for name in pages()} == {"-".join(each) for each in COMMANDS}
    assert {"orch-ansible", "orch-ansible-host-label-add", "orch-ansible-mgr-enable"} <= {
        "-".join(each) for each in COMMANDS
    }


@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_it_says_what_the_help_says(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    page = plain(pages()[f"{'-'.join(words)}.1"])
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        said = " ".join(re.sub(r"Examples?:\n", "", paragraph.removeprefix("\b\n")).split())
        assert said in page
    context = click.Context(command, info_name=words[-1])
    for option in command.get_params(context):
        if isinstance(option, click.Option) and not option.hidden:
            assert max(option.opts, key=len) in page
            assert " ".join((option.help or "").split()) in page
    assert " ".join(command.collect_usage_pieces(context)) in page
    if isinstance(command, click.Group):
        assert set(command.list_commands(context)) <= set(page.split())
    for other in re.findall(r"(orch-ansible[a-z-]*) \(1\)", page.partition("SEE ALSO")[2]):
        assert f"{other}.1" in pages()


@pytest.mark.skipif(not shutil.which("groff"), reason="there is no groff here")
def test_a_formatter_takes_them(tmp_path: Path) -> None:
    main(tmp_path)
    files = sorted(str(path) for path in (tmp_path / "man1").iterdir())
    assert len(files) == len(COMMANDS)
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", *files],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_pages_of_verbs_that_are_no_more_go(tmp_path: Path) -> None:
    old, others = tmp_path / "man1/orch-ansible-gone.1", tmp_path / "man1/other.1"
    old.parent.mkdir()
    for path in (old, others):
        path.write_text("")
    main(tmp_path)
    assert not old.exists()
    assert others.exists()


def test_the_makefile_says_where_they_are() -> None:
    (line,) = re.findall(r"^## make man .*$", MAKEFILE.read_text(), re.M)
    assert line.endswith(f"{DIRECTORY.relative_to(MAKEFILE.parent)}/man1")
