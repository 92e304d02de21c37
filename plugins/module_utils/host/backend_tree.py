"""Compare the installed tree of this project with another one, and unpack one."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from typing import Any, Dict, Iterator

from ..system.atomic_write import make_directory
from ..system.reading import read_bytes

CONTENT = "/usr/share/ceph-orch-ansible"
# The parts of an installed tree that were copied; the rest was made on the host.
_PARTS = (
    "adapter",
    "ansible.cfg",
    "galaxy.yml",
    "inventory",
    "meta",
    "playbooks",
    "plugins",
    "roles",
)
_LEFT_OUT = (".pyc", ".swp")


INTERPRETER = "/usr/bin/python3"
_MANIFEST = "installed.json"
_FILE_LIMIT = 1 << 24


def interpreter_of(root: str, controller: str = "") -> str:
    """Return the interpreter that a tree was installed for, else the controller's or the system's.

    ``controller`` is the path of the interpreter that runs Ansible on the controller. Where root
    has a virtual environment at the same path here, the host was prepared as the controller was:
    on distributions whose own Ansible is too old that is the only one that can run the playbooks.
    """
    named = str(_manifest(root).get("python") or "")
    if os.access(named, os.X_OK):
        return named
    return controller if _is_environment(controller) else INTERPRETER


def _is_environment(python: str) -> bool:
    """Tell whether root has a virtual environment there: nobody else's is run as root."""
    directory = os.path.dirname(os.path.dirname(python))
    places = directory, os.path.join(directory, "bin"), os.path.join(directory, "pyvenv.cfg")
    try:
        owners = {os.stat(place).st_uid for place in places}
    except OSError:
        return False
    return bool(python) and owners == {0} and os.access(python, os.X_OK)


def is_packaged(root: str) -> bool:
    """Tell whether a package has installed the tree, or none is there."""
    return not os.path.lexists(root) or bool(_manifest(root).get("package"))


def _manifest(root: str) -> Dict[str, Any]:
    try:
        data = json.loads(read_bytes(os.path.join(root, _MANIFEST), _FILE_LIMIT).decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def digest_of(root: str) -> str:
    """Return a text that is another one when any file of the tree is, empty without a tree.

    A tree that others could have written to is none: nothing in it may be run to mend it.
    """
    names = sorted(_names(root))
    if not names or not _is_closed(root):
        return ""
    total = hashlib.sha256()
    for name in names:
        with open(os.path.join(root, name), "rb") as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
        total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()


def _is_closed(root: str) -> bool:
    """Tell whether all of a tree, byte code too, is this user's and nobody else's to write."""
    paths = [root]
    for top, folders, files in os.walk(root):
        paths += [os.path.join(top, name) for name in (*folders, *files)]
    states = [os.lstat(path) for path in paths]
    return all(
        state.st_uid == os.geteuid() and (stat.S_ISLNK(state.st_mode) or not state.st_mode & 0o022)
        for state in states
    )


def _names(root: str) -> Iterator[str]:
    for part in _PARTS:
        path = os.path.join(root, part)
        if os.path.isfile(path):
            yield part
        for top, folders, files in os.walk(path):
            folders[:] = [name for name in folders if _belongs(name)]
            for name in files:
                if _belongs(name):
                    yield os.path.relpath(os.path.join(top, name), root)


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name != "__pycache__" and not name.endswith(_LEFT_OUT)


def unpack(archive: str, directory: str) -> None:
    """Write the files of an archive below a directory; anything but plain files is refused."""
    with tarfile.open(archive, "r:gz") as source:
        for member in source:
            parts = member.name.split("/")
            if not member.isfile() or member.name.startswith("/") or ".." in parts:
                raise OSError(0, "it holds more than plain files", archive)
            path = os.path.join(directory, member.name)
            make_directory(os.path.dirname(path), 0o755)
            with open(path, "wb") as stream:
                os.fchmod(stream.fileno(), 0o644)
                content = source.extractfile(member)
                stream.write(content.read())  # type: ignore[union-attr]  # a plain file has some
