"""What ceph-mgr needs on a manager's host: put there, compared, taken away."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from adapter.cli.interpreter import check_interpreter, run
from adapter.cli.mounts import refuse_mounts
from adapter.cli.packaged import (
    files_stay,
    manifest_of_package,
    refuse_another,
    refuse_removal,
)
from adapter.cli.place import (
    COMMAND,
    COMMAND_FILE,
    CONTENT,
    MODULE,
    USER,
    Place,
    content_items,
    facts,
    module_items,
    settled,
)
from adapter.cli.tree import Tree
from adapter.engine.files import closed_mode, make_dirs
from adapter.errors import InvalidValue, NotReady
from adapter.installed import PYTHON, STATE

_COMPILE_TIMEOUT = 300.0


def check_host(place: Place) -> None:
    """Raise ``NotReady`` if the host lacks what the module needs."""
    if not place.live:
        return
    if not shutil.which("ceph-mgr") or not place.below(MODULE).parent.is_dir():
        raise NotReady(
            "There is no ceph-mgr on this host.",
            "Install the package ceph-mgr, or run this on a manager's host.",
        )
    check_interpreter(place.python, place.owner)


def install(place: Place, *, check: bool = False) -> List[str]:
    """Install, or say what would be done; return a line for each thing that changes.

    Of what a package installed only the state directory is made.
    """
    place = settled(place)
    check_host(place)
    package = manifest_of_package(place)
    if package is not None:
        refuse_another(place, package)
        changes = state_changes(place)
        if changes and not check:
            make_state(place)
        return changes
    changes = state_changes(place)
    manifest = facts(place)
    planned = [
        (tree, items, tree.differences(items, manifest))
        for tree, items in (
            (place.content, content_items(place.python)),
            (place.module, module_items()),
        )
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
    wanted = place.owner
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
        wanted = place.owner
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
    package = manifest_of_package(place)
    if package is not None and not purge:
        refuse_removal(package)
    purged = purge and _may_go(place.state_directory)
    lines = [files_stay(package)] if package is not None else []
    for tree, manifest in found if package is None else ():
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
