"""What ceph-mgr needs on a manager's host: put there, compared, taken away.

::

    /usr/share/ceph-orch-ansible/     the package and the Ansible content
    /usr/share/ceph/mgr/ansible/      two files: what ceph-mgr finds, and imports from there
    /usr/local/bin/orch-ansible       a link to this command in the first
    /var/lib/ceph/orch-ansible/       jobs, ssh files, reports; belongs to the user ceph
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from adapter import __version__
from adapter.cli.content import PARTS, collection_links
from adapter.cli.mounts import refuse_mounts
from adapter.cli.tree import Item, Items, Tree, read_tree
from adapter.content import PACKAGE, content_root
from adapter.engine.files import closed_mode, make_dirs
from adapter.errors import AdapterError, InvalidValue, NotReady
from adapter.programs import TimeoutExpired, run_program

CONTENT = "/usr/share/ceph-orch-ansible"
MODULE = "/usr/share/ceph/mgr/ansible"
COMMAND = "/usr/local/bin/orch-ansible"
STATE = "/var/lib/ceph/orch-ansible"
PYTHON = "/usr/bin/python3"
USER = "ceph"

INIT_TEXT = '''\
"""The orchestrator backend `ansible`, put here by `orch-ansible mgr install`."""

from .module import Module
'''
MODULE_TEXT = f'''\
"""What ceph-mgr loads: it finds the package and imports one class, nothing else."""

import sys

CONTENT = "{CONTENT}"

if CONTENT not in sys.path:
    sys.path.append(CONTENT)

from adapter.mgr.module import Module
'''

COMMAND_FILE = "bin/orch-ansible"
COMMAND_TEXT = f'''\
#!{PYTHON} -IB
"""The command orch-ansible, put here by `orch-ansible mgr install`."""

import sys

sys.path.insert(0, "{CONTENT}")

from adapter.cli import main

main()
'''

# Each import, the least version, and the Debian package that has it.
NEEDED = (
    ("ansible", "ansible.release", "2.17", "ansible-core"),
    ("ansible_runner", "", "2.4", "python3-ansible-runner"),
    ("yaml", "", "", "python3-yaml"),
    ("click", "", "8.1", "python3-click"),
)
# What the command needs, and a manager does not.
ONLY_COMMAND = ("click",)
_ASK = """\
import importlib, importlib.metadata, sys
for name in sys.argv[1:]:
    module, _, where = name.partition("=")
    try:
        importlib.import_module(module)
        if where:
            version = importlib.import_module(where).__version__
        else:
            version = importlib.metadata.version(module.replace("_", "-").replace("yaml", "pyyaml"))
    except Exception as error:
        version = "none: %s" % error
    print(module, version.splitlines()[0])
"""
_ASK_TIMEOUT = 60.0
_COMPILE_TIMEOUT = 300.0


@dataclass(frozen=True)
class Place:
    """Where to install. ``root`` other than / is a tree that becomes a host's later.

    What a running host has (Python, ceph-mgr) is then not looked at, and byte code is left to
    the host.
    """

    root: Path = Path("/")
    state: str = STATE
    python: str = PYTHON

    @property
    def live(self) -> bool:
        """Tell whether this is the running host."""
        return self.root == Path("/")

    @property
    def files_owner(self) -> int:
        """Return the uid that owns all installed files; the state directory belongs to ceph."""
        return 0 if self.live else os.geteuid()

    def below(self, path: str) -> Path:
        """Return an absolute path below the root."""
        return self.root / path.lstrip("/")

    @property
    def content(self) -> Tree:
        """Return the tree of package and content."""
        return Tree(self.below(CONTENT), self.files_owner)

    @property
    def module(self) -> Tree:
        """Return the directory that ceph-mgr scans."""
        return Tree(self.below(MODULE), self.files_owner)

    @property
    def command(self) -> Path:
        """Return the link under which shells find the command."""
        return self.below(COMMAND)

    @property
    def state_directory(self) -> Path:
        """Return the state directory."""
        return self.below(self.state)


def content_items() -> Items:
    """Return what goes to the content directory, from where this command itself lies."""
    source = content_root()
    items = read_tree(PACKAGE, PACKAGE.name)
    for name in PARTS:
        path = source / name
        if path.exists():
            items.update(read_tree(path, name))
    items.update({name: Item(link=target) for name, target in collection_links().items()})
    items[COMMAND_FILE] = Item(COMMAND_TEXT.encode(), executable=True)
    return items


def module_items() -> Items:
    """Return the two files of the mgr module's directory."""
    return {"__init__.py": Item(INIT_TEXT.encode()), "module.py": Item(MODULE_TEXT.encode())}


def check_host(place: Place) -> None:
    """Raise ``NotReady`` if the host lacks what the module needs."""
    if not place.live:
        return
    if not shutil.which("ceph-mgr") or not place.below(MODULE).parent.is_dir():
        raise NotReady(
            "There is no ceph-mgr on this host.",
            "Install the package ceph-mgr, or run this on a manager's host.",
        )
    missing = missing_packages(place.python)
    if missing:
        raise NotReady(
            f"{place.python} lacks what runs the playbooks: {'; '.join(missing)}.",
            f"Install the packages: apt install {' '.join(each[-1] for each in NEEDED)}.",
        )


def missing_packages(python: str) -> List[str]:
    """Return what that interpreter cannot import, or has too old, each with its package."""
    wanted = [f"{name}={where}" for name, where, _, _ in NEEDED]
    try:
        done = run([python, "-I", "-c", _ASK, *wanted], _ASK_TIMEOUT)
    except AdapterError as error:
        return [error.message.rstrip(".")]
    found = dict(line.split(" ", 1) for line in done.splitlines() if " " in line)
    lines = []
    for name, _, least, package in NEEDED:
        version = found.get(name, "none: no answer")
        if version.startswith("none: "):
            lines.append(f"{name} cannot be imported ({version[6:]}; package {package})")
        elif least and _numbers(version) < _numbers(least):
            lines.append(f"{name} is {version}, {least} is needed (package {package})")
    return lines


def _numbers(version: str) -> Tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int("".join(char for char in part if char.isdigit()) or 0) for part in parts)


def run(argv: List[str], timeout: float) -> str:
    """Run a program of this host and return its output; raises ``AdapterError`` on one line."""
    try:
        done = run_program(argv, timeout, cwd="/")
    except TimeoutExpired as error:
        raise NotReady(f"{argv[0]} did not end within {timeout:g} s.") from error
    except OSError as error:
        raise NotReady(f"{argv[0]} cannot be run: {error.strerror}.") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise NotReady(f"{argv[0]} failed ({done.returncode}): {words[-1]}.")
    return done.stdout


def facts(place: Place) -> Dict[str, Any]:
    """Return what the manifest keeps beside the files."""
    tag = ""
    if place.live:
        tag = run([PYTHON, "-I", "-c", "import sys; print(sys.implementation.cache_tag)"], 30.0)
    return {
        "version": __version__,
        "state_directory": place.state,
        "bytecode": tag.strip(),
        # What runs the playbooks: hosts are asked whether a manager still has it.
        "python": place.python,
        "needs": {name: package for name, _, _, package in NEEDED if name not in ONLY_COMMAND},
    }


def install(place: Place, *, check: bool = False) -> List[str]:
    """Install, or say what would be done; return a line for each thing that changes."""
    check_host(place)
    changes = state_changes(place)
    manifest = facts(place)
    planned = [
        (tree, items, tree.differences(items, manifest))
        for tree, items in ((place.content, content_items()), (place.module, module_items()))
    ]
    above = wrong_parents(place)
    link = not os.path.lexists(place.command)
    if not check:
        for path, mode in above.items():
            path.chmod(mode)
        for tree, items, lines in planned:
            if lines:
                tree.put(items, manifest, lambda made, tree=tree: precompile(place, made, tree))  # type: ignore[misc]
        if changes:
            make_state(place)
        if link:
            make_dirs(place.command.parent)
            place.command.symlink_to(f"{CONTENT}/{COMMAND_FILE}")
    linked = [f"make {COMMAND}"] if link else []
    opened = [f"give {path} the mode {mode:04o}" for path, mode in above.items()]
    return opened + [line for _, _, lines in planned for line in lines] + linked + changes


def wrong_parents(place: Place) -> Dict[Path, int]:
    """Return the directories above ours that everybody may write, with the mode they shall have.

    Above what everybody reads, they are also those that not everybody may enter.
    """
    wanted: Dict[Path, int] = {}
    read_by_all = (place.command, place.module.directory, place.content.directory)
    for path in (place.state_directory, *read_by_all):
        enter = 0o055 if path in read_by_all else 0
        for parent in path.parents:
            if parent == place.root or place.root not in parent.parents or not parent.is_dir():
                continue
            mode = stat.S_IMODE(parent.stat().st_mode)
            closed = closed_mode(mode)
            if closed | enter != mode:
                wanted[parent] = closed | enter | wanted.get(parent, 0)
    return dict(sorted(wanted.items()))


def is_our_command(path: Path) -> bool:
    """Tell whether a link leads to the installed command; another file there is left alone."""
    return path.is_symlink() and os.readlink(path) == f"{CONTENT}/{COMMAND_FILE}"


def precompile(place: Place, made: Path, tree: Tree, python: str = "") -> None:
    """Compile for the Python that ceph-mgr embeds, which may not write below /usr."""
    if place.live:
        argv = [python or PYTHON, "-I", "-m", "compileall", "-q"]
        argv += ["-s", str(made), "-p", str(tree.directory), str(made)]
        # All of it: where there is byte code already, nobody makes a directory for it later.
        run(argv, _COMPILE_TIMEOUT)


def owner(place: Place) -> Optional[Tuple[int, int]]:
    """Return uid and gid of the user ceph, None if a tree that is not live has none."""
    if place.live:
        try:
            entry = pwd.getpwnam(USER)
        except KeyError:
            raise NotReady(
                f"There is no user {USER} on this host.", "Install the package ceph-common."
            ) from None
        return entry.pw_uid, entry.pw_gid
    try:
        lines = place.below("/etc/passwd").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    rows = [line.split(":") for line in lines if line.startswith(f"{USER}:")]
    return (int(rows[0][2]), int(rows[0][3])) if rows else None


def state_changes(place: Place) -> List[str]:
    """Return what the state directory needs; raises for one that is not fit."""
    directory = place.state_directory
    if not place.state.startswith("/") or ".." in place.state.split("/"):
        raise InvalidValue("state directory", place.state, "it is not an absolute path")
    if directory.is_symlink() or (os.path.lexists(directory) and not directory.is_dir()):
        raise NotReady(f"{directory} is not a directory.", "Move it away.")
    if not directory.exists():
        return [f"make {directory} (belongs to {USER}, 0700)"]
    if not is_state(directory):
        raise NotReady(
            f"{directory} holds other things than an orchestrator's state.", "Choose another."
        )
    found = directory.stat()
    wanted = owner(place)
    right = wanted is None or (found.st_uid, found.st_gid) == wanted
    if right and found.st_mode & 0o777 == 0o700:
        return []
    if found.st_mode & 0o022:
        refuse_strangers(directory, wanted)
    return [f"give {directory} to {USER}, 0700"]


def refuse_strangers(directory: Path, wanted: Optional[Tuple[int, int]]) -> None:
    """Raise ``NotReady`` where others have put files into a state directory that was open."""
    known = {0, os.geteuid(), directory.stat().st_uid, *(wanted or ())[:1]}
    strange = [
        os.path.join(top, name)
        for top, directories, files in os.walk(directory)
        for name in (*directories, *files)
        if os.lstat(os.path.join(top, name)).st_uid not in known
    ]
    if strange:
        raise NotReady(
            f"Everybody could write to {directory}, and it holds files of others: "
            f"{', '.join(sorted(strange)[:3])}.",
            "Remove them, or choose another directory.",
        )


def is_state(directory: Path) -> bool:
    """Tell whether a directory is empty or was used by this orchestrator."""
    return not any(directory.iterdir()) or (directory / "ssh_config").exists()


def make_state(place: Place) -> None:
    """Make the state directory; nothing is followed, for its parent may belong to ``ceph``."""
    directory = place.state_directory
    make_dirs(directory.parent)
    if not directory.exists():
        directory.mkdir(mode=0o700)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        wanted = owner(place)
        if wanted is not None:
            os.fchown(handle, *wanted)
        os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def uninstall(place: Place, *, purge: bool = False, check: bool = False) -> List[str]:
    """Take away what ``install`` made, the state only with ``purge``; return what changes.

    All directories are looked at before anything is removed.
    """
    found = [(tree, tree.manifest()) for tree in (place.module, place.content)]
    for tree, manifest in found:
        refuse_mounts(tree.directory)
        if manifest is not None:
            place = Place(place.root, str(manifest.get("state_directory") or STATE), place.python)
    purged = purge and _may_go(place.state_directory)
    lines = []
    for tree, manifest in found:
        if manifest is not None:
            lines.append(f"remove {tree.directory} ({len(manifest['files'])} files)")
            left = tree.foreign() if check else tree.remove()
            lines += [f"keep {tree.directory / name}, it was not installed" for name in left]
    if is_our_command(place.command):
        lines.append(f"remove {COMMAND}")
        if not check:
            place.command.unlink()
    if purged:
        lines.append(f"remove {place.state_directory} with all jobs and keys in it")
        if not check:
            shutil.rmtree(place.state_directory)
    return lines


def _may_go(directory: Path) -> bool:
    """Tell whether there is a state directory to be removed; raises ``NotReady`` for another."""
    if not directory.is_dir() or directory.is_symlink():
        return False
    refuse_mounts(directory)
    if not is_state(directory):
        raise NotReady(f"{directory} holds other things than an orchestrator's state.")
    return True
