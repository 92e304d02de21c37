"""Which package a file is, and what a host would do with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.module_utils.host import backend_tree
from plugins.module_utils.host.backend_package import BackendPackage
from plugins.module_utils.system.package_manager import PackagesRefused
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FILE = "ceph-mgr-ansible_0.2.0-1_all.deb"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a manager's host with Debian."""
    place = only_programs_of(tmp_path, monkeypatch)
    for name in ("ceph-mgr", "dpkg-query"):
        (place / name).write_text("#!/bin/sh\n")
        (place / name).chmod(0o755)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    return Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


def has(tmp_path: Path, said: str) -> None:
    """Have dpkg say something of the package."""
    (tmp_path / "bin/dpkg-query").write_text(f"#!/bin/sh\nprintf '{said}'\n")


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("ii  0.2.0-1", ""),
        ("ii  0.1.0-1", "replace the package ceph-mgr-ansible 0.1.0-1 by 0.2.0-1"),
        ("rc  0.2.0-1", "install the package ceph-mgr-ansible 0.2.0-1"),
        ("", "install the package ceph-mgr-ansible 0.2.0-1"),
    ],
)
def test_what_is_there_decides(host: Roots, tmp_path: Path, said: str, change: str) -> None:
    has(tmp_path, said)

    assert BackendPackage(host, FILE).change == change


@pytest.mark.parametrize(
    "name",
    [
        "ceph-mgr-ansible.deb",
        "other_1.0_all.deb",
        "ceph-mgr-ansible-0.2.0-1.noarch.rpm",
        "-ceph-mgr-ansible_0.2.0-1_all.deb",
        "ceph-mgr-ansible_$(id)_all.deb",
    ],
)
def test_another_file_is_refused(host: Roots, name: str) -> None:
    with pytest.raises(PackagesRefused, match="under the name that it has"):
        BackendPackage(host, name)


def test_a_host_without_a_manager_is_refused(host: Roots, tmp_path: Path) -> None:
    """The package would bring one."""
    (tmp_path / "bin/ceph-mgr").unlink()

    with pytest.raises(PackagesRefused, match="no ceph-mgr on this host"):
        BackendPackage(host, FILE)


def test_a_tree_that_no_package_brought_is_seen(tmp_path: Path) -> None:
    tree = tmp_path / "tree"

    assert backend_tree.is_packaged(str(tree)), "there is none"
    tree.mkdir()
    (tree / "installed.json").write_text('{"python": "/bin/sh"}')
    assert not backend_tree.is_packaged(str(tree))
    assert backend_tree.interpreter_of(str(tree)) == "/bin/sh"
    (tree / "installed.json").write_text('{"package": "ceph-mgr-ansible", "python": "/gone"}')
    assert backend_tree.is_packaged(str(tree))
    assert backend_tree.interpreter_of(str(tree)) == "/usr/bin/python3"


def environment(tmp_path: Path) -> Path:
    """Make what is known of a virtual environment; return its interpreter."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "venv/bin/python").symlink_to("/bin/sh")
    return tmp_path / "venv/bin/python"


def test_a_host_prepared_as_the_controller_was_runs_playbooks_with_the_same(
    tmp_path: Path,
) -> None:
    """A second manager on Debian 12 was seen without a backend: its own Ansible is too old."""
    python, tree = environment(tmp_path), tmp_path / "tree"

    assert backend_tree.interpreter_of(str(tree), str(python)) == str(python)
    tree.mkdir()
    (tree / "installed.json").write_text('{"python": "/bin/sh"}')
    assert backend_tree.interpreter_of(str(tree), str(python)) == "/bin/sh"


@pytest.mark.parametrize("change", ["no environment", "of another user", "not there", "none"])
def test_any_other_interpreter_of_the_controller_is_left_alone(change: str, tmp_path: Path) -> None:
    python = environment(tmp_path)
    if change == "no environment":
        (tmp_path / "venv/pyvenv.cfg").unlink()
    elif change == "of another user":
        os.chown(tmp_path / "venv/bin", 1, 1)
    elif change == "not there":
        python.unlink()
    named = "" if change == "none" else str(python)

    assert backend_tree.interpreter_of(str(tmp_path / "tree"), named) == "/usr/bin/python3"
