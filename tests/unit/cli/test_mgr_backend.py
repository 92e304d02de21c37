"""``orch-ansible mgr enable|disable|status`` against a cluster made of a dictionary."""

from __future__ import annotations

import json

import pytest

from adapter.cli.ceph import Ceph, CephError, orchestrator_status
from tests.unit.cli.door import Door
from tests.unit.cli.managers_ceph import STATUS, ManagersCeph


def test_enable_is_refused_while_osds_are_in_the_commands_own_queue(
    door: Door, cluster: ManagersCeph
) -> None:
    queue = door.directory / "osd_removal"
    queue.mkdir()
    (queue / "3.yml").write_text("osd_id: [")

    line = door.refused("mgr", "enable", status=1)

    assert line.startswith("osd.3 is being removed by `orch-ansible` (queue in ")
    assert line.endswith("`orch-ansible osd rm stop 3` gives it back.")
    assert not cluster.enabled


def test_enable_sets_the_backend_and_says_why_so(door: Door, cluster: ManagersCeph) -> None:
    result = door.run("mgr", "enable")

    assert result.stdout == STATUS
    assert "--force" in result.stderr
    assert "enum" in result.stderr, "why this way"
    changes = [call for call in cluster.calls if " enable " in call or " set " in call]
    assert changes == [
        "mgr module enable ansible",
        "config set mgr mgr/orchestrator/orchestrator ansible --force",
    ]
    assert door.pauses >= 1, "it waited for the module"


def test_managers_that_can_load_no_orchestrator_have_no_backend(
    door: Door, cluster: ManagersCeph
) -> None:
    """Debian 13's: seen to fail before with `unrecognized key` and `invalid command`."""
    cluster.unable = ["a", "b"]

    said = door.refused("mgr", "enable", status=1)

    assert "cannot load Ceph's orchestrator (manager a: PyO3 modules do not)" in said
    assert "docs/versions.md" in said
    assert not cluster.enabled
    assert orchestrator_status(cluster)["backend"] == ""


def test_a_manager_that_can_load_it_may_have_a_backend(cluster: ManagersCeph) -> None:
    """Whoever does not answer now is no proof that there is none."""
    cluster.unable, cluster.backend = ["a"], "cephadm"

    with pytest.raises(CephError):
        orchestrator_status(cluster)


def test_an_active_manager_that_can_load_none_has_no_backend_where_none_is_set(
    cluster: ManagersCeph,
) -> None:
    """An upgrade of Debian 13's Ceph that was paused between two managers could not go on."""
    cluster.unable = ["a"]

    found = orchestrator_status(cluster)

    assert found == {"backend": "", "reason": "manager a: PyO3 modules do not"}


def test_before_it_is_enabled_the_status_says_why_managers_lack_it(
    door: Door, cluster: ManagersCeph
) -> None:
    cluster.has_module = {"a": False, "b": False}
    assert "(as read when each manager started" in door.run("mgr", "status").stdout
    cluster.enabled = True
    assert "(as read when each manager started" not in door.run("mgr", "status").stdout


def test_enable_twice_changes_nothing(door: Door, cluster: ManagersCeph) -> None:
    door.run("mgr", "enable")
    cluster.calls.clear()

    assert "already" in door.run("mgr", "enable").stderr
    assert not [call for call in cluster.calls if " enable " in call or " set " in call]


def test_another_backend_is_replaced_only_when_asked(door: Door, cluster: ManagersCeph) -> None:
    cluster.backend = "cephadm"

    assert "--replace" in door.refused("mgr", "enable", status=1)
    assert (cluster.enabled, cluster.backend) == (False, "cephadm")
    door.run("mgr", "enable", "--replace")
    assert cluster.backend == "ansible"


def test_a_manager_without_the_module_is_named(door: Door, cluster: ManagersCeph) -> None:
    cluster.has_module["b"] = False

    result = door.run("mgr", "enable")

    assert "Warning: manager b does not have the module" in result.stderr
    assert "mgr module enable ansible --force" in cluster.calls


def test_an_active_manager_without_the_module(door: Door, cluster: ManagersCeph) -> None:
    cluster.has_module["a"] = False

    result = door.run("mgr", "enable", status=1)

    assert "The active manager a has not loaded the module" in result.stderr
    assert "mgr install" in result.stderr
    assert not cluster.enabled, "it is disabled again: otherwise the cluster would complain"


def test_a_module_that_failed_is_explained_by_the_health(door: Door, cluster: ManagersCeph) -> None:
    cluster.slow = 10**9
    cluster.health = {
        "checks": {
            "MGR_MODULE_ERROR": {"detail": [{"message": "Module 'ansible' has failed: boom"}]}
        }
    }

    result = door.run("mgr", "enable", status=1)

    assert "Module 'ansible' has failed: boom" in result.stderr.splitlines()[-1]
    assert cluster.backend == ""


def test_no_manager_at_all(door: Door, cluster: ManagersCeph) -> None:
    cluster.active = ""

    assert "No manager is active" in door.refused("mgr", "enable", status=1)


def test_disable_and_again(door: Door, cluster: ManagersCeph) -> None:
    door.run("mgr", "enable")
    door.run("mgr", "disable")

    assert (cluster.enabled, cluster.backend) == (False, "")
    cluster.calls.clear()
    assert "is not enabled" in door.run("mgr", "disable").stderr
    assert not [call for call in cluster.calls if "disable" in call or "set" in call]


def test_disable_returns_when_the_managers_have_begun_anew(
    door: Door, cluster: ManagersCeph
) -> None:
    """Whoever takes the files away at once took them from a manager that was loading them."""
    door.run("mgr", "enable")
    gids = dict(cluster.gids)
    said = door.run("mgr", "disable").stderr

    assert not cluster.restarting
    assert all(cluster.gids[name] > gids[name] for name in gids)
    assert "the managers restart for that" in said


def test_the_module_is_disabled_before_the_backend_is_cleared(
    door: Door, cluster: ManagersCeph
) -> None:
    """Without a backend it went on with what it was asked for, and nobody could see that."""
    door.run("mgr", "enable")
    cluster.calls.clear()
    door.run("mgr", "disable")

    changes = ["mgr module disable ansible", "orch set backend "]
    assert [call for call in cluster.calls if call in changes] == changes


def test_a_standby_that_does_not_come_back_is_named(door: Door, cluster: ManagersCeph) -> None:
    door.run("mgr", "enable")
    before, cluster.lost_by_disabling = door.now, ["b"]
    said = door.run("mgr", "disable", status=1).stderr

    assert "manager b did not come back within 180 s" in said.splitlines()[-1]
    assert "`orch-ansible mgr disable` again" in said
    assert 180 <= door.now - before < 200, "it is bounded"
    assert not cluster.enabled
    assert "The orchestrator has no backend now." in door.run("mgr", "disable").stderr


def test_a_backend_whose_module_was_taken_away_is_cleared(
    door: Door, cluster: ManagersCeph
) -> None:
    """`ceph orch status` says `Module not found` then, and does not name it."""
    cluster.backend = "ansible"

    assert "Backend          ansible" in door.run("mgr", "status").stdout
    door.run("mgr", "disable")
    assert cluster.backend == ""


def test_without_a_manager_the_monitors_clear_the_backend(
    door: Door, cluster: ManagersCeph
) -> None:
    cluster.backend, cluster.enabled, cluster.active = "ansible", True, ""
    cluster.restart_takes = 0

    door.run("mgr", "disable")
    assert (cluster.enabled, cluster.backend) == (False, "")
    assert "config rm mgr mgr/orchestrator/orchestrator" in cluster.calls


def test_a_manager_that_could_not_load_the_files_loads_them_again(
    door: Door, cluster: ManagersCeph
) -> None:
    """It gives no reason (20.2.4), and the restart that enabling means is the remedy."""
    cluster.unloaded = ["a"]

    assert "`systemctl restart ceph-mgr@a` on its host" in door.run("mgr", "status").stdout
    door.run("mgr", "enable")
    assert "mgr module enable ansible --force" in cluster.calls
    assert cluster.backend == "ansible"


def test_a_manager_that_cannot_load_the_files_is_to_be_restarted(
    door: Door, cluster: ManagersCeph
) -> None:
    cluster.unloaded, cluster.enabled, cluster.slow = ["a"], True, 10**9

    said = door.run("mgr", "enable", status=1).stderr
    assert "`systemctl restart ceph-mgr@a`" in said.splitlines()[-1]
    assert door.now == 0, "it is seen at once"


def test_disable_leaves_another_backend(door: Door, cluster: ManagersCeph) -> None:
    cluster.backend, cluster.enabled = "cephadm", True

    door.run("mgr", "disable")

    assert (cluster.enabled, cluster.backend) == (False, "cephadm")


def test_status_tells_host_and_cluster(door: Door, cluster: ManagersCeph) -> None:
    text = door.run("mgr", "status").stdout
    assert "Installed here   no" in text
    assert "Backend          -" in text
    (door.directory / "machine").mkdir()
    door.run("mgr", "install")
    door.run("mgr", "enable")

    data = json.loads(door.run("mgr", "status", "-f", "json").stdout)

    assert data["here"]["installed"]
    assert data["here"]["differences"] == []
    assert data["cluster"]["backend"] == "ansible"
    assert data["cluster"]["managers_with_module"] == ["a", "b"]


def test_status_without_a_cluster(door: Door) -> None:
    door.ceph = Ceph("/nope/ceph")

    assert "not asked: `ceph` cannot be run" in door.run("mgr", "status").stdout
