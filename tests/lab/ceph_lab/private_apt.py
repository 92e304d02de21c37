"""Use apt for a suite of its own, beside the machine's own package state."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ceph_lab import settings
from ceph_lab.errors import CommandError
from ceph_lab.report import say
from ceph_lab.run import run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

CONFIGURATION = """\
Dir::State "{root}/state";
Dir::State::status "{root}/state/status";
Dir::Cache "{root}/cache";
Dir::Cache::archives "{archives}";
Dir::Etc "{root}/etc";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Get::Assume-Yes "true";
"""


class PrivateApt:
    """Ask apt about a suite and download from it, as if nothing were installed."""

    def __init__(self, suite: str, mirror: str) -> None:
        self.suite = suite
        self.mirror = mirror
        self._root = settings.cache_directory() / "apt" / suite
        # Shared by all suites: a package that two of them have is downloaded once.
        self._archives = settings.cache_directory() / "debs"
        self._prepare()

    def update(self) -> None:
        """Fetch the suite's index; keep the older one when the mirror does not answer."""
        try:
            self._apt_get("update")
        except CommandError as error:
            if not any((self._root / "state/lists").glob("*_Packages")):
                raise
            say(f"using the index of {self.suite} from the last time: {error}")

    def known_packages(self) -> set[str]:
        """Return the names of all packages in the suite."""
        return set(run(["apt-cache", "pkgnames"], env=self._env()).split())

    def base_packages(self) -> list[str]:
        """Return what every system has: essential and required packages, and apt."""
        names = {"apt"}
        for stanza in run(["apt-cache", "dumpavail"], env=self._env()).split("\n\n"):
            if re.search(r"^(Essential: yes|Priority: required)$", stanza, re.MULTILINE):
                found = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
                if found:
                    names.add(found.group(1))
        return sorted(names)

    def download(self, names: Iterable[str]) -> list[Path]:
        """Download packages with all their dependencies and return the files.

        Files that are in the cache already are used. Raises CommandError
        when one cannot be had.
        """
        install = ["install", *sorted(set(names))]
        # apt lists only what it still has to fetch, so ask with an empty archive.
        empty = f"-oDir::Cache::archives={self._root / 'empty'}"
        listing = self._apt_get(*install, "--print-uris", empty)
        files = re.findall(r"^'[^']+' (\S+\.deb) \d+", listing, re.MULTILINE)
        found = [self._archives / file for file in files]
        # apt moves a file there only when it is whole and its hash is right.
        if not all(path.exists() for path in found):
            self._apt_get(*install, "--download-only")
        return found

    def _prepare(self) -> None:
        etc = self._root / "etc"
        for directory in (
            self._root / "state/lists/partial",
            self._root / "cache",
            self._root / "empty/partial",
            self._archives / "partial",
            etc / "apt.conf.d",
            etc / "preferences.d",
            etc / "sources.list.d",
            etc / "trusted.gpg.d",
        ):
            directory.mkdir(parents=True, exist_ok=True)
        (self._root / "state/status").write_text("", encoding="utf-8")
        (etc / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {self.mirror} {self.suite} main\n", encoding="utf-8"
        )
        self._config.write_text(
            CONFIGURATION.format(root=self._root, archives=self._archives), encoding="utf-8"
        )

    def _apt_get(self, *words: str) -> str:
        return run(["apt-get", *words], env=self._env())

    @property
    def _config(self) -> Path:
        return self._root / "apt.conf"

    def _env(self) -> dict[str, str]:
        return {"APT_CONFIG": str(self._config), "LC_ALL": "C.UTF-8"}
