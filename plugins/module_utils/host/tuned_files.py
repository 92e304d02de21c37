"""The files of tuned profiles in ``/etc/sysctl.d``, and those of others beside them.

All directories count as one: their files are read in the order of their names, the last value of a
key holds, and a file hides those of its name in later directories.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ..system.atomic_write import read_whole, write_text
from ..system.reading import Roots, list_dir, read_lines
from ..system.sysctl import canonical, one_spaced

SUFFIX = "-ceph-orch-ansible.conf"
MODE = 0o644
Settings = Dict[str, str]
_MARK = "# Written by ceph-orch-ansible for a tuned profile of the cluster"
_GLOB = "*?["


class Setting(NamedTuple):
    """A value, and the file or profile that sets it."""

    source: str
    value: str


def file_name(profile: str) -> str:
    """Return what a profile's file is called."""
    return profile + SUFFIX


def digest_of(settings: Mapping[str, str]) -> str:
    """Return a text that stands for these settings."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def text_of(profile: str, settings: Mapping[str, str], cluster: str) -> str:
    """Return the text of a profile's file."""
    lines = [
        f"{_MARK} {cluster or '(none)'}.",
        _second_line(profile),
        "",
        *(f"{key} = {settings[key]}" for key in sorted(settings)),
    ]
    return "\n".join(lines) + "\n"


def effective(profiles: Mapping[str, Mapping[str, str]]) -> Dict[str, Setting]:
    """Return by key which profile sets it, and to what: the one whose file is read last."""
    found = {}
    for name in sorted(profiles, key=file_name):
        found.update({key: Setting(name, value) for key, value in profiles[name].items()})
    return found


def clashes(profiles: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a text for each setting that two profiles want otherwise: it says who wins."""
    winners = effective(profiles)
    for name in sorted(profiles):
        for key, value in sorted(profiles[name].items()):
            winner = winners[key]
            if winner.source != name and one_spaced(winner.value) != one_spaced(value):
                yield (
                    f"{key} is {value} in the profile {name} and {winner.value} in "
                    f"{winner.source}: {winner.source} wins, for its file is read later, and the "
                    "other value was never tried"
                )


class TunedFiles:
    """The files of one host."""

    def __init__(self, roots: Roots) -> None:
        self.directory = os.path.join(roots.etc, "sysctl.d")
        run = os.path.dirname(roots.ceph_run)
        others = (run, os.path.join(roots.usr, "local/lib"), os.path.join(roots.usr, "lib"))
        self._directories = [self.directory, *(os.path.join(each, "sysctl.d") for each in others)]

    def path(self, profile: str) -> str:
        """Return where a profile's file is."""
        return os.path.join(self.directory, file_name(profile))

    def ours(self) -> Dict[str, Settings]:
        """Return the settings of the files that were written from here, by profile."""
        found = {}
        for name in list_dir(self.directory):
            path = os.path.join(self.directory, name)
            if _is_ours(path):
                found[name[: -len(SUFFIX)]] = dict(_settings(path))
        return found

    def is_taken(self, profile: str) -> bool:
        """Tell whether somebody else's file has the name of a profile's."""
        path = self.path(profile)
        return os.path.lexists(path) and not _is_ours(path)

    def text(self, profile: str) -> str:
        """Return the text of a profile's file, empty where there is none."""
        return read_whole(self.path(profile))

    def write(self, profile: str, text: str) -> None:
        """Write a profile's file."""
        write_text(self.path(profile), text, MODE)

    def remove(self, profile: str) -> None:
        """Remove a profile's file."""
        os.unlink(self.path(profile))

    def others(self) -> List[Tuple[str, Settings]]:
        """Return the other files in the order in which they are read, each with its settings."""
        paths: Dict[str, str] = {}
        for directory in self._directories:
            for name in list_dir(directory):
                if name.endswith(".conf"):
                    paths.setdefault(name, os.path.join(directory, name))
        return [
            (paths[name], dict(_settings(paths[name])))
            for name in sorted(paths)
            if not (paths[name].startswith(self.directory) and _is_ours(paths[name]))
        ]


def set_by(others: List[Tuple[str, Settings]], key: str) -> Optional[Setting]:
    """Return what other files set a key to; a name with wildcards counts where no other does."""
    exact = [Setting(path, settings[key]) for path, settings in others if key in settings]
    if exact:
        return exact[-1]
    matching = [
        Setting(path, value)
        for path, settings in others
        for pattern, value in settings.items()
        if any(mark in pattern for mark in _GLOB) and fnmatch.fnmatchcase(key, pattern)
    ]
    return matching[-1] if matching else None


def later_than(
    others: List[Tuple[str, Settings]], profile: str, key: str, value: str
) -> Optional[Setting]:
    """Return what sets a key of a profile otherwise when the host starts, being read later."""
    found = [
        Setting(path, settings[key])
        for path, settings in others
        if key in settings and os.path.basename(path) > file_name(profile)
    ]
    return found[-1] if found and one_spaced(found[-1].value) != one_spaced(value) else None


def _is_ours(path: str) -> bool:
    """Tell whether a file was written from here, under this name: a copy is its maker's."""
    name = os.path.basename(path)
    if os.path.islink(path) or not name.endswith(SUFFIX) or name == SUFFIX:
        return False
    lines = _lines(path)
    return lines[0].startswith(_MARK) and lines[1:2] == [_second_line(name[: -len(SUFFIX)])]


def _second_line(profile: str) -> str:
    return (
        f"# `ceph orch tuned-profile` changes the profile {profile}; changes made here are undone."
    )


def _lines(path: str) -> List[str]:
    """Return the lines of a file; what is none (a pipe, /dev/null) has nothing in it."""
    return read_lines(path) if os.path.isfile(path) else [""]


def _settings(path: str) -> Iterator[Tuple[str, str]]:
    for line in _lines(path):
        key, separator, value = line.strip().partition("=")
        key = key.strip()
        if not separator or not key or key[0] in "#;":
            continue
        key = key[1:].strip() if key[0] == "-" else key
        try:
            yield (key if any(mark in key for mark in _GLOB) else canonical(key)), value.strip()
        except ValueError:
            continue
