"""A directory that is installed as a whole: made beside its place, renamed, removed exactly.

A manifest inside says which files are ours; a directory without one is never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from adapter.cli.mounts import refuse_mounts
from adapter.engine.files import OPEN_DIR, make_dirs
from adapter.errors import AdapterError, NotReady, some_of
from adapter.installed import MANIFEST

BYTECODE = "__pycache__"
OPEN_FILE = 0o644
OPEN_EXECUTABLE = 0o755


@dataclass(frozen=True)
class Item:
    """A file of the tree, or (with ``link``) a symbolic link."""

    data: bytes = b""
    link: str = ""
    executable: bool = False

    @property
    def mode(self) -> int:
        """Return the file's mode."""
        return OPEN_EXECUTABLE if self.executable else OPEN_FILE

    @property
    def mark(self) -> str:
        """Return what the manifest says of it."""
        return f"-> {self.link}" if self.link else hashlib.sha256(self.data).hexdigest()


Items = Dict[str, Item]


def read_tree(source: Path, prefix: str = "") -> Items:
    """Return a file, or all files below a directory, under ``prefix``.

    Hidden files, byte code and editors' copies are left out.
    """
    if not source.is_dir():
        return {prefix or source.name: _read(source)}
    items: Items = {}
    for path in sorted(source.iterdir()):
        if path.name.startswith(".") or path.name == BYTECODE or path.suffix in (".pyc", ".swp"):
            continue
        name = f"{prefix}/{path.name}" if prefix else path.name
        if path.is_symlink() or not path.is_dir():
            items[name] = _read(path)
        else:
            items.update(read_tree(path, name))
    return items


def _read(path: Path) -> Item:
    if path.is_symlink():
        return Item(link=os.readlink(path))
    return Item(path.read_bytes(), executable=os.access(path, os.X_OK))


class Tree:
    """An installed directory."""

    def __init__(self, directory: Path, owner: Optional[int] = None) -> None:
        self.directory = directory
        self._owner = os.geteuid() if owner is None else owner

    def manifest(self) -> Optional[Dict[str, Any]]:
        """Return the manifest, or None if there is no such directory.

        Raises ``NotReady`` for a directory that somebody else made.
        """
        try:
            data = json.loads((self.directory / MANIFEST).read_bytes())
            if isinstance(data, dict) and isinstance(data.get("files"), dict):
                return data
        except (FileNotFoundError, ValueError):
            if not os.path.lexists(self.directory):
                return None
        raise NotReady(
            f"{self.directory} was not made by `orch-ansible mgr install` "
            f"(it has no {MANIFEST} that lists files).",
            "Move it away.",
        )

    def foreign(self) -> List[str]:
        """Return the files in it that are not ours; byte code does not count."""
        manifest = self.manifest()
        ours = {MANIFEST, *(manifest["files"] if manifest else ())}
        return [name for name in self._names() if name not in ours]

    def _names(self) -> Iterator[str]:
        for path, directories, files in os.walk(self.directory):
            links = [name for name in directories if os.path.islink(os.path.join(path, name))]
            directories[:] = [name for name in directories if name != BYTECODE]
            for name in (each for each in files + links if each != BYTECODE):
                yield os.path.relpath(os.path.join(path, name), self.directory)

    def differences(self, items: Items, facts: Mapping[str, Any]) -> List[str]:
        """Return how what is there differs from ``items`` and ``facts``, one line each.

        That is also who owns it, and who may write to it.
        """
        manifest = self.manifest()
        if manifest is None:
            return [f"make {self.directory} ({len(items)} files)"]
        lines = []
        for name, item in items.items():
            path = self.directory / name
            if not os.path.lexists(path):
                lines.append(f"add {path}")
            elif not _same(path, item):
                lines.append(f"change {path}")
            elif not item.link:
                lines += self._wrong_rights(path, item.mode)
        lines += [f"remove {self.directory / name}" for name in manifest["files"].keys() - items]
        lines += self._wrong_rights(self.directory / MANIFEST, OPEN_FILE)
        lines += self._wrong_directories()
        lines += [
            f"change {key} in {self.directory / MANIFEST} from {manifest.get(key)!r} to {value!r}"
            for key, value in facts.items()
            if manifest.get(key) != value
        ]
        return lines

    def _wrong_directories(self) -> List[str]:
        lines = []
        for top, directories, files in os.walk(self.directory):
            path = Path(top)
            lines += self._wrong_rights(path, OPEN_DIR)
            if path.name == BYTECODE:
                wrong = any(self._wrong_rights(path / name, OPEN_FILE) for name in files)
                lines += [f"remove the byte code in {path}"] if wrong else []
            elif os.path.islink(path / BYTECODE) or BYTECODE in files:
                lines.append(f"remove {path / BYTECODE}")
            directories.sort()
        return lines

    def _wrong_rights(self, path: Path, mode: int) -> List[str]:
        """Return a line where somebody else owns a path, or its mode is another one."""
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return [f"remove {path}, a link"]
        if (found.st_uid, stat.S_IMODE(found.st_mode)) == (self._owner, mode):
            return []
        return [f"give {path} to {_user(self._owner)}, {mode:04o}"]

    def put(
        self,
        items: Items,
        facts: Mapping[str, Any],
        finish: Callable[[Path], Any] = lambda _: None,
    ) -> None:
        """Replace the directory by ``items``; ``finish`` is called before it takes its place.

        Raises ``NotReady`` if files of somebody else would be lost.
        """
        foreign = self.foreign()
        if foreign:
            raise NotReady(
                f"{self.directory} holds files that were not installed: {some_of(foreign, 3)}.",
                "Move them away.",
            )
        refuse_mounts(self.directory)
        make_dirs(self.directory.parent)
        made = Path(tempfile.mkdtemp(prefix=f".{self.directory.name}.", dir=self.directory.parent))
        try:
            made.chmod(OPEN_DIR)
            for name, item in items.items():
                _write(made, name, item)
            manifest = {**facts, "files": {name: item.mark for name, item in items.items()}}
            text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
            _write(made, MANIFEST, Item(text.encode()))
            finish(made)
            _open_byte_code(made)
            self._take_place(made)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    def _take_place(self, made: Path) -> None:
        """Put the finished directory where the old one was; there is one or the other."""
        if not os.path.lexists(self.directory):
            made.rename(self.directory)
            return
        old = Path(tempfile.mkdtemp(prefix=f".{self.directory.name}.old.", dir=made.parent))
        self.directory.rename(old / "tree")
        try:
            made.rename(self.directory)
        except OSError:
            (old / "tree").rename(self.directory)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)

    def remove(self) -> List[str]:
        """Remove exactly what was installed; return the files of somebody else that are left."""
        manifest = self.manifest()
        if manifest is None:
            return []
        left = self.foreign()
        for name in (*manifest["files"], MANIFEST):
            if _inside(name):
                with contextlib.suppress(FileNotFoundError):
                    (self.directory / name).unlink()
        for path, directories, _ in os.walk(self.directory, topdown=False):
            if BYTECODE in directories:
                shutil.rmtree(os.path.join(path, BYTECODE))
            with contextlib.suppress(OSError):
                os.rmdir(path)
        return left


def _same(path: Path, item: Item) -> bool:
    if path.is_symlink() or item.link:
        return path.is_symlink() and os.readlink(path) == item.link
    return path.is_file() and path.read_bytes() == item.data


def _inside(name: str) -> bool:
    parts = name.split("/")
    return not name.startswith("/") and ".." not in parts


def _write(base: Path, name: str, item: Item) -> None:
    if not _inside(name):
        raise AdapterError(f"{name} is not a name inside a tree.")
    path = base / name
    for parent in reversed(path.relative_to(base).parents[:-1]):
        directory = base / parent
        if not directory.exists():
            directory.mkdir()
            directory.chmod(OPEN_DIR)
    if item.link:
        path.symlink_to(item.link)
        return
    path.write_bytes(item.data)
    path.chmod(item.mode)


def _open_byte_code(made: Path) -> None:
    """Set the modes of what a compiler wrote: it follows the umask."""
    for cache in made.rglob(BYTECODE):
        cache.chmod(OPEN_DIR)
        for path in cache.iterdir():
            path.chmod(OPEN_FILE)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
