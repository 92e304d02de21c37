"""The login at AWX is kept by the monitors and lies in a file of its own."""

from __future__ import annotations

import errno
import logging
import stat
from pathlib import Path

import pytest

from adapter.errors import AdapterError, NotKept
from adapter.mgr.awx_login import CA, TOKEN, AwxFiles
from adapter.mgr.store import MonStore
from tests.awx.fixtures import certificate
from tests.unit.mgr.fake_mon import PREFIX, Manager, MonKeys

SECRET = "canary-token-of-awx"


@pytest.fixture
def keys() -> MonKeys:
    return MonKeys()


@pytest.fixture
def files(keys: MonKeys, tmp_path: Path) -> AwxFiles:
    return AwxFiles(MonStore(Manager(keys)), tmp_path)


def test_a_token_is_kept_and_written_to_a_private_file(keys: MonKeys, files: AwxFiles) -> None:
    files.place()
    assert files.token_file == ""
    files.set_token(f"{SECRET}\n")
    files.place()
    path = Path(files.token_file)
    assert keys.values[PREFIX + TOKEN] == SECRET
    assert path.read_text() == f"{SECRET}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files.set_token(None)
    files.place()
    assert (files.token_file, path.exists(), keys.values) == ("", False, {})


def test_another_manager_has_the_same_login(keys: MonKeys, files: AwxFiles, tmp_path: Path) -> None:
    files.set_token(SECRET)
    other = AwxFiles(MonStore(Manager(keys)), tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.place()
    assert Path(other.token_file).read_text().strip() == SECRET


@pytest.mark.parametrize("text", ["", "two\nlines", "caf\u00e9", "x" * 9000])
def test_what_is_no_token_is_refused_and_not_shown(
    keys: MonKeys, files: AwxFiles, text: str
) -> None:
    with pytest.raises(AdapterError, match="does not hold a login") as caught:
        files.set_token(text)
    assert keys.values == {}
    assert not text or text not in str(caught.value)


def test_a_token_that_is_not_kept_is_in_no_message(
    keys: MonKeys, files: AwxFiles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    keys.refuse = lambda prefix, key: errno.EACCES
    with pytest.raises(NotKept) as caught:
        files.set_token(SECRET)
    assert SECRET not in str(caught.value) + caplog.text


def test_a_certificate_is_looked_at(keys: MonKeys, files: AwxFiles, tmp_path: Path) -> None:
    text = certificate(tmp_path)[0].read_text()
    files.set_ca(text)
    files.place()
    assert Path(files.ca_file).read_text() == text
    with pytest.raises(AdapterError, match="has no certificate"):
        files.set_ca("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    assert keys.values[PREFIX + CA] == text
    files.set_ca(None)
    files.place()
    assert files.ca_file == ""


def test_a_login_that_cannot_be_written_is_not_said_to_be_missing(
    keys: MonKeys, files: AwxFiles, tmp_path: Path
) -> None:
    """It is written as soon as that can be done."""
    files.set_token(SECRET)
    (tmp_path / "awx").write_text("in the way")
    files.place()
    assert files.problem.startswith(f"The file {tmp_path}/awx/token for the login at AWX cannot")
    assert SECRET not in files.problem
    (tmp_path / "awx").unlink()
    files.place()
    assert (files.problem, Path(files.token_file).read_text()) == ("", f"{SECRET}\n")
