"""``orch-ansible mgr install|uninstall|status`` into a root of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest

from adapter.cli import interpreter, mgr_files
from adapter.cli.ceph import Ceph
from adapter.cli.place import CONTENT, MODULE, Place, content_items, module_items
from adapter.errors import InvalidValue, NotReady
from adapter.installed import Installed, read_installed
from tests.unit.cli.door import Door

LINKS = "collections/ansible_collections/ceph_orch/ansible"


@pytest.fixture
def host(door: Door) -> Path:
    """Return the root of a host without anything on it."""
    path = door.directory / "machine"
    path.mkdir()
    return path


def content(host: Path) -> Path:
    return host / CONTENT.lstrip("/")


def module(host: Path) -> Path:
    return host / MODULE.lstrip("/")


def test_install_puts_package_content_links_module_and_state(door: Door, host: Path) -> None:
    result = door.run("mgr", "install")

    assert f"make {content(host)}" in result.stdout
    assert "mgr enable" in result.stderr, "it says what to do next"
    for name in ("adapter/mgr/module.py", "adapter/engine/worker.py", "ansible.cfg", "galaxy.yml"):
        assert (content(host) / name).is_file(), name
    for name in ("galaxy.yml", "meta", "playbooks", "plugins", "roles"):
        link = content(host) / LINKS / name
        assert not os.path.isabs(os.readlink(link))
        assert link.resolve() == content(host) / name
        assert link.exists()
    assert (host / "var/lib/ceph/orch-ansible").stat().st_mode & 0o777 == 0o700


def test_a_second_run_changes_nothing(door: Door, host: Path) -> None:
    door.run("mgr", "install")
    before = {path: path.lstat().st_mtime_ns for path in host.rglob("*")}

    assert door.run("mgr", "install").stdout == "Nothing changed\n"
    assert {path: path.lstat().st_mtime_ns for path in host.rglob("*")} == before


def test_a_check_only_says_what_would_be_done(door: Door, host: Path) -> None:
    assert "would make" in door.run("mgr", "install", "--check").stdout
    assert list(host.iterdir()) == []
    door.run("mgr", "install")
    assert "would remove" in door.run("mgr", "uninstall", "--check").stdout
    assert door.run("mgr", "install", "--check").stdout.startswith("Nothing to change")


def test_what_somebody_changed_is_put_right(door: Door, host: Path) -> None:
    door.run("mgr", "install")
    (content(host) / "ansible.cfg").write_text("")

    assert door.run("mgr", "install").stdout == f"change {content(host)}/ansible.cfg\n"
    assert (content(host) / "ansible.cfg").read_text()


def test_the_installed_package_installs_the_same(door: Door, host: Path) -> None:
    """What lies on a manager's host is whole: it can be copied on from there."""
    door.run("mgr", "install")
    other = door.directory / "other"
    other.mkdir()
    argv = [sys.executable, "-m", "adapter.cli", "mgr", "install", "--root", str(other)]
    environment = {**os.environ, "PYTHONPATH": str(content(host)), "PYTHONDONTWRITEBYTECODE": "1"}

    subprocess.run(argv, env=environment, check=True, capture_output=True, cwd=other)

    assert (
        json.loads((content(other) / "installed.json").read_text())["files"]
        == json.loads((content(host) / "installed.json").read_text())["files"]
    )


SCAN = """\
import sys
sys.path[:0] = sys.argv[2:]
import inspect
if sys.argv[1] == "another":
    import adapter
try:
    import ansible
except ImportError as error:
    print(error)
else:
    print([n for n, v in vars(ansible).items() if inspect.isclass(v)], ansible.Module.where)
    import adapter.late
    print(adapter.late.__file__, [path for path in sys.path if "orch" in path])
"""


def scan(door: Door, found: str) -> str:
    """Load the module as ceph-mgr does, with another project's package before ours on the path."""
    ours, other, modules = (door.directory / name for name in ("orch", "other", "modules"))
    for top, where in ((ours, "ours"), (other, "another's")):
        (top / "adapter" / "mgr").mkdir(parents=True)
        (top / "adapter" / "__init__.py").write_text("")
        (top / "adapter" / "late.py").write_text("")
        (top / "adapter" / "mgr" / "__init__.py").write_text("")
        (top / "adapter" / "mgr" / "module.py").write_text(
            f"class MgrModule: pass\nclass Module(MgrModule): where = {where!r}\n"
        )
    for name, item in module_items(str(ours)).items():
        (modules / "ansible").mkdir(parents=True, exist_ok=True)
        (modules / "ansible" / name).write_bytes(item.data)
    argv = [sys.executable, "-c", SCAN, found, str(modules), str(other)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_ceph_mgr_finds_one_class_and_nothing_of_ours_is_on_the_path(door: Door) -> None:
    """The first MgrModule in the package's namespace is the module (contract 2.11)."""
    assert scan(door, "ours").splitlines() == [
        "['Module'] ours",
        f"{door.directory}/orch/adapter/late.py []",
    ]


def test_a_package_of_the_same_name_that_is_loaded_already_is_named(door: Door) -> None:
    said = scan(door, "another")

    assert "another Python package adapter is loaded" in said
    assert str(door.directory / "other") in said


def test_uninstall_removes_exactly_what_install_made(door: Door, host: Path) -> None:
    (host / "usr/share/ceph/mgr/dashboard").mkdir(parents=True)
    door.run("mgr", "install")
    state = host / "var/lib/ceph/orch-ansible"
    (state / "ssh_config").write_text("")

    door.run("mgr", "uninstall")

    files = sorted(str(path.relative_to(host)) for path in host.rglob("*"))
    assert files == sorted(
        [
            *("usr", "usr/local", "usr/local/bin"),
            *("usr/share", "usr/share/ceph", "usr/share/ceph/mgr"),
            *("usr/share/ceph/mgr/dashboard", "var", "var/lib", "var/lib/ceph"),
            *("var/lib/ceph/orch-ansible", "var/lib/ceph/orch-ansible/ssh_config"),
        ]
    )
    assert door.run("mgr", "uninstall").stdout == "Nothing changed\n"
    assert "with all jobs and keys" in door.run("mgr", "uninstall", "--purge").stdout
    assert not state.exists()


def test_a_state_directory_of_its_own_is_remembered(door: Door, host: Path) -> None:
    """Also by the next installation, and by a manager, which reads it from there."""
    python = "/opt/py/bin/python"
    door.run("mgr", "install", "--state-dir", "/srv/orch", "--python", python)

    assert read_installed(content(host)) == Installed(python, "/srv/orch")
    assert (content(host) / "bin/orch-ansible").read_text().startswith(f"#!{python} -IB\n")
    assert (host / "srv/orch").is_dir()
    assert door.run("mgr", "install").stdout == "Nothing changed\n"
    door.ceph = Ceph("/nope/ceph")
    assert f"Interpreter      {python}" in door.run("mgr", "status").stdout
    door.run("mgr", "uninstall", "--purge")
    assert not (host / "srv/orch").exists()


@pytest.mark.parametrize("made", [MODULE, CONTENT])
def test_a_directory_that_install_did_not_make_is_refused(
    door: Door, host: Path, made: str
) -> None:
    (host / made.lstrip("/")).mkdir(parents=True)
    before = sorted(host.rglob("*"))

    for verb in ("install", "uninstall"):
        assert "was not made by" in door.refused("mgr", verb, status=1)
    assert sorted(host.rglob("*")) == before, "also the other directory is as it was"


@pytest.mark.parametrize(
    ("state", "words"),
    [("relative", "not an absolute path"), ("/a/../b", "not an absolute path")],
)
def test_a_wrong_state_directory(door: Door, host: Path, state: str, words: str) -> None:
    assert words in door.refused("mgr", "install", "--state-dir", state)
    assert list(host.iterdir()) == []


def test_a_state_directory_that_is_used_for_something_else(door: Door, host: Path) -> None:
    (host / "srv/data").mkdir(parents=True)
    (host / "srv/data/file").write_text("")
    (host / "srv/link").symlink_to("data")

    assert "other things" in door.refused("mgr", "install", "--state-dir", "/srv/data", status=1)
    assert "not a directory" in door.refused("mgr", "install", "--state-dir", "/srv/link", status=1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_state_belongs_to_ceph_of_that_root(door: Door, host: Path) -> None:
    (host / "etc").mkdir()
    (host / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nceph:x:167:168::/:/bin/false\n")

    door.run("mgr", "install")

    found = (host / "var/lib/ceph/orch-ansible").stat()
    assert (found.st_uid, found.st_gid) == (167, 168)
    os.chown(host / "var/lib/ceph/orch-ansible", 0, 0)
    assert "to ceph, 0700" in door.run("mgr", "install").stdout


def test_byte_code_is_made_for_the_final_place(tmp_path: Path) -> None:
    import marshal

    made = tmp_path / "made"
    (made / "adapter").mkdir(parents=True)
    (made / "adapter" / "__init__.py").write_text("x = 1\n")

    mgr_files.precompile(Place(), made, Place().content, sys.executable)

    (code,) = (made / "adapter").rglob("*.pyc")
    assert marshal.loads(code.read_bytes()[16:]).co_filename == f"{CONTENT}/adapter/__init__.py"


def test_missing_packages_are_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\necho 'ansible 2.14.18'\necho 'ansible_runner none: No module named x'\n"
        "echo 'yaml 6.0'\necho 'click 8.1.3'\n"
    )
    python.chmod(0o755)

    assert interpreter.missing_packages(str(python)) == [
        "ansible is 2.14.18, 2.17 is needed (package ansible-core)",
        "ansible_runner cannot be imported (No module named x; package python3-ansible-runner)",
    ]
    assert "cannot be run" in interpreter.missing_packages("/nope")[0]


def test_a_package_that_does_not_say_its_version_is_not_too_old(tmp_path: Path) -> None:
    """Debian 13's ansible-runner 2.4.1 calls itself 0.0.0."""
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\necho 'ansible 2.19.11'\necho 'ansible_runner 0.0.0'\n"
        "echo 'yaml 6.0'\necho 'click 8.1.8'\n"
    )
    python.chmod(0o755)

    assert interpreter.missing_packages(str(python)) == []


def test_this_python_has_what_is_needed() -> None:
    pytest.importorskip("ansible_runner")

    assert interpreter.missing_packages(sys.executable) == []


def test_a_host_without_ceph_mgr_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotReady, match="no ceph-mgr"):
        mgr_files.install(Place())


def test_everything_that_is_installed_is_a_file_of_ours() -> None:
    names = content_items()

    assert "adapter/cli/mgr_files.py" in names
    assert not [name for name in names if "__pycache__" in name or "/." in name]
    assert not [name for name in names if name.split("/")[0] in ("tests", "docs", "molecule")]


@pytest.mark.parametrize("below", [CONTENT, MODULE, "/var/lib/ceph/orch-ansible"])
@pytest.mark.parametrize("more", [(), ("--check",)])
def test_nothing_is_deleted_across_a_mount_point(
    door: Door,
    host: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    below: str,
    more: Tuple[str, ...],
) -> None:
    door.run("mgr", "install")
    (host / "var/lib/ceph/orch-ansible/ssh_config").write_text("")
    mounted = host / below.lstrip("/") / "a b"
    mounted.mkdir()
    table = tmp_path / "mountinfo"
    name = str(mounted).replace(" ", "\\040")
    table.write_text(f"36 22 8:16 / {name} rw,noatime master:1 - xfs /dev/sdb rw\n")
    monkeypatch.setattr("adapter.cli.mounts.MOUNTS", table)
    before = sorted(host.rglob("*"))

    words = door.refused("mgr", "uninstall", "--purge", *more, status=1)

    assert f"{mounted} is mounted below it" in words
    assert f"umount '{mounted}'" in words
    assert sorted(host.rglob("*")) == before


def test_without_what_it_needs_the_command_says_what_is_missing(tmp_path: Path) -> None:
    """In one line, before any of it is imported."""
    for name in ("click", "ansible", "ansible_runner"):
        (tmp_path / f"{name}.py").write_text("")
    script = (
        "import sys, importlib.machinery as m; find = m.PathFinder.find_spec; "
        "m.PathFinder.find_spec = classmethod(lambda cls, name, *more: "
        "None if name in ('click', 'ansible_runner') else find(name, *more)); "
        "sys.argv[1:] = ['mgr', 'install', '--check']; "
        "from adapter.cli import main; main()"
    )
    root = str(Path(mgr_files.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    lacks = "lacks ansible_runner (package python3-ansible-runner), click (package python3-click). "
    assert line.startswith(f"orch-ansible: {sys.executable} {lacks}")
    assert "-m pip install" in line


@pytest.mark.parametrize("python", ["bin/python3", "/opt/my venv/bin/python3", f"/{'x' * 200}"])
def test_an_interpreter_that_cannot_begin_a_script(door: Door, host: Path, python: str) -> None:
    assert "Invalid interpreter" in door.refused("mgr", "install", "--python", python)
    assert list(host.iterdir()) == []


def test_an_interpreter_that_is_gone_is_named() -> None:
    with pytest.raises(NotReady, match=r"no interpreter /nope/python .*--python"):
        interpreter.check_interpreter("/nope/python", None)


def test_an_interpreter_that_ceph_cannot_reach_is_refused(tmp_path: Path) -> None:
    """Its unit hides /home, /root and /tmp; elsewhere the modes decide."""
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.symlink_to("/usr/bin/env")
    user = (64045, 64045)

    assert "hides /tmp" in interpreter.out_of_reach("/tmp/x/bin/python", user)
    assert "hides /root" in interpreter.out_of_reach("/root/x/bin/python", user)
    assert interpreter.out_of_reach("/usr/bin/env", user) == ""
    with pytest.raises(InvalidValue):
        interpreter.check_name("python3")
