"""Build trees that look like a host's /sys, /dev, /proc and udev database, from data.

A case's ``tree`` has:

``disks``
    by name in sysfs: ``size`` in MiB, ``number`` (by default one of its own), ``attributes``
    (paths below the device), ``udev`` properties, ``content`` (what stands on it, by offset),
    ``node`` false for a device that is another host's, ``parts`` (the same, for partitions).
``files``, ``links``
    anything else, by path: ``sys/...``, ``proc/...``, ``etc/...``, ``dev/...``, ``udev/...``.

Contents are texts; ``{hex: ff00}`` gives bytes, ``{repeat: x, times: 9}`` a long text,
``{label: {...}}`` BlueStore's label (``labels.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Union

import yaml

from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import label

CASES = Path(__file__).parent / "cases"
MIB = 1 << 20


def case_files(kind: str) -> List[Any]:
    """Return the cases of a kind as pytest parameters' values, with their names."""
    paths = sorted((CASES / kind).glob("*.yml"))
    assert paths, f"no cases for {kind}"
    return paths


def load(path: Path) -> Dict[str, Any]:
    """Read a case."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def content(value: Union[str, int, Mapping[str, Any]]) -> bytes:
    """Return the bytes that a case's value means."""
    if isinstance(value, Mapping):
        if "hex" in value:
            return bytes.fromhex(value["hex"])
        if "label" in value:
            return label(**value["label"])
        return str(value["repeat"]).encode() * value["times"]
    return str(value).encode()


def write(path: Path, value: Union[str, int, Mapping[str, Any]]) -> None:
    """Write a file, with its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(value))


class Tree:
    """A host made of files below one directory."""

    def __init__(self, top: Path, data: Mapping[str, Any]) -> None:
        self.top = top
        self._numbers = 0
        for name in ("sys/block", "dev", "proc", "udev", "etc", "var"):
            (top / name).mkdir(parents=True, exist_ok=True)
        for name, disk in (data.get("disks") or {}).items():
            self._disk(top / "sys/block" / name, name, disk or {})
        for name, value in (data.get("files") or {}).items():
            write(top / name, value)
        for name, target in (data.get("links") or {}).items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)

    @property
    def roots(self) -> Roots:
        """Return what a reader starts from."""
        names = ("sys", "dev", "proc", "udev", "etc", "var")
        return Roots(**{name: str(self.top / name) for name in names})

    def _disk(self, directory: Path, name: str, disk: Mapping[str, Any]) -> None:
        self._numbers += 1
        number = disk.get("number", f"8:{self._numbers}")
        size = int(disk.get("size", 10240)) * MIB
        attributes = {"dev": number, "size": size // 512, "ro": 0, **disk.get("attributes", {})}
        for folder in ("holders", "slaves", "queue"):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        for key, value in attributes.items():
            write(directory / key, value)
        if disk.get("node", True):
            self._node(self.top / "dev" / name.replace("!", "/"), size, disk.get("content", {}))
        if disk.get("udev"):
            lines = [f"E:{key}={value}\n" for key, value in disk["udev"].items()]
            write(self.top / "udev" / f"b{number}", "".join(lines))
        for part, entry in (disk.get("parts") or {}).items():
            entry = dict(entry or {})
            entry["attributes"] = {"partition": 1, "start": 2048, **entry.get("attributes", {})}
            self._disk(directory / part, part, entry)

    @staticmethod
    def _node(path: Path, size: int, pieces: Mapping[int, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.truncate(size)
            for offset, value in pieces.items():
                stream.seek(int(offset) if int(offset) >= 0 else size + int(offset))
                stream.write(content(value))
