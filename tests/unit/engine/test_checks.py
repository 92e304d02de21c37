"""What no job can be made of is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.engine.checks import check_request
from adapter.engine.model import Request
from adapter.errors import InvalidValue
from tests.unit.engine.harness import local


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "apply_mgr.yml").touch()
    return tmp_path


@pytest.mark.parametrize(
    "name", ["mgr.h1.keyring", "mgr.Node-A.keyring", "client.rgw.A_b.h1.xyz.keyring"]
)
def test_a_secret_may_be_called_like_a_daemon(content: Path, name: str) -> None:
    check_request(Request("apply_mgr", local("h1"), secrets={name: "x"}), content)


@pytest.mark.parametrize("name", ["", "../key", "a/b", ".hidden", "-e", "Key", "a b", "a\n"])
def test_a_secret_is_a_plain_file(content: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match="it is not a plain file name"):
        check_request(Request("apply_mgr", local("h1"), secrets={name: "x"}), content)
