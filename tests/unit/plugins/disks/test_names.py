"""What the links below /dev lead to: one case, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.disks.block import own_blocks
from plugins.module_utils.disks.names import read_links
from tests.unit.plugins.tree import Tree, case_files, load


@pytest.mark.parametrize("path", case_files("names"), ids=lambda path: path.stem)
def test_links(path: Path, tmp_path: Path) -> None:
    case = load(path)
    roots = Tree(tmp_path, case["tree"]).roots

    assert read_links(roots, own_blocks(roots)) == case["expect"]
