"""The content of a wheel lacks the collection's links; the command makes a view that has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapter.cli import content


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a content as a wheel installs it."""
    root = tmp_path / "share"
    for name in content.PARTS:
        (root / name).mkdir(parents=True)
        (root / name / "file").write_text(name)
    return root


def test_a_view_is_made_beside_the_hosts(bare: Path, tmp_path: Path) -> None:
    view = content.usable_content(tmp_path / "dir", bare)

    assert view == tmp_path / "dir" / "content"
    assert (view / "playbooks/file").read_text() == "playbooks"
    assert (view / content.COLLECTION / "roles/file").read_text() == "roles"


def test_a_view_that_is_there_is_kept_and_follows_the_package(bare: Path, tmp_path: Path) -> None:
    view = content.usable_content(tmp_path, bare)
    inode = os.lstat(view / "roles").st_ino
    assert content.usable_content(tmp_path, bare) == view
    assert os.lstat(view / "roles").st_ino == inode

    content.usable_content(tmp_path, bare.rename(tmp_path / "newer"))

    assert (view / content.COLLECTION / "roles/file").read_text() == "roles"


def test_a_content_with_links_is_used_as_it_is(bare: Path, tmp_path: Path) -> None:
    for name, target in content.collection_links().items():
        (bare / name).parent.mkdir(parents=True, exist_ok=True)
        (bare / name).symlink_to(target)

    assert content.usable_content(tmp_path, bare) == bare
    assert not (tmp_path / "content").exists()
