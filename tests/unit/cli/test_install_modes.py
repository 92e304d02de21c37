"""What `mgr install` makes belongs to who installed it, whatever the umask; the next one mends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from adapter.cli import mgr_files
from adapter.cli.place import CONTENT, MODULE, Place
from adapter.cli.tree import Item, Tree
from tests.unit.cli.door import Door
from tests.unit.modes import UMASKS, modes, umask


@pytest.fixture
def host(door: Door) -> Path:
    """Return the root of a host without anything on it."""
    path = door.directory / "machine"
    path.mkdir()
    return path


def wanted(host: Path) -> Dict[str, int]:
    """Return the modes that everything on the host shall have."""
    special = {"var/lib/ceph/orch-ansible": 0o700, ".": modes(host)["."]}
    found = {}
    for path in [host, *host.rglob("*")]:
        name = str(path.relative_to(host))
        if not path.is_symlink():
            runs = path.is_dir() or name.endswith("/bin/orch-ansible")
            found[name] = special.get(name, 0o755 if runs else 0o644)
    return found


@pytest.mark.parametrize("mask", UMASKS)
def test_every_mode_is_set_and_none_comes_from_the_umask(door: Door, host: Path, mask: int) -> None:
    with umask(mask):
        door.run("mgr", "install")

    assert modes(host) == wanted(host)
    assert {path.lstat().st_uid for path in host.rglob("*")} == {os.geteuid()}
    assert door.run("mgr", "install").stdout == "Nothing changed\n"


CONTENT_HERE = CONTENT.lstrip("/")
WRONG: Dict[str, Callable[[Path], Any]] = {
    "a directory of the package": lambda host: (host / CONTENT_HERE / "adapter/mgr").chmod(0o777),
    "a directory that others may not enter": lambda host: (host / CONTENT_HERE / "playbooks").chmod(
        0o700
    ),
    "the whole tree": lambda host: (host / CONTENT_HERE).chmod(0o777),
    "a file": lambda host: (host / CONTENT_HERE / "adapter/core.py").chmod(0o666),
    "the manifest": lambda host: (host / CONTENT_HERE / "installed.json").chmod(0o666),
    "the command": lambda host: (host / CONTENT_HERE / "bin/orch-ansible").chmod(0o777),
    "the module's directory": lambda host: (host / MODULE.lstrip("/")).chmod(0o777),
    "the module's file": lambda host: (host / MODULE.lstrip("/") / "module.py").chmod(0o666),
    "the state": lambda host: (host / "var/lib/ceph/orch-ansible").chmod(0o777),
    "a directory above the content": lambda host: (host / "usr/share").chmod(0o777),
    "a directory above the module": lambda host: (host / "usr/share/ceph/mgr").chmod(0o700),
    "a directory above the command": lambda host: (host / "usr/local/bin").chmod(0o777),
    "a directory above the state": lambda host: (host / "var/lib/ceph").chmod(0o777),
    "a directory of byte code": lambda host: byte_code(host).parent.chmod(0o777),
    "byte code": lambda host: byte_code(host).chmod(0o666),
    "byte code that is a link": lambda host: byte_code(host).with_name("x.pyc").symlink_to("/nope"),
    "a link instead of the byte code": lambda host: (
        host / CONTENT_HERE / "adapter/mgr/__pycache__"
    ).symlink_to("/nope"),
}


def byte_code(host: Path) -> Path:
    """Let a Python that runs there have written byte code; return its file."""
    path = host / CONTENT_HERE / "adapter/cli/__pycache__/app.pyc"
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.write_bytes(b"code of somebody")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("case", WRONG)
def test_what_is_open_is_closed_by_the_next_install_which_says_so(
    door: Door, host: Path, case: str
) -> None:
    door.run("mgr", "install")
    WRONG[case](host)
    before = modes(host)

    predicted = door.run("mgr", "install", "--check").stdout
    assert predicted.startswith("would "), "the change is predicted"
    assert modes(host) == before
    done = door.run("mgr", "install").stdout
    assert [f"would {line}" for line in done.splitlines()] == predicted.splitlines()
    assert modes(host) == wanted(host)
    assert not (host / CONTENT_HERE / "adapter/mgr/__pycache__").is_symlink()
    assert door.run("mgr", "install").stdout == "Nothing changed\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    "name", ["adapter/cli/app.py", "adapter", "adapter/cli/__pycache__/app.pyc"]
)
def test_what_belongs_to_somebody_else_is_replaced(door: Door, host: Path, name: str) -> None:
    """The .pyc of another user would run as root, whatever modes it has now."""
    door.run("mgr", "install")
    byte_code(host)
    os.chown(host / CONTENT_HERE / name, 1234, 1234)

    assert "would " in door.run("mgr", "install", "--check").stdout
    assert "Nothing changed" not in door.run("mgr", "install").stdout
    assert {path.lstat().st_uid for path in host.rglob("*")} == {0}
    assert not list(host.rglob("*.pyc"))
    assert door.run("mgr", "install").stdout == "Nothing changed\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_state_directory_that_was_open_and_holds_files_of_others_is_refused(
    door: Door, host: Path
) -> None:
    """Ceph's user would follow the ssh_config of whoever came first."""
    door.run("mgr", "install")
    state = host / "var/lib/ceph/orch-ansible"
    (state / "ssh_config").write_text("ProxyCommand /tmp/mine\n")
    os.chown(state / "ssh_config", 1234, 1234)
    assert door.run("mgr", "install").stdout == "Nothing changed\n", "nobody but root put it there"
    state.chmod(0o777)

    assert "ssh_config" in door.refused("mgr", "install", status=1)
    assert "ssh_config" in door.refused("mgr", "install", "--check", status=1)
    (state / "ssh_config").unlink()
    door.run("mgr", "install")
    assert state.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mask", UMASKS)
def test_byte_code_is_there_for_every_directory_so_that_nobody_else_makes_it(
    tmp_path: Path, mask: int
) -> None:
    place = Place()
    items = {
        name: Item(b"x = 1\n")
        for name in ("adapter/a.py", "plugins/modules/b.py", "plugins/c.py", "roles/d.yml")
    }
    tree = Tree(tmp_path / "tree")

    with umask(mask):
        tree.put(items, {}, lambda made: mgr_files.precompile(place, made, tree, sys.executable))

    found = modes(tmp_path / "tree")
    caches = [name for name in found if name.endswith("__pycache__")]
    assert sorted(caches) == [
        f"{where}/__pycache__" for where in ("adapter", "plugins", "plugins/modules")
    ]
    assert {mode for name, mode in found.items() if name.endswith(".pyc")} == {0o644}
    assert {found[name] for name in caches} == {0o755}
    assert tree.differences(items, {}) == []


def test_the_command_writes_no_byte_code(door: Door, host: Path) -> None:
    door.run("mgr", "install")
    text = (host / CONTENT_HERE / "bin/orch-ansible").read_text()

    assert text.splitlines()[0] == "#!/usr/bin/python3 -IB"
