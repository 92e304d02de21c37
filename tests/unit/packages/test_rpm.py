"""The RPM holds the same files; it was installed on no EL host."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from adapter import __version__
from adapter.cli.place import CONTENT, MODULE, content_items, module_items
from packages import rpm

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not here")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rpm.build(tmp_path_factory.mktemp("dist"))


def ask(package: Path, *words: str) -> str:
    argv = ["rpm", "-q", *words, "-p", str(package)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_it_holds_module_content_and_command(package: Path) -> None:
    text = ask(package, "--qf", "[%{FILENAMES}\t%{FILEMODES:perms}\t%{FILEUSERNAME}\n]")
    rows = [line.split("\t") for line in text.splitlines()]
    files = {name for name, mode, _ in rows if mode[0] != "d" and "/share/doc/" not in name}
    files = {name for name in files if not name.startswith("/usr/share/man/man1/orch-ansible")}

    wanted = {f"{CONTENT}/{name}" for name in (*content_items(), "installed.json")}
    wanted |= {f"{MODULE}/{name}" for name in (*module_items(), "installed.json")}
    assert files == wanted | {
        "/usr/bin/orch-ansible",
        "/usr/share/bash-completion/completions/orch-ansible",
        "/usr/share/fish/vendor_completions.d/orch-ansible.fish",
        "/usr/share/zsh/site-functions/_orch-ansible",
    }
    assert {user for _, _, user in rows} == {"root"}
    for name, mode, _ in rows:
        runs = mode[0] == "d" or name == f"{CONTENT}/bin/orch-ansible"
        assert mode[0] == "l" or mode[1:] == ("rwxr-xr-x" if runs else "rw-r--r--"), name


def test_it_says_what_it_needs(package: Path) -> None:
    needed = ask(package, "--requires").split("\n")

    assert {"ceph-mgr", "openssh-clients", "python3-pyyaml"} <= set(needed)
    assert ask(package, "--qf", "%{NAME} %{VERSION} %{ARCH}") == (
        f"ceph-mgr-ansible {__version__} noarch"
    )


def test_its_scripts_name_the_interpreter(package: Path) -> None:
    text = ask(package, "--scripts")

    assert rpm.PYTHON in text
    assert "%{" not in text


def test_it_is_the_same_when_it_is_built_again(package: Path, tmp_path: Path) -> None:
    assert rpm.build(tmp_path).read_bytes() == package.read_bytes()
