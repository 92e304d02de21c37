"""The Debian package holds what `mgr install` would make, and the two leave each other alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

from adapter import __version__
from adapter.cli import mgr_files
from adapter.cli.ceph import Ceph
from adapter.cli.place import CONTENT, MODULE, Place, content_items, module_items
from packages import deb
from tests.unit.cli.door import Door
from tests.unit.modes import modes, umask

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not here")
LINE = re.compile(r"(\S+) (\S+) +\d+ \S+ \S+ \./(.*)")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package, built under a umask that would close everything."""
    with umask(0o077):
        return deb.build(deb.PLAIN, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root of a host on which the package is."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    return root


@pytest.fixture
def host(door: Door, unpacked: Path) -> Path:
    """Return a host of one's own on which the package is."""
    root = door.directory / "machine"
    shutil.copytree(unpacked, root, symlinks=True)
    return root


def field(package: Path, name: str) -> str:
    argv = ["dpkg-deb", "-f", str(package), name]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def rows(package: Path) -> Dict[str, List[str]]:
    """Return mode and owner of what is in the package."""
    argv = ["dpkg-deb", "-c", str(package)]
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found[match[3].split(" -> ")[0]] = [match[1], match[2]]
    return found


def test_it_holds_module_content_command_and_documents(package: Path) -> None:
    found = {name for name in rows(package) if not name.endswith("/") and name}
    content = CONTENT.lstrip("/")
    wanted = {f"{content}/{name}" for name in (*content_items(), "installed.json")}
    wanted |= {f"{MODULE.lstrip('/')}/{name}" for name in (*module_items(), "installed.json")}
    pages = {name for name in found if name.startswith("usr/share/man/man1/orch-ansible")}
    documents = {name for name in found if name.startswith("usr/share/doc/ceph-mgr-ansible/")}

    assert found - documents - pages == wanted | {
        "usr/bin/orch-ansible",
        "usr/share/bash-completion/completions/orch-ansible",
        "usr/share/fish/vendor_completions.d/orch-ansible.fish",
        "usr/share/zsh/vendor-completions/_orch-ansible",
        "usr/share/lintian/overrides/ceph-mgr-ansible",
    }
    assert "usr/share/man/man1/orch-ansible-mgr-install.1.gz" in pages
    short = {name.removeprefix("usr/share/doc/ceph-mgr-ansible/") for name in documents}
    assert {
        "copyright",
        "changelog.gz",
        "changelog.Debian.gz",
        "README.md",
        "docs/install.md",
    } <= short
    assert field(package, "Version") == f"{__version__}-1"


def test_all_is_roots_and_open_to_read(package: Path) -> None:
    for name, (mode, owner) in rows(package).items():
        assert owner == "root/root", name
        runs = name.endswith(("/", "bin/orch-ansible")) or not name
        assert mode[1:] == ("rwxrwxrwx" if mode[0] == "l" else "rwxr-xr-x" if runs else "rw-r--r--")


def test_it_is_the_same_when_it_is_built_again(package: Path, tmp_path: Path) -> None:
    assert deb.build(deb.PLAIN, tmp_path).read_bytes() == package.read_bytes()


def test_the_manifest_names_the_package(unpacked: Path) -> None:
    for place in (CONTENT, MODULE):
        data = json.loads((unpacked / place.lstrip("/") / "installed.json").read_text())
        assert (data["package"], data["package_manager"]) == ("ceph-mgr-ansible", "apt")
        assert data["python"] == "/usr/bin/python3"


def test_the_scripts_are_shell_and_nothing_is_left_to_fill_in(
    package: Path, tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "-e", str(package), str(tmp_path)], check=True)

    for name in deb.SCRIPTS:
        path = tmp_path / name
        assert path.stat().st_mode & 0o777 == 0o755
        assert not re.search(r"@[A-Z]+@", path.read_text())
        subprocess.run(["sh", "-n", str(path)], check=True)


def test_the_dependencies_are_those_that_the_installation_asks_for(package: Path) -> None:
    from adapter.cli.needs import NEEDED

    depends = field(package, "Depends")
    for _, _, least, name in NEEDED:
        assert (f"{name} (>= {least})" if least else name) in depends
    assert "ceph-mgr" in depends


def test_install_makes_only_the_state_directory(door: Door, host: Path) -> None:
    before = modes(host)

    said = door.run("mgr", "install").stdout

    state = host / "var/lib/ceph/orch-ansible"
    assert said == f"make {state} (belongs to ceph, 0700)\n"
    assert state.stat().st_mode & 0o777 == 0o700
    assert {name: mode for name, mode in modes(host).items() if name in before} == before
    assert not (host / "usr/local").exists()
    assert door.run("mgr", "install").stdout == "Nothing changed\n"


def test_another_version_is_refused_with_the_remedy(door: Door, host: Path) -> None:
    (host / CONTENT.lstrip("/") / "ansible.cfg").write_text("older")
    before = modes(host)

    words = door.refused("mgr", "install", status=1)

    assert "belongs to the package ceph-mgr-ansible" in words
    assert "apt remove ceph-mgr-ansible" in words
    assert modes(host) == before


@pytest.mark.parametrize("more", [("--python", "/opt/x/bin/python"), ("--state-dir", "/srv/x")])
def test_another_interpreter_or_state_is_refused(door: Door, host: Path, more: List[str]) -> None:
    words = door.refused("mgr", "install", *more, status=1)

    assert "which is made for" in words
    assert "apt remove ceph-mgr-ansible" in words


def test_uninstall_is_refused_and_purge_leaves_the_files(door: Door, host: Path) -> None:
    door.run("mgr", "install")
    assert "apt remove ceph-mgr-ansible" in door.refused("mgr", "uninstall", status=1)
    before = modes(host)

    said = door.run("mgr", "uninstall", "--purge").stdout

    assert "keep the files of the package ceph-mgr-ansible" in said
    assert {
        name: mode for name, mode in before.items() if "var/lib/ceph/orch" not in name
    } == modes(host)


def test_status_names_the_package(door: Door, host: Path) -> None:
    door.ceph = Ceph("/nope/ceph")

    text = door.run("mgr", "status").stdout

    assert f"Installed here   {__version__} from the package ceph-mgr-ansible, as this" in text
    assert "Interpreter      /usr/bin/python3" in text


def test_a_host_says_that_the_backend_of_the_package_is_whole(unpacked: Path) -> None:
    from plugins.module_utils.host.backend_state import read_backend

    said = read_backend(str(unpacked / "usr"))

    assert said is not None
    assert said["lacks"] == ""
    assert said["python"] == "/usr/bin/python3"


def run_preinst(package: Path, tmp_path: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as dpkg does before it unpacks, with another root."""
    subprocess.run(["dpkg-deb", "-e", str(package), str(tmp_path / "control")], check=True)
    text = (tmp_path / "control/preinst").read_text().replace(" /usr/share", f" {root}/usr/share")
    return subprocess.run(
        ["sh", "-c", text, "preinst", "install"], capture_output=True, text=True, check=False
    )


def test_what_mgr_install_made_is_not_overwritten(package: Path, tmp_path: Path) -> None:
    root = tmp_path / "host"
    root.mkdir()
    assert run_preinst(package, tmp_path, root).returncode == 0
    mgr_files.install(Place(root=root))

    done = run_preinst(package, tmp_path, root)

    assert done.returncode == 1
    assert "orch-ansible mgr uninstall" in done.stderr


def test_one_package_may_follow_another(package: Path, tmp_path: Path, unpacked: Path) -> None:
    assert run_preinst(package, tmp_path, unpacked).returncode == 0


def test_the_two_packages_do_not_stand_beside_each_other() -> None:
    assert "Conflicts: ceph-mgr-ansible" in deb.BUNDLED.relations
    assert deb.BUNDLED.is_bundled
    assert not deb.PLAIN.is_bundled
