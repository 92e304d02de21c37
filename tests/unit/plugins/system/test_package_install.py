"""What a host would install: what is missing, of what its sources have."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import List

import pytest

from plugins.module_utils.system.host_lock import HostLock
from plugins.module_utils.system.package_install import PackageInstall
from plugins.module_utils.system.package_manager import Apt, PackagesRefused
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

# Like apt on Debian 12: ceph-osd is known, ceph-volume is not, ceph-common is installed.
DPKG = "#!/bin/sh\necho 'ii  ceph-common'\n"
POLICY = "#!/bin/sh\nprintf 'ceph-osd:\\n  Installed: (none)\\n  Candidate: 16.2.15\\n'\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    place = only_programs_of(tmp_path, monkeypatch)
    for name, text in {
        "dpkg-query": DPKG,
        "apt-cache": POLICY,
        "apt-get": "#!/bin/sh\n",
    }.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    lists = tmp_path / "var/lib/apt/lists"
    lists.mkdir(parents=True)
    (lists / "x_Packages").touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    return Roots(etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


def predicted(host: Roots, names: List[str], optional: bool = False) -> PackageInstall:
    return PackageInstall(host, {"Debian": names}, optional=optional, check_mode=True)


def test_a_name_with_a_question_mark_is_left_out_where_no_source_has_it(host: Roots) -> None:
    work = predicted(host, ["ceph-osd", "ceph-volume?", "ceph-common"])
    assert work.rows == [
        {"name": "ceph-osd", "state": "would be installed"},
        {"name": "ceph-volume", "state": "unknown"},
        {"name": "ceph-common", "state": "present"},
    ]
    assert work.done == ["ceph-osd"]


def test_without_it_nothing_is_installed(host: Roots) -> None:
    with pytest.raises(PackagesRefused, match="no package source of this host has ceph-volume"):
        predicted(host, ["ceph-osd", "ceph-volume"])


def test_all_may_be_left_out(host: Roots) -> None:
    assert predicted(host, ["ceph-volume"], optional=True).done == []


@pytest.mark.parametrize("name", ["a?b", "??", "-x", "a b", ""])
def test_no_name_is_more_than_a_name(host: Roots, name: str) -> None:
    with pytest.raises(PackagesRefused, match="Invalid package"):
        predicted(host, [name])


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_lists_that_are_still_being_read_are_no_success(host: Roots, tmp_path: Path) -> None:
    run = tmp_path / "bin/systemd-run"
    run.write_text("#!/bin/sh\nexec sleep 2\n")
    run.chmod(0o755)
    with (
        HostLock(5.0, str(tmp_path), part="packages") as lock,
        pytest.raises(PackagesRefused, match="it still runs after"),
    ):
        Apt(host).read_lists(lock, 0.1)
    # systemd goes on with it; here nobody waits for it any more.
    gc.collect()
