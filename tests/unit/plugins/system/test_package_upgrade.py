"""The upgrade of a host's packages: what is refused before, and what is said of what failed."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import List, Tuple

import pytest

from plugins.module_utils.system.command import Answer
from plugins.module_utils.system.host_lock import HostLock
from plugins.module_utils.system.package_manager import PackagesRefused
from plugins.module_utils.system.package_upgrade import PackageUpgrade
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.system.upgrade_transactions import (
    AptTransaction,
    failed_script,
    given_up,
    lacking_space,
    package_sizes,
    removed,
    to_fetch,
    unmet,
)
from tests.unit.plugins.programs import only_programs_of

DPKG = "#!/bin/sh\nprintf 'ii \\tceph-mon\\t20.2.4+ds-2\\tceph\\n%s \\tceph-mds\\t%s\\tceph\\n'\n"
POLICY = """#!/bin/sh
for name in ceph-mon ceph-mds; do
echo "$name:"
echo "  Version table:"
echo "     20.2.5+ds-1 500"
echo "        500 http://mirror forky/main amd64 Packages"
echo " *** 20.2.4+ds-2 100"
echo "        100 /var/lib/dpkg/status"
done
"""
PROGRAMS = {
    "dpkg-query": DPKG % ("ii", "20.2.4+ds-2"),
    "apt-cache": POLICY,
    "apt-get": "#!/bin/sh\n",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = only_programs_of(tmp_path, monkeypatch)
    for name, text in PROGRAMS.items():
        write(place, name, text)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    return place


def write(place: Path, name: str, text: str) -> None:
    (place / name).write_text(text)
    (place / name).chmod(0o755)


def predicted(tmp_path: Path, target: str = "20.2.5", *, older: bool = False) -> PackageUpgrade:
    roots = Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"), usr=str(tmp_path / "usr"))
    return PackageUpgrade(roots, target, "install", 5, check=True, older=older)


def refusal(tmp_path: Path, target: str = "20.2.5", *, older: bool = False) -> str:
    with pytest.raises(PackagesRefused) as caught:
        predicted(tmp_path, target, older=older)
    return str(caught.value)


@pytest.mark.parametrize("target", ["20.2.5", "20.2.5+ds-1"])
def test_all_packages_are_named_with_their_exact_version(
    place: Path, tmp_path: Path, target: str
) -> None:
    found = predicted(tmp_path, target).changes
    assert found == {"ceph-mds": "20.2.5+ds-1", "ceph-mon": "20.2.5+ds-1"}


def test_a_second_time_nothing_changes(place: Path, tmp_path: Path) -> None:
    assert predicted(tmp_path, "20.2.4").changes == {}


def test_packages_go_back_only_where_that_is_wanted(place: Path, tmp_path: Path) -> None:
    write(place, "dpkg-query", DPKG.replace("20.2.4", "20.2.6") % ("ii", "20.2.6+ds-1"))
    said = refusal(tmp_path)
    assert (
        "20.2.6+ds-1, 20.2.6+ds-2 of ceph-mds, ceph-mon is installed, newer than 20.2.5; " in said
    )
    found = predicted(tmp_path, older=True).changes
    assert found == {"ceph-mds": "20.2.5+ds-1", "ceph-mon": "20.2.5+ds-1"}


def test_the_reason_is_said_whatever_many_packages_there_are(place: Path, tmp_path: Path) -> None:
    names = [f"ceph-{number:030}" for number in range(40)]
    rows = "".join(f"ii \\t{name}\\t20.2.6+ds-1\\tceph\\n" for name in names)
    write(place, "dpkg-query", f"#!/bin/sh\nprintf '{rows}'\n")
    write(place, "apt-cache", POLICY.replace("ceph-mon ceph-mds", " ".join(names)))
    said = refusal(tmp_path)
    assert " and 37 more is installed, newer than 20.2.5; `older` lets packages" in said


def test_packages_do_not_go_back_to_another_release(place: Path, tmp_path: Path) -> None:
    write(place, "dpkg-query", DPKG.replace("20.2.4", "21.2.0") % ("ii", "20.2.4+ds-2"))
    said = refusal(tmp_path, older=True)
    assert (
        "21.2.0+ds-2 of ceph-mon is installed, of a later release than 20.2.5: Ceph has no" in said
    )


@pytest.mark.parametrize("older", [False, True])
def test_apt_is_allowed_to_go_back_only_then(place: Path, tmp_path: Path, older: bool) -> None:
    log = tmp_path / "log"
    write(place, "systemd-run", SYSTEMD_RUN)
    write(place, "dpkg", "#!/bin/sh\n")
    write(place, "apt-get", f'#!/bin/sh\necho "$*" >>{log}\n')
    with HostLock(5.0, str(tmp_path), part="packages") as lock:
        apt = AptTransaction(Roots(), older)
        assert apt.download({"x": "1"}, lock, 30.0) == ""
        assert apt.install({"x": "1"}, lock, 30.0) == ""
    asked = log.read_text().splitlines()
    assert ["--allow-downgrades" in line for line in asked] == [older, older]


def test_packages_that_are_kept_are_refused(place: Path, tmp_path: Path) -> None:
    write(place, "dpkg-query", DPKG % ("hi", "20.2.4+ds-2"))
    assert refusal(tmp_path).startswith("ceph-mds is kept by the administrator; `apt-mark unhold`")


def test_a_repository_that_lacks_a_package_is_refused(place: Path, tmp_path: Path) -> None:
    write(place, "apt-cache", POLICY.replace("ceph-mon ceph-mds", "ceph-mon"))
    assert refusal(tmp_path) == "no repository of this host has ceph-mds in version 20.2.5."


def test_no_package_of_ceph_is_removed_for_another(place: Path, tmp_path: Path) -> None:
    write(place, "apt-get", "#!/bin/sh\necho 'Remv ceph-mds [20.2.4+ds-2]'; echo 'Remv libx [1]'\n")
    assert "apt-get would remove ceph-mds" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("marks", "section", "refused"),
    [
        ("echo site-backup", "admin", True),
        ("exit 1", "admin", True),
        ("true", "admin", False),
        ("echo site-backup", "non-free/libs", False),
    ],
)
def test_no_package_of_the_administrator_is_removed(
    place: Path, tmp_path: Path, marks: str, section: str, refused: bool
) -> None:
    write(place, "apt-get", "#!/bin/sh\necho 'Remv site-backup [1.0]'\n")
    write(place, "apt-mark", f"#!/bin/sh\n{marks}\n")
    packages = (DPKG % ("ii", "20.2.4+ds-2")).partition("\n")[2]
    write(
        place,
        "dpkg-query",
        f'#!/bin/sh\ncase "$*" in *Section*) echo {section};; *) {packages};; esac\n'.replace(
            "\n;;", ";;"
        ),
    )
    if not refused:
        assert predicted(tmp_path).changes
        return
    assert "apt-get would remove site-backup, installed by the administrator: " in refusal(tmp_path)


def test_what_was_cut_is_predicted_when_it_is_finished(place: Path, tmp_path: Path) -> None:
    """Before, apt-get may not be able to tell; it removes nothing all the same."""
    log = tmp_path / "log"
    write(place, "systemd-run", SYSTEMD_RUN)
    write(place, "dpkg", f"#!/bin/sh\necho finished >>{log}\n")
    write(place, "apt-get", f'#!/bin/sh\necho "$1" >>{log}\necho "Remv ceph-mds [1]"\n')
    with HostLock(5.0, str(tmp_path), part="packages") as lock:
        said = AptTransaction(Roots()).install({"x": "1"}, lock, 30.0, own=["x", "ceph-mds"])
    assert said == "apt-get would remove ceph-mds"
    assert log.read_text().split() == ["finished", "-s"]


def test_what_apt_cannot_resolve_is_said(place: Path, tmp_path: Path) -> None:
    said = "echo ' ceph-mon : Depends: libnew (>= 2) but it is not installable'; exit 100"
    write(place, "apt-get", f"#!/bin/sh\n{said}\n")
    assert "ceph-mon : Depends: libnew (>= 2)" in refusal(tmp_path)


# What apt 2.6 prints, and of a repository on the host itself.
URIS = """\
'http://mirror/debian/pool/c/a_16%2bds_amd64.deb' a_16+ds_amd64.deb 44776 MD5Sum:f22c7f
'https://mirror/c/b_16%2bds_all.deb' b_16+ds_all.deb 60928 SHA256:3ffb5c
'file:/var/lib/packages/c_16_amd64.deb' c_16_amd64.deb 721088 SHA256:ebd2a7
"""


OUTPUTS: List[Tuple[str, str]] = [
    (
        "Setting up ceph-mds (20.2.5) ...\nmade to fail\n"
        "dpkg: error processing package ceph-mds (--configure):\n installed ceph-mds package "
        "post-installation script subprocess returned error exit status 1\n",
        "ceph-mds (--configure): installed ceph-mds package post-installation script subprocess "
        "returned error exit status 1: made to fail",
    ),
    ("Setting up ceph-mds (20.2.5) ...\n", ""),
    ("dpkg: error processing package x (--unpack):\n", "x (--unpack)"),
    (
        "Preparing to unpack .../x.deb ...\ndpkg: unrecoverable fatal error, aborting:\n"
        " cannot flush /var/lib/dpkg/updates/tmp.i after padding: No space left on device\n"
        "E: Sub-process /usr/bin/dpkg returned an error code (2)\n",
        "dpkg: unrecoverable fatal error, aborting: cannot flush /var/lib/dpkg/updates/tmp.i after "
        "padding: No space left on device",
    ),
    (
        "dpkg: error processing archive /a/x.deb (--unpack):\n cannot copy extracted data for "
        "'./usr/bin/x' to '/usr/bin/x.dpkg-new': failed to write (No space left on device)\n",
        "dpkg: error processing archive /a/x.deb (--unpack): cannot copy extracted data for "
        "'./usr/bin/x' to '/usr/bin/x.dpkg-new': failed to write (No space left on device)",
    ),
    (
        "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n"
        "Note: removing the lock file is always wrong, can damage the locked area\n",
        "dpkg: dpkg frontend lock was locked by another process with pid 7",
    ),
]


@pytest.mark.parametrize(("text", "said"), OUTPUTS)
def test_a_script_that_fails_is_named_with_its_last_words(text: str, said: str) -> None:
    assert failed_script(text) == said


def test_apt_that_was_killed_is_told_from_one_that_gave_up() -> None:
    told = "Unpacking rbd-mirror (20.2.5) over (20.2.4) ...\n"
    killed = Answer(told, told, "it ended with status 255")
    assert given_up(killed) == (
        "apt-get was cut off, it ended with status 255; its last line: "
        "Unpacking rbd-mirror (20.2.5) over (20.2.4) ..."
    )
    failed = Answer("", "E: Failed to fetch file:/x.deb\n", "it ended with status 100")
    assert given_up(failed) == "Failed to fetch file:/x.deb"


def test_what_apt_prints() -> None:
    assert removed("Inst a\nRemv b [1]\nPurg c\nRemv\n") == ["b", "c"]
    assert unmet("x\n") == ""
    assert package_sizes("Package: a\nInstalled-Size: 10\nSize: 2048\n\nSize: x\n") == [10240]
    assert to_fetch(URIS) == 44776 + 60928


def test_packages_that_are_fetched_need_no_more_room(place: Path, tmp_path: Path) -> None:
    """Else the first host refuses what it has just fetched."""
    (tmp_path / "var/cache/apt/archives").mkdir(parents=True)
    show = "case $1 in show) echo 'Package: x'; echo \"Size: $((1 << 60))\";; *) exec {} ;; esac"
    write(place, "policy", POLICY)
    write(place, "apt-cache", "#!/bin/sh\n" + show.format(place / "policy") + "\n")
    assert predicted(tmp_path).changes
    row = f"'http://mirror/x.deb' x.deb {1 << 60} MD5Sum:0"
    write(place, "apt-get", f'#!/bin/sh\ncase $* in *--print-uris*) echo "{row}";; esac\n')
    assert "MiB are needed; make room, e.g. by `apt-get clean`" in refusal(tmp_path)


@pytest.mark.parametrize("full", ["lib/dpkg", "lib/dpkg/updates", "cache/apt/archives"])
def test_each_directory_that_is_written_to_may_be_a_file_system(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    for each in ("usr", "var/lib/dpkg/updates", "var/cache/apt/archives"):
        (tmp_path / each).mkdir(parents=True)
    asked = place / "dpkg-query"
    asked.write_text(asked.read_text() + "true\n")
    device, at = os.stat, str(tmp_path / "var" / full)

    def of_its_own(path: str, *, follow_symlinks: bool = True) -> os.stat_result:
        found = list(device(path, follow_symlinks=follow_symlinks))
        found[2] += path == at
        return os.stat_result(found)

    monkeypatch.setattr(os, "stat", of_its_own)
    monkeypatch.setattr(
        os,
        "statvfs",
        lambda path: SimpleNamespace(f_bavail=0 if path == at else 1 << 60, f_frsize=1),
    )
    assert f"{at} has 0 MiB free" in refusal(tmp_path)


def test_space_is_counted_by_file_system(tmp_path: Path) -> None:
    assert lacking_space({str(tmp_path): 1, "/no/such": 1 << 60}) == ""
    said = lacking_space({str(tmp_path): 1 << 59, str(tmp_path / "."): 1 << 59})
    assert said.startswith(f"{tmp_path} has ")
    assert "MiB are needed" in said


# As systemd has it: what was begun is followed by what stands behind it, however it ends.
SYSTEMD_RUN = r"""#!/bin/sh
before= after=:
while [ "$1" != -- ]; do
  case $1 in
    --property=ExecStartPre=*) before="${1#*=*=}" ;;
    --property=ExecStopPost=-*) after="$after; ${1#*=*=-}" ;;
  esac
  shift
done
shift
$before && "$@"
status=$?
eval "$after"
exit $status
"""


@pytest.mark.parametrize("status", [0, 100])
def test_managers_do_not_run_while_packages_change_and_run_again_however_that_ends(
    place: Path, tmp_path: Path, status: int
) -> None:
    log = tmp_path / "log"
    write(place, "systemd-run", SYSTEMD_RUN)
    write(place, "systemctl", f'#!/bin/sh\necho "systemctl $*" >>{log}\n')
    write(place, "dpkg", f"#!/bin/sh\necho dpkg >>{log}\n")
    write(place, "apt-get", f"#!/bin/sh\necho apt-get >>{log}\nexit {status}\n")
    with HostLock(5.0, str(tmp_path), part="packages") as lock:
        said = AptTransaction(Roots()).install(
            {"ceph-mgr": "20.2.5+ds-1"}, lock, 30.0, ["ceph-mgr@a.service", "ceph-mgr@b.service"]
        )
    assert bool(said) == bool(status)
    assert log.read_text().splitlines() == [
        "dpkg",
        "systemctl stop ceph-mgr@a.service ceph-mgr@b.service",
        "apt-get",
        "systemctl reset-failed ceph-mgr@a.service ceph-mgr@b.service",
        "systemctl start ceph-mgr@a.service ceph-mgr@b.service",
    ]


def test_packages_do_not_change_under_a_manager_that_cannot_be_stopped(
    place: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    write(place, "systemd-run", SYSTEMD_RUN)
    write(place, "systemctl", '#!/bin/sh\n[ "$1" != stop ] || { echo no bus >&2; exit 1; }\n')
    write(place, "dpkg", "#!/bin/sh\n")
    write(place, "apt-get", f"#!/bin/sh\necho apt-get >>{log}\n")
    with HostLock(5.0, str(tmp_path), part="packages") as lock:
        said = AptTransaction(Roots()).install({"x": "1"}, lock, 30.0, ["ceph-mgr@a.service"])
    assert "no bus" in said
    assert not log.exists()
