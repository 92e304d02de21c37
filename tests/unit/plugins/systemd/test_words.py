"""A command comes out of a unit's file as it was."""

from __future__ import annotations

import pytest

from plugins.module_utils.systemd.words import unit_words


@pytest.mark.parametrize(
    ("argv", "written"),
    [
        (["/usr/bin/a", "--b=:9100"], "/usr/bin/a --b=:9100"),
        (["a", "--x=^/(dev|run)($|/)"], 'a "--x=^/(dev|run)($$|/)"'),
        (["a", "100%"], 'a "100%%"'),
        (["a", 'say "b" \\ c'], 'a "say \\"b\\" \\\\ c"'),
        (["a", ""], 'a ""'),
        (["a", ";"], 'a ";"'),
    ],
)
def test_words(argv: list[str], written: str) -> None:
    assert unit_words(argv) == written
