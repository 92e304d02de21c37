"""The transaction of dnf, by what dnf 4.14 and rpm 4.18 printed with packages of Ceph's names.

Each record is the standard output or error of the command that the module runs, with an empty root.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Dict, List

import pytest

from plugins.module_utils.system.command import Answer
from plugins.module_utils.system.package_manager import PackagesRefused
from plugins.module_utils.system.package_upgrade import PackageUpgrade
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.system.upgrade_transactions import dnf_problem, replaced
from tests.unit.plugins.programs import only_programs_of

CASES = Path(__file__).parents[1] / "cases/packages/dnf/transactions"
OLD, NEW = "2:20.2.4-0.el9", "2:20.2.5-0.el9"
NAMES = ("ceph-mds", "ceph-mon", "ceph-osd")
DNF = """#!/bin/sh
echo "$*" >>{log}
case "$*" in
*repoquery*) {repoquery} ;;
*) {answer} ;;
esac
"""
DECLINED = f"cat {CASES}/predict-good.out; cat {CASES}/predict-good.err >&2; exit 1"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = only_programs_of(tmp_path, monkeypatch)
    rows = [f"{name}\t2\t20.2.4-0.el9\tceph-20.2.4-0.el9.src.rpm\n" for name in NAMES]
    (place / "rpm").write_text(f"#!/bin/sh\nprintf %s {shlex.quote(''.join(rows))}\n")
    (place / "rpm").chmod(0o755)
    (tmp_path / "etc/dnf/plugins").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text('ID="centos"\nID_LIKE="rhel fedora"\n')
    dnf(place)
    return place


def dnf(place: Path, answer: str = DECLINED, offered: tuple[str, ...] = NAMES) -> Path:
    """Let dnf offer packages, and answer so to all else; return the file with what it was asked."""
    rows = [f"{name} 2 20.2.5-0.el9\n{name} 2 20.2.4-0.el9\n" for name in offered]
    log = place / "asked"
    query = f"printf %s {shlex.quote(''.join(rows))}"
    (place / "dnf").write_text(DNF.format(log=log, repoquery=query, answer=answer))
    (place / "dnf").chmod(0o755)
    return log


def changes(tmp_path: Path, target: str = "20.2.5") -> Dict[str, str]:
    roots = Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"), usr=str(tmp_path / "usr"))
    return PackageUpgrade(roots, target, "install", 5, check=True).changes


def refusal(tmp_path: Path, target: str = "20.2.5") -> str:
    with pytest.raises(PackagesRefused) as caught:
        changes(tmp_path, target)
    return str(caught.value)


def test_all_packages_are_named_with_epoch_version_and_release(place: Path, tmp_path: Path) -> None:
    log = dnf(place)
    assert changes(tmp_path) == dict.fromkeys(NAMES, NEW)
    asked = log.read_text().splitlines()[-1].split()
    assert asked == ["-C", "--assumeno", "install", "--", *(f"{name}-{NEW}" for name in NAMES)]
    assert changes(tmp_path, "20.2.4") == {}


def test_packages_do_not_go_back_by_a_word_too_little(place: Path, tmp_path: Path) -> None:
    """dnf itself installs an older version as well, and asks nobody."""
    rpm = place / "rpm"
    rpm.write_text(rpm.read_text().replace("20.2.4-0", "20.2.6-0"))
    assert (
        "2:20.2.6-0.el9 of ceph-mds, ceph-mon, ceph-osd is installed, newer than 20.2.5"
        in refusal(tmp_path)
    )


def test_a_package_that_is_locked_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "etc/dnf/plugins/versionlock.list").write_text(f"ceph-osd-{OLD}.*\n")
    assert refusal(tmp_path).startswith("ceph-osd is kept by the administrator; ")
    assert "dnf versionlock delete" in refusal(tmp_path)


def test_a_repository_that_lacks_a_package_is_refused(place: Path, tmp_path: Path) -> None:
    dnf(place, offered=NAMES[1:])
    assert refusal(tmp_path) == "no repository of this host has ceph-mds in version 20.2.5."


def test_a_repository_that_cannot_be_asked_is_not_one_that_lacks_it(
    place: Path, tmp_path: Path
) -> None:
    (place / "dnf").write_text(
        "#!/bin/sh\necho 'Error: Cache-only enabled but no cache' >&2; exit 1\n"
    )
    assert "what the repositories have is not known" in refusal(tmp_path)


PREDICTED = [
    ("predict-dependency", "nothing provides libnew.so.2 needed by ceph-mon-2:20.2.5-0.el9.noarch"),
    ("predict-unread", "Unable to find a match: ceph-mon-2:20.2.5-0.el9"),
]


@pytest.mark.parametrize(("case", "says"), PREDICTED)
def test_what_dnf_cannot_resolve_is_said(place: Path, tmp_path: Path, case: str, says: str) -> None:
    dnf(place, f"cat {CASES}/{case}.err >&2; exit 1")
    said = refusal(tmp_path)
    assert says in said
    assert "skip-broken" not in said


def test_no_package_of_ceph_is_replaced_by_another(place: Path, tmp_path: Path) -> None:
    """Seen to fail with ``-q``, which leaves the table out."""
    dnf(place, f"cat {CASES}/predict-obsoletes.out; echo 'Operation aborted.' >&2; exit 1")
    assert "dnf would remove ceph-osd" in refusal(tmp_path)


def test_what_the_table_takes_away() -> None:
    assert replaced((CASES / "predict-good.out").read_text()) == set()
    rows = ["Upgrading:", " a noarch 1", "Removing dependent packages:", " b noarch 1", "", "Total"]
    assert replaced("\n".join(rows)) == {"b"}


DONE: List[tuple[str, int, str]] = [
    ("install-good", 0, ""),
    (
        "install-conflict",
        1,
        "Transaction test error: file /opt/f from install of ceph-mds-2:20.2.5-0.el9.noarch "
        "conflicts with file from package other-2:1.0-0.el9.noarch",
    ),
    ("install-space", 1, "needs 36MB more space on the / filesystem"),
    ("install-pre", 1, "Error in PREIN scriptlet in rpm package ceph-mds: made to fail"),
    # dnf ends well all the same.
    ("install-post", 0, "Error in POSTIN scriptlet in rpm package ceph-mds: made to fail"),
]


@pytest.mark.parametrize(("case", "status", "says"), DONE)
def test_what_went_wrong_is_said(case: str, status: int, says: str) -> None:
    """Seen to fail: of a script that fails after the installation nothing was said."""
    problem = f"dnf ended with status {status}" if status else ""
    answer = Answer("", (CASES / f"{case}.err").read_text(), problem, status)
    said = dnf_problem(answer)
    assert says in said
    assert bool(said) == bool(says)
