"""Reports come from hosts, which are not trusted, and outlive the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from adapter.cluster.reports import Reports
from adapter.errors import InvalidValue

DEVICE = {"path": "/dev/sdb", "sys_api": {"size": 1.0}, "available": True}


def test_parts_are_taken_over_one_by_one_with_their_age() -> None:
    reports = Reports()
    reports.absorb("h1", {"devices": [DEVICE], "facts": {"cpu_count": 2}}, 100.0)
    reports.absorb("h1", {"daemons": [{"daemon_type": "mon"}]}, 200.0)
    report = reports.get("h1")

    assert report is not None
    assert [row["path"] for row in report.devices] == ["/dev/sdb"]
    assert report.taken == {"devices": 100.0, "facts": 100.0, "daemons": 200.0}
    assert report.serial == 2


def test_what_a_deployment_has_installed_is_no_report_of_packages() -> None:
    """Seen to fail: the host's packages were forgotten, and it counted as upgraded."""
    reports = Reports()
    reports.absorb("h1", {"packages": {"installed": {"ceph-osd": "20.2.4+ds-2"}}}, 1.0)
    rows = [{"name": "ceph-mds", "state": "installed"}]
    reports.absorb("h1", {"daemons": [], "packages": rows}, 2.0)
    report = reports.get("h1")
    assert report is not None
    assert report.packages["installed"] == {"ceph-osd": "20.2.4+ds-2"}
    assert report.taken["packages"] == 1.0


def test_settings_of_the_kernel_are_a_mapping_again() -> None:
    reports = Reports()
    text = "kernel.printk=4\t4\t1\t7\nkernel.core_pattern=|/bin/core a=b\nkernel.domainname="
    reports.absorb("h1", {"facts": {"cpu_count": 2, "sysctl_options": text}}, 1.0)
    reports.absorb("h2", {"facts": {"sysctl_options": {"kernel.printk": "4"}}}, 1.0)

    assert reports.get("h1").described() == {  # type: ignore[union-attr]
        "cpu_count": 2,
        "sysctl_options": {
            "kernel.printk": "4\t4\t1\t7",
            "kernel.core_pattern": "|/bin/core a=b",
            "kernel.domainname": "",
        },
    }
    assert reports.get("h2").described() == {  # type: ignore[union-attr]
        "sysctl_options": {"kernel.printk": "4"}
    }


def test_a_result_without_a_report_changes_nothing() -> None:
    reports = Reports()

    assert not reports.absorb("h1", {"lights": []}, 1.0)
    assert reports.get("h1") is None


@pytest.mark.parametrize(
    "result",
    [
        {"devices": "no list"},
        {"devices": [{"path": "/etc/passwd"}]},
        {"devices": [{"path": "/dev/{{ x }}"}]},
        {"devices": [{}]},
        {"facts": []},
        {"daemons": {}},
        {"daemons": [{}] * 5000},
    ],
    ids=str,
)
def test_a_wrong_shape_is_refused_and_the_old_report_stays(result: Dict[str, Any]) -> None:
    reports = Reports()
    reports.absorb("h1", {"devices": [DEVICE]}, 1.0)

    with pytest.raises(InvalidValue):
        reports.absorb("h1", result, 2.0)
    report = reports.get("h1")
    assert report is not None
    assert [row["path"] for row in report.devices] == ["/dev/sdb"]


def test_a_restarted_process_knows_the_reports_and_their_age(tmp_path: Path) -> None:
    Reports(tmp_path).absorb("h1", {"devices": [DEVICE]}, 100.0)
    again = Reports(tmp_path)
    again.load(["h1", "h2"])
    report = again.get("h1")

    assert report is not None
    assert [row["path"] for row in report.devices] == ["/dev/sdb"]
    assert report.taken == {"devices": 100.0}
    assert again.get("h2") is None
    assert (tmp_path / "h1.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"taken": 1}', '{"taken": {"devices": "x"}}'])
def test_a_damaged_file_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "h1.json").write_text(text)
    reports = Reports(tmp_path)
    reports.load(["h1"])

    assert reports.get("h1") is None


def test_a_forgotten_host_leaves_no_file(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    reports.absorb("h1", {"devices": [DEVICE]}, 100.0)
    reports.forget("h1")

    assert reports.get("h1") is None
    assert list(tmp_path.iterdir()) == []


def test_names_of_disks_outlive_the_process(tmp_path: Path) -> None:
    links = {"/dev/disk/by-id/a": ["/dev/sdb"]}
    storage = {"at_work": True, "device_mapper": False, "links": links}
    said = {"devices": [DEVICE], "storage": storage}
    Reports(tmp_path).absorb("h1", said, 100.0)
    reports = Reports(tmp_path)
    reports.load(["h1"])
    report = reports.get("h1")

    assert report is not None
    assert report.storage == storage
    assert report.taken == {"devices": 100.0}
    # A host that is older than this says nothing of it.
    reports.absorb("h1", {"devices": [DEVICE]}, 200.0)
    assert reports.get("h1").storage["device_mapper"] is None  # type: ignore[union-attr]
