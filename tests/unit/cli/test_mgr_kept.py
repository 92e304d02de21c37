"""What `mgr enable`, `disable` and a purge say of records of before."""

from __future__ import annotations

import pytest

from adapter.cli.mgr_records import purge
from adapter.errors import NotReady
from tests.unit.cli.door import Door
from tests.unit.cli.managers_ceph import ManagersCeph


@pytest.fixture
def kept(cluster: ManagersCeph) -> ManagersCeph:
    """Return a cluster that has specs of before."""
    for name in ("spec.mds.fs", "spec.mon", "host.h1", "state.present"):
        cluster.records[f"mgr/ansible/{name}"] = "{}"
    return cluster


def test_disabling_names_the_specs_that_are_kept_and_not_in_force(
    door: Door, kept: ManagersCeph
) -> None:
    door.run("mgr", "enable")
    said = door.run("mgr", "disable").stderr
    assert "Kept, and not in force: mds.fs, mon." in said
    assert kept.records["mgr/ansible/state.present"] == '{"at": 0}'
    after = kept.calls[kept.calls.index("mgr module disable ansible") :]
    marks = 'config-key set mgr/ansible/state.present {"at": 0}'
    assert marks in after, "a manager would write it anew"


def test_work_that_waits_counts_without_a_spec(door: Door, cluster: ManagersCeph) -> None:
    """A removal that nobody thinks of any more would go on by itself."""
    cluster.records["mgr/ansible/osd_removal.6"] = "{}"
    cluster.records["mgr/ansible/unused_key.mds.a"] = "{}"
    cluster.records["mgr/ansible/removed_mon.mon.h2"] = "{}"
    cluster.records["mgr/ansible/host.h1"] = "{}"
    work = "the removal of osd.6, the removal of mon.h2, the removal of mds.a"
    assert f"Kept from before: {work}." in door.run("mgr", "enable").stderr
    said = door.run("mgr", "disable").stderr
    assert f"Kept, and not in force: {work}." in said
    assert cluster.records["mgr/ansible/state.present"] == '{"at": 0}'


def test_enabling_names_what_specs_of_before_would_change(door: Door, kept: ManagersCeph) -> None:
    kept.pending = [{"what": "mds.fs", "step": "mds.x on h2 would be removed", "asked_for": False}]
    kept.health = {"checks": {"ANSIBLE_PAUSED": {}}}
    said = door.run("mgr", "enable").stderr
    assert "Kept from before: mds.fs, mon." in said
    assert "They are not in force" in said
    assert "\n  mds.fs: mds.x on h2 would be removed\n" in said
    assert "`ceph orch resume` puts them in force; `ceph ansible drop-pending` leaves" in said


def test_enabling_again_while_it_is_paused_says_the_same_and_ends_no_pause(
    door: Door, kept: ManagersCeph
) -> None:
    kept.pending = [{"what": "mds.fs", "step": "mds.x on h2 would be removed", "asked_for": False}]
    kept.health = {"checks": {"ANSIBLE_PAUSED": {}}}
    door.run("mgr", "enable")
    before = len(kept.calls)
    result = door.run("mgr", "enable")
    assert "The module ansible is enabled already." in result.stderr
    assert "They are not in force" in result.stderr
    assert "\n  mds.fs: mds.x on h2 would be removed\n" in result.stderr
    again = kept.calls[before:]
    assert not [call for call in again if "resume" in call or "state." in call]


def test_enabling_says_when_they_are_in_force(door: Door, kept: ManagersCeph) -> None:
    said = door.run("mgr", "enable").stderr
    assert "They are in force: nothing that runs is removed by that." in said


def test_enabling_names_what_is_done_where_nothing_waits(door: Door, kept: ManagersCeph) -> None:
    kept.pending = [{"what": "mds.fs", "step": "daemons would be deployed on h2"}]
    said = door.run("mgr", "enable").stderr
    assert "They are in force, and this is done:\n  mds.fs: daemons would be deployed on h2" in said
    assert "nothing that runs" not in said


def test_a_module_that_somebody_else_disabled_is_no_short_absence(
    door: Door, kept: ManagersCeph
) -> None:
    door.run("mgr", "enable")
    marked = kept.calls.index('config-key set mgr/ansible/state.present {"at": 0}')
    assert marked < kept.calls.index("mgr module enable ansible")


def test_disabling_marks_also_what_is_disabled_already(door: Door, kept: ManagersCeph) -> None:
    said = door.run("mgr", "disable").stderr
    assert "is not enabled" in said
    assert kept.records["mgr/ansible/state.present"] == '{"at": 0}'


def test_a_purge_takes_what_the_monitors_keep(door: Door, kept: ManagersCeph) -> None:
    lines = purge(kept, check=True)
    assert "remove mgr/ansible/spec.mds.fs from the monitors (ceph config-key)" in lines
    assert len(kept.records) == 5
    assert purge(kept, check=False) == lines
    assert kept.records == {"osd/elsewhere": "x"}
    assert purge(kept, check=False) == []


def test_a_purge_says_what_stays_on_hosts(kept: ManagersCeph) -> None:
    kept.records["mgr/ansible/tuned_profile.net"] = "{}"
    last = purge(kept, check=False)[-1]
    assert last.startswith("leave the kernel settings of the tuned profile net on its hosts")
    assert "/etc/sysctl.d/net-ceph-orch-ansible.conf" in last


def test_a_check_of_a_purge_shows_all_while_the_module_is_enabled(
    kept: ManagersCeph,
) -> None:
    kept.enabled, before = True, dict(kept.records)
    lines = purge(kept, check=True)
    assert "the module ansible is enabled, `orch-ansible mgr disable` first" in lines[0]
    assert "remove mgr/ansible/spec.mds.fs from the monitors (ceph config-key)" in lines
    with pytest.raises(NotReady, match="`orch-ansible mgr disable` first"):
        purge(kept, check=False)
    assert kept.records == before


def test_disabling_names_the_way_on_without_a_manager(door: Door, kept: ManagersCeph) -> None:
    door.run("mgr", "enable")
    assert "`orch-ansible mgr take-over`" in door.run("mgr", "disable").stderr


def test_a_directory_without_hosts_names_the_manager_that_has_them(
    door: Door, cluster: ManagersCeph
) -> None:
    assert "Manager: " not in door.run("status").stdout
    cluster.backend, cluster.enabled = "ansible", True
    said = door.run("status").stdout
    assert "Manager: this cluster's hosts are the manager's, with the backend ansible" in said
    assert "`ceph orch status` asks it" in said


def test_a_purge_keeps_what_gives_an_osd_back(door: Door, kept: ManagersCeph) -> None:
    kept.records["mgr/ansible/osd_removal.6"] = "{}"
    before = dict(kept.records)
    for check in (True, False):
        with pytest.raises(NotReady, match=r"osd\.6 is being removed.*`ceph orch osd rm stop 6`"):
            purge(kept, check=check)
    assert kept.records == before


def test_a_purge_keeps_what_puts_a_host_back(door: Door, kept: ManagersCeph) -> None:
    """It was seen purged with all units of a host masked, and noout set."""
    kept.records["mgr/ansible/maintenance.h2"] = "{}"
    kept.enabled = False
    with pytest.raises(NotReady, match=r"host h2 is in maintenance.* maintenance exit h2"):
        purge(kept, check=False)
    assert "mgr/ansible/maintenance.h2" in kept.records


def test_a_purge_keeps_what_puts_back_the_flags_of_an_upgrade(
    door: Door, kept: ManagersCeph
) -> None:
    kept.records["mgr/ansible/upgrade.current"] = "{}"
    kept.enabled = False
    with pytest.raises(NotReady, match=r"an upgrade is under way.*`ceph orch upgrade stop`"):
        purge(kept, check=False)
    assert "mgr/ansible/upgrade.current" in kept.records
