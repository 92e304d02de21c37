"""Which packages of Ceph a host has and is offered, from what package managers printed.

``cases/packages`` has their real output: of dpkg and apt on hosts of the lab, of rpm 4.18 and
dnf 4.14 with repositories of empty packages that are called as Ceph's for EL 9.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.system import apt_versions, dnf_versions
from plugins.module_utils.system.json_cache import JsonCache
from plugins.module_utils.system.package_manager import unread_repositories
from plugins.module_utils.system.package_versions import read_package_versions
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

CASES = Path(__file__).parents[1] / "cases/packages"
OLD, NEW, NEXT = "20.2.4+ds-2", "20.2.5+ds-1lab1", "20.2.6+ds-1lab1"


def printed(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


def test_dpkg_says_what_is_installed_and_what_is_held() -> None:
    found = apt_versions.parse_installed(printed("apt/dpkg-query.out"))
    assert len(found.versions) == 25
    assert set(found.versions.values()) == {OLD}
    assert not {"apt", "libc6"} & found.versions.keys()
    assert found.held == ["ceph-osd"]
    assert found.unfinished == {}


def test_dpkg_says_what_it_has_left_halfway() -> None:
    found = apt_versions.parse_installed(printed("apt/dpkg-query-halfway.out"))
    assert found.unfinished == {"ceph-mds": "half-configured"}
    assert found.versions["ceph-mds"] == NEW
    assert set(found.versions.values()) == {NEW}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("iU ", "unpacked, not configured"),
        ("iH ", "half-installed"),
        ("iF ", "half-configured"),
        ("iHR", "half-installed"),
        ("iiR", "to be installed again"),
        ("ii ", ""),
        ("hi ", ""),
        ("iW ", ""),
    ],
)
def test_states_of_dpkg(status: str, state: str) -> None:
    found = apt_versions.parse_installed(f"{status}\tlibc6\t2.43-7\tglibc\n")
    assert found.unfinished == ({"libc6": state} if state else {})
    assert found.versions == {}


@pytest.mark.parametrize(
    "line", ["rc \tceph-osd\t1\tceph", "un \tceph-osd\t\tceph", "x", "", "\t\t"]
)
def test_what_is_not_installed_does_not_count(line: str) -> None:
    found = apt_versions.parse_installed(line)
    assert (found.versions, found.unfinished) == ({}, {})


def test_apt_says_what_repositories_offer_newest_first() -> None:
    found = apt_versions.parse_policy(printed("apt/policy.out"))
    # A pin forbids the newest one of this package.
    assert found["ceph-common"] == [NEW, OLD]
    assert found["ceph-osd"] == [NEXT, NEW, OLD]
    assert set(found) == {"ceph-common", "ceph-osd", "librados2"}


def test_what_only_dpkg_has_is_not_offered() -> None:
    text = "ceph-osd:\n  Installed: 1\n  Candidate: 1\n  Version table:\n *** 1 100\n"
    text += "        100 /var/lib/dpkg/status\n"
    assert apt_versions.parse_policy(text) == {"ceph-osd": []}
    assert apt_versions.parse_policy("     1 500\n        500 file:/x\n") == {"": ["1"]}


def test_rpm_says_what_is_installed() -> None:
    found = dnf_versions.parse_installed(printed("dnf/rpm-qa.out"))
    names = ("ceph", "ceph-common", "ceph-osd", "python3-rados")
    assert found.versions == dict.fromkeys(names, "2:18.2.4-0.el9")
    assert found.unfinished == {}


def test_a_package_with_two_versions_is_left_halfway() -> None:
    found = dnf_versions.parse_installed(printed("dnf/rpm-qa-twice.out"))
    assert found.versions["ceph-osd"] == "2:18.2.7-0.el9"
    assert found.unfinished == {
        "ceph-osd": "installed as 2:18.2.7-0.el9 and as 2:18.2.4-0.el9",
    }


def test_dnf_says_what_repositories_offer_newest_first() -> None:
    found = dnf_versions.parse_offered(printed("dnf/repoquery.out"))
    both = ["2:18.2.7-0.el9", "2:18.2.4-0.el9"]
    assert found["ceph-osd"] == both
    assert found["ceph-common"] == ["2:19.2.3-0.el9", *both]


def test_versions_that_are_locked() -> None:
    lines = printed("dnf/versionlock.list").splitlines()
    versions = {"ceph-osd": "2:18.2.4-0.el9", "ceph": "2:18.2.4-0.el9", "chrony": "4.5-1.el9"}
    assert dnf_versions.locked(lines, versions) == ["ceph-osd"]
    assert dnf_versions.locked(["ceph-*"], versions) == ["ceph", "ceph-osd"]
    assert dnf_versions.locked(["chrony-0:4.5-1.el9.*"], versions) == ["chrony"]
    assert dnf_versions.locked(["!ceph-osd-2:18.2.4-0.el9.*", "# ceph-osd-*", ""], versions) == []


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2:18.2.7-0.el9", "2:18.2.4-0.el9"),
        ("2:18.2.10-0.el9", "2:18.2.9-0.el9"),
        ("2:1-1", "9-1"),
        ("18.2.7.1-0", "18.2.7-5"),
        ("18.2.7-5.el9", "18.2.7-5"),
        ("18.2.7-1", "18.2.7~rc1-9"),
        ("18.2.7^git1-1", "18.2.7-1"),
        ("18.2.7.1-1", "18.2.7^git1-1"),
        ("1.0-2", "1.0-b"),
    ],
)
def test_versions_are_ordered_as_rpm_does(newer: str, older: str) -> None:
    assert dnf_versions.compare(newer, older) > 0
    assert dnf_versions.compare(older, newer) < 0
    assert dnf_versions.compare(newer, newer) == 0


def test_what_reading_itself_touches_decides_nothing(tmp_path: Path) -> None:
    database, cache = tmp_path / "var/lib/rpm", tmp_path / "var/cache/dnf/one-c532"
    database.mkdir(parents=True)
    (cache / "repodata").mkdir(parents=True)
    (cache / "repodata/repomd.xml").write_text("")
    for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal", "rpmdb.sqlite-shm", ".rpm.lock"):
        (database / name).write_text("")
    roots = Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"), usr=str(tmp_path / "usr"))
    names = [os.path.basename(path) for path in dnf_versions.deciding(roots)]
    assert "rpmdb.sqlite-wal" in names
    assert "repomd.xml" in names
    assert not {"rpmdb.sqlite-shm", ".rpm.lock"} & {*names}
    assert dnf_versions.lists_read(roots) is not None


def test_dnf_leaves_repositories_out_and_calls_that_success() -> None:
    assert unread_repositories(printed("dnf/makecache.out"), "") == ""
    said = unread_repositories(printed("dnf/makecache-left-out.out"), "")
    assert said.startswith("Failed to download metadata for repo 'two'")
    assert said.endswith("Ignoring repositories: two")
    failed = unread_repositories(printed("dnf/makecache-failed.out"), "it ended with status 1")
    assert failed.startswith("Failed to download metadata for repo 'two'")
    assert unread_repositories("", "it ended with status 9") == "it ended with status 9"


APT = """#!/bin/sh
echo "$0" >> {log}
case $0 in
  *dpkg-query) cat {cases}/dpkg-query.out ;;
  *apt-cache) cat {cases}/policy.out ;;
esac
"""


class Host:
    """A host of Debian whose programs print what was recorded, and how often they were asked."""

    def __init__(self, top: Path, programs: Path) -> None:
        self.log, self._top = top / "asked", top
        for name in ("dpkg-query", "apt-cache"):
            text = APT.format(log=self.log, cases=CASES / "apt")
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.lists = top / "var/lib/apt/lists"
        self.lists.mkdir(parents=True)
        (self.lists / "x_Packages").touch()
        for folder in ("sources.list.d", "preferences.d"):
            (top / "etc/apt" / folder).mkdir(parents=True)
        self.says("debian")

    def says(self, distribution: str) -> None:
        """Be of another distribution."""
        (self._top / "etc/os-release").write_text(f"ID={distribution}\n")

    def read(self) -> Dict[str, Any]:
        """Return the packages of the host."""
        roots = Roots(
            etc=str(self._top / "etc"), var=str(self._top / "var"), usr=str(self._top / "usr")
        )
        return read_package_versions(
            roots, JsonCache("p.json", 600, directory=str(self._top / "run"))
        )

    def asked(self) -> List[str]:
        """Return the programs that were called since this was asked last."""
        found = [line.rpartition("/")[2] for line in self.log.read_text().split()]
        self.log.write_text("")
        return found


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, only_programs_of(tmp_path, monkeypatch))


def test_a_host_says_all_of_it(host: Host) -> None:
    found = host.read()
    assert found["installed"]["ceph-osd"] == OLD
    assert found["offered"]["ceph-osd"] == [NEXT, NEW, OLD]
    assert (found["held"], found["unfinished"], found["problem"]) == (["ceph-osd"], {}, "")
    assert found["lists_read"] == int(os.stat(host.lists).st_mtime)


def test_it_is_asked_again_when_packages_lists_or_sources_have_changed(host: Host) -> None:
    first = host.read()
    assert host.asked() == ["dpkg-query", "apt-cache"]
    assert host.read() == first
    assert host.asked() == []
    (host.lists / "y_Packages").touch()
    host.read()
    assert host.asked() == ["dpkg-query", "apt-cache"]
    (host._top / "etc/apt/sources.list.d/more.list").write_text("deb x")
    host.read()
    assert host.asked() == ["dpkg-query", "apt-cache"]
    (host._top / "var/lib/dpkg").mkdir()
    (host._top / "var/lib/dpkg/status").touch()
    host.read()
    assert host.asked() == ["dpkg-query", "apt-cache"]


def test_what_cannot_be_said_is_a_problem_and_not_kept(host: Host, tmp_path: Path) -> None:
    program = tmp_path / "bin/apt-cache"
    text = program.read_text()
    program.write_text("#!/bin/sh\necho 'E: no room' >&2; exit 100\n")
    found = host.read()
    assert found["installed"]["ceph-osd"] == OLD
    assert found["offered"] == {}
    assert "E: no room" in found["problem"]
    program.write_text(text)
    assert host.read()["problem"] == ""

    host.says("plan9")
    assert "not known" in host.read()["problem"]


def test_lists_that_were_never_read(host: Host) -> None:
    (host.lists / "x_Packages").unlink()
    assert host.read()["lists_read"] is None
