"""``orch-ansible mgr enable|disable|status`` against a cluster made of a dictionary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from adapter.cli.ceph import Ceph, CephError, orchestrator_status
from adapter.cli.mgr_records import purge
from adapter.errors import NotReady
from tests.unit.cli.door import Door

STATUS = "Backend: ansible\nAvailable: Yes\n"


class Cluster(Ceph):
    """The part of a cluster that is asked here, with the answers of 20.2.4."""

    def __init__(self) -> None:
        self.calls: List[str] = []
        self.enabled = False
        self.backend = ""
        self.has_module = {"a": True, "b": True}
        self.active = "a"
        self.slow = 2
        self.health: Dict[str, Any] = {}
        self.records: Dict[str, str] = {"osd/elsewhere": "x"}
        self.pending: List[Dict[str, Any]] = []
        # Managers that cannot load Ceph's orchestrator.
        self.unable: List[str] = []
        # Managers that could not load the module's files when they started.
        self.unloaded: List[str] = []
        self.gids = {"a": 11, "b": 12}
        # How many questions a restart takes, and the managers that do not come back.
        self.restart_takes, self.restarting = 3, 0
        self.lost: List[str] = []
        self.lost_by_disabling: List[str] = []

    def __call__(self, *words: str, timeout: float = 0) -> str:
        """Answer."""
        line = " ".join(words).replace(" --format json", "")
        self.calls.append(line)
        self._go_on_restarting()
        if self.restarting and line.startswith(("orch ", "ansible ")):
            raise CephError(list(words), "Error EAGAIN: starting", 11)
        for prefix, method in (
            ("mgr dump", self._dump),
            ("mgr module enable ansible", self._enable),
            ("mgr module disable ansible", self._disable),
            ("ansible get-user", self._user),
            ("config set mgr mgr/orchestrator/orchestrator ansible --force", self._set),
            ("config dump", self._options),
            ("config rm mgr mgr/orchestrator/orchestrator", self._clear),
            ("orch set backend", self._clear),
            ("orch status", self._status),
            ("health detail", lambda _: json.dumps(self.health)),
            ("config-key dump mgr/ansible/", lambda _: json.dumps(self.records)),
            ("config-key ls", lambda _: json.dumps(sorted(self.records))),
            ("config-key set mgr/ansible/state.present", self._mark),
            ("config-key rm", lambda words: self.records.pop(words[2])),
            ("ansible pending", self._pending),
        ):
            if line.startswith(prefix):
                return str(method(words))
        raise AssertionError(line)

    def _go_on_restarting(self) -> None:
        """Come one step nearer to what managers are after a restart."""
        self.restarting = max(0, self.restarting - 1)
        if self.restarting == 1:
            self.gids = {name: gid + 10 for name, gid in self.gids.items()}
            self.unloaded = []

    def _dump(self, _: Any) -> str:
        def modules(name: str) -> list[Dict[str, Any]]:
            orchestrator = {"name": "orchestrator", "can_run": name not in self.unable}
            can_run = name not in self.unloaded
            ours = [{"name": "ansible", "can_run": can_run}] if self.has_module[name] else []
            return [{**orchestrator, "error_string": "PyO3 modules do not"}, *ours]

        there = {name: gid for name, gid in self.gids.items() if name not in self.lost}
        standbys = [
            {"name": name, "gid": there[name], "available_modules": modules(name)}
            for name in ("b",)
            if name in there
        ]

        return json.dumps(
            {
                "active_name": self.active,
                "active_gid": self.gids["a"],
                "available": not self.restarting,
                "available_modules": modules("a"),
                "standbys": standbys,
                "modules": ["nfs", *(["ansible"] if self.enabled else [])],
            }
        )

    def _enable(self, words: Any) -> str:
        if not all(self.has_module.values()) and "--force" not in words:
            raise CephError(list(words), "Error ENOENT: all mgr daemons do not support it", 2)
        if self.unloaded and "--force" not in words:
            raise CephError(list(words), "Error ENOENT: 'ansible' reports that it cannot run", 2)
        self.enabled = True
        self.restarting = self.restart_takes
        return ""

    def _disable(self, _: Any) -> str:
        self.enabled = False
        self.restarting, self.lost = self.restart_takes, self.lost_by_disabling
        return ""

    def _options(self, _: Any) -> str:
        name = "mgr/orchestrator/orchestrator"
        row = {"section": "mgr", "name": name, "value": self.backend}
        return json.dumps([row] if self.backend else [])

    def _user(self, words: Any) -> str:
        self.slow -= 1
        if not self.enabled or self.slow > 0 or not self.has_module["a"]:
            raise CephError(list(words), "Error EINVAL: invalid command", 22)
        return "root\n"

    def _set(self, _: Any) -> str:
        self.backend = "ansible"
        return ""

    def _mark(self, words: Any) -> str:
        self.records[words[2]] = words[3]
        return ""

    def _pending(self, words: Any) -> str:
        self.slow -= 1
        if self.slow > -3:
            raise CephError(list(words), "Error EINVAL: waits for the first reports", 22)
        return json.dumps(self.pending)

    def _clear(self, _: Any) -> str:
        self.backend = ""
        return ""

    def _status(self, words: Any) -> str:
        if self.active in self.unable:
            raise CephError(list(words), "Error EINVAL: invalid command", 22)
        if not self.backend:
            raise CephError(list(words), "Error ENOENT: No orchestrator configured (try ...)", 2)
        if self.backend == "ansible" and not self.enabled:
            raise CephError(list(words), "Error ENOENT: Module not found", 2)
        if "json" in words:
            return json.dumps({"available": True, "backend": self.backend})
        return STATUS


@pytest.fixture
def cluster(door: Door) -> Cluster:
    found = Cluster()
    door.ceph = found
    return found


def test_enable_is_refused_while_osds_are_in_the_commands_own_queue(
    door: Door, cluster: Cluster
) -> None:
    queue = door.directory / "osd_removal"
    queue.mkdir()
    (queue / "3.yml").write_text("osd_id: [")

    line = door.refused("mgr", "enable", status=1)

    assert line.startswith("osd.3 is being removed by `orch-ansible` (queue in ")
    assert line.endswith("`orch-ansible osd rm stop 3` gives it back.")
    assert not cluster.enabled


def test_enable_sets_the_backend_and_says_why_so(door: Door, cluster: Cluster) -> None:
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
    door: Door, cluster: Cluster
) -> None:
    """Debian 13's: seen to fail before with `unrecognized key` and `invalid command`."""
    cluster.unable = ["a", "b"]

    said = door.refused("mgr", "enable", status=1)

    assert "cannot load Ceph's orchestrator (manager a: PyO3 modules do not)" in said
    assert "docs/versions.md" in said
    assert not cluster.enabled
    assert orchestrator_status(cluster)["backend"] == ""


def test_a_manager_that_can_load_it_may_have_a_backend(cluster: Cluster) -> None:
    """Whoever does not answer now is no proof that there is none."""
    cluster.unable = ["a"]

    with pytest.raises(CephError):
        orchestrator_status(cluster)


@pytest.fixture
def kept(cluster: Cluster) -> Cluster:
    """Return a cluster that has specs of before."""
    for name in ("spec.mds.fs", "spec.mon", "host.h1", "state.present"):
        cluster.records[f"mgr/ansible/{name}"] = "{}"
    return cluster


def test_disabling_names_the_specs_that_are_kept_and_not_in_force(
    door: Door, kept: Cluster
) -> None:
    door.run("mgr", "enable")
    said = door.run("mgr", "disable").stderr
    assert "Kept, and not in force: mds.fs, mon." in said
    assert kept.records["mgr/ansible/state.present"] == '{"at": 0}'
    after = kept.calls[kept.calls.index("mgr module disable ansible") :]
    marks = 'config-key set mgr/ansible/state.present {"at": 0}'
    assert marks in after, "a manager would write it anew"


def test_work_that_waits_counts_without_a_spec(door: Door, cluster: Cluster) -> None:
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


def test_enabling_names_what_specs_of_before_would_change(door: Door, kept: Cluster) -> None:
    kept.pending = [{"what": "mds.fs", "step": "mds.x on h2 would be removed", "asked_for": False}]
    kept.health = {"checks": {"ANSIBLE_PAUSED": {}}}
    said = door.run("mgr", "enable").stderr
    assert "Kept from before: mds.fs, mon." in said
    assert "They are not in force" in said
    assert "\n  mds.fs: mds.x on h2 would be removed\n" in said
    assert "`ceph orch resume` puts them in force; `ceph ansible drop-pending` leaves" in said


def test_enabling_again_while_it_is_paused_says_the_same_and_ends_no_pause(
    door: Door, kept: Cluster
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


def test_enabling_says_when_they_are_in_force(door: Door, kept: Cluster) -> None:
    said = door.run("mgr", "enable").stderr
    assert "They are in force: nothing that runs is removed by that." in said


def test_enabling_names_what_is_done_where_nothing_waits(door: Door, kept: Cluster) -> None:
    kept.pending = [{"what": "mds.fs", "step": "daemons would be deployed on h2"}]
    said = door.run("mgr", "enable").stderr
    assert "They are in force, and this is done:\n  mds.fs: daemons would be deployed on h2" in said
    assert "nothing that runs" not in said


def test_a_module_that_somebody_else_disabled_is_no_short_absence(
    door: Door, kept: Cluster
) -> None:
    door.run("mgr", "enable")
    marked = kept.calls.index('config-key set mgr/ansible/state.present {"at": 0}')
    assert marked < kept.calls.index("mgr module enable ansible")


def test_disabling_marks_also_what_is_disabled_already(door: Door, kept: Cluster) -> None:
    said = door.run("mgr", "disable").stderr
    assert "is not enabled" in said
    assert kept.records["mgr/ansible/state.present"] == '{"at": 0}'


def test_a_purge_takes_what_the_monitors_keep(door: Door, kept: Cluster) -> None:
    lines = purge(kept, check=True)
    assert "remove mgr/ansible/spec.mds.fs from the monitors (ceph config-key)" in lines
    assert len(kept.records) == 5
    assert purge(kept, check=False) == lines
    assert kept.records == {"osd/elsewhere": "x"}
    assert purge(kept, check=False) == []


def test_a_purge_says_what_stays_on_hosts(kept: Cluster) -> None:
    kept.records["mgr/ansible/tuned_profile.net"] = "{}"
    last = purge(kept, check=False)[-1]
    assert last.startswith("leave the kernel settings of the tuned profile net on its hosts")
    assert "/etc/sysctl.d/net-ceph-orch-ansible.conf" in last


def test_a_check_of_a_purge_shows_all_while_the_module_is_enabled(
    kept: Cluster,
) -> None:
    kept.enabled, before = True, dict(kept.records)
    lines = purge(kept, check=True)
    assert "the module ansible is enabled, `orch-ansible mgr disable` first" in lines[0]
    assert "remove mgr/ansible/spec.mds.fs from the monitors (ceph config-key)" in lines
    with pytest.raises(NotReady, match="`orch-ansible mgr disable` first"):
        purge(kept, check=False)
    assert kept.records == before


def test_disabling_names_the_way_on_without_a_manager(door: Door, kept: Cluster) -> None:
    door.run("mgr", "enable")
    assert "`orch-ansible mgr take-over`" in door.run("mgr", "disable").stderr


def test_a_directory_without_hosts_names_the_manager_that_has_them(
    door: Door, cluster: Cluster
) -> None:
    assert "Manager: " not in door.run("status").stdout
    cluster.backend, cluster.enabled = "ansible", True
    said = door.run("status").stdout
    assert "Manager: this cluster's hosts are the manager's, with the backend ansible" in said
    assert "`ceph orch status` asks it" in said


def test_before_it_is_enabled_the_status_says_why_managers_lack_it(
    door: Door, cluster: Cluster
) -> None:
    cluster.has_module = {"a": False, "b": False}
    assert "(as read when each manager started" in door.run("mgr", "status").stdout
    cluster.enabled = True
    assert "(as read when each manager started" not in door.run("mgr", "status").stdout


def test_a_purge_keeps_what_gives_an_osd_back(door: Door, kept: Cluster) -> None:
    kept.records["mgr/ansible/osd_removal.6"] = "{}"
    before = dict(kept.records)
    for check in (True, False):
        with pytest.raises(NotReady, match=r"osd\.6 is being removed.*`ceph orch osd rm stop 6`"):
            purge(kept, check=check)
    assert kept.records == before


def test_enable_twice_changes_nothing(door: Door, cluster: Cluster) -> None:
    door.run("mgr", "enable")
    cluster.calls.clear()

    assert "already" in door.run("mgr", "enable").stderr
    assert not [call for call in cluster.calls if " enable " in call or " set " in call]


def test_another_backend_is_replaced_only_when_asked(door: Door, cluster: Cluster) -> None:
    cluster.backend = "cephadm"

    assert "--replace" in door.refused("mgr", "enable", status=1)
    assert (cluster.enabled, cluster.backend) == (False, "cephadm")
    door.run("mgr", "enable", "--replace")
    assert cluster.backend == "ansible"


def test_a_manager_without_the_module_is_named(door: Door, cluster: Cluster) -> None:
    cluster.has_module["b"] = False

    result = door.run("mgr", "enable")

    assert "Warning: manager b does not have the module" in result.stderr
    assert "mgr module enable ansible --force" in cluster.calls


def test_an_active_manager_without_the_module(door: Door, cluster: Cluster) -> None:
    cluster.has_module["a"] = False

    result = door.run("mgr", "enable", status=1)

    assert "The active manager a has not loaded the module" in result.stderr
    assert "mgr install" in result.stderr
    assert not cluster.enabled, "it is disabled again: otherwise the cluster would complain"


def test_a_module_that_failed_is_explained_by_the_health(door: Door, cluster: Cluster) -> None:
    cluster.slow = 10**9
    cluster.health = {
        "checks": {
            "MGR_MODULE_ERROR": {"detail": [{"message": "Module 'ansible' has failed: boom"}]}
        }
    }

    result = door.run("mgr", "enable", status=1)

    assert "Module 'ansible' has failed: boom" in result.stderr.splitlines()[-1]
    assert cluster.backend == ""


def test_no_manager_at_all(door: Door, cluster: Cluster) -> None:
    cluster.active = ""

    assert "No manager is active" in door.refused("mgr", "enable", status=1)


def test_disable_and_again(door: Door, cluster: Cluster) -> None:
    door.run("mgr", "enable")
    door.run("mgr", "disable")

    assert (cluster.enabled, cluster.backend) == (False, "")
    cluster.calls.clear()
    assert "is not enabled" in door.run("mgr", "disable").stderr
    assert not [call for call in cluster.calls if "disable" in call or "set" in call]


def test_disable_returns_when_the_managers_have_begun_anew(door: Door, cluster: Cluster) -> None:
    """Whoever takes the files away at once took them from a manager that was loading them."""
    door.run("mgr", "enable")
    gids = dict(cluster.gids)
    said = door.run("mgr", "disable").stderr

    assert not cluster.restarting
    assert all(cluster.gids[name] > gids[name] for name in gids)
    assert "the managers restart for that" in said


def test_the_module_is_disabled_before_the_backend_is_cleared(door: Door, cluster: Cluster) -> None:
    """Without a backend it went on with what it was asked for, and nobody could see that."""
    door.run("mgr", "enable")
    cluster.calls.clear()
    door.run("mgr", "disable")

    changes = ["mgr module disable ansible", "orch set backend "]
    assert [call for call in cluster.calls if call in changes] == changes


def test_a_standby_that_does_not_come_back_is_named(door: Door, cluster: Cluster) -> None:
    door.run("mgr", "enable")
    before, cluster.lost_by_disabling = door.now, ["b"]
    said = door.run("mgr", "disable", status=1).stderr

    assert "manager b did not come back within 180 s" in said.splitlines()[-1]
    assert "`orch-ansible mgr disable` again" in said
    assert 180 <= door.now - before < 200, "it is bounded"
    assert not cluster.enabled
    assert "The orchestrator has no backend now." in door.run("mgr", "disable").stderr


def test_a_backend_whose_module_was_taken_away_is_cleared(door: Door, cluster: Cluster) -> None:
    """`ceph orch status` says `Module not found` then, and does not name it."""
    cluster.backend = "ansible"

    assert "Backend          ansible" in door.run("mgr", "status").stdout
    door.run("mgr", "disable")
    assert cluster.backend == ""


def test_without_a_manager_the_monitors_clear_the_backend(door: Door, cluster: Cluster) -> None:
    cluster.backend, cluster.enabled, cluster.active = "ansible", True, ""
    cluster.restart_takes = 0

    door.run("mgr", "disable")
    assert (cluster.enabled, cluster.backend) == (False, "")
    assert "config rm mgr mgr/orchestrator/orchestrator" in cluster.calls


def test_a_manager_that_could_not_load_the_files_loads_them_again(
    door: Door, cluster: Cluster
) -> None:
    """It gives no reason (20.2.4), and the restart that enabling means is the remedy."""
    cluster.unloaded = ["a"]

    assert "`systemctl restart ceph-mgr@a` on its host" in door.run("mgr", "status").stdout
    door.run("mgr", "enable")
    assert "mgr module enable ansible --force" in cluster.calls
    assert cluster.backend == "ansible"


def test_a_manager_that_cannot_load_the_files_is_to_be_restarted(
    door: Door, cluster: Cluster
) -> None:
    cluster.unloaded, cluster.enabled, cluster.slow = ["a"], True, 10**9

    said = door.run("mgr", "enable", status=1).stderr
    assert "`systemctl restart ceph-mgr@a`" in said.splitlines()[-1]
    assert door.now == 0, "it is seen at once"


def test_disable_leaves_another_backend(door: Door, cluster: Cluster) -> None:
    cluster.backend, cluster.enabled = "cephadm", True

    door.run("mgr", "disable")

    assert (cluster.enabled, cluster.backend) == (False, "cephadm")


def test_status_tells_host_and_cluster(door: Door, cluster: Cluster) -> None:
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


def program(directory: Path, text: str) -> Ceph:
    path = directory / "ceph"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Ceph(str(path))


def test_the_reason_of_ceph_is_passed_on_in_one_line(tmp_path: Path) -> None:
    ceph = program(tmp_path, "echo 'Traceback\nmore' >&2; echo 'Error EPERM: no' >&2; exit 1")

    with pytest.raises(CephError, match=r"`ceph mgr dump` failed: Error EPERM: no\.") as caught:
        ceph("mgr", "dump")
    assert (caught.value.status, caught.value.reason) == (1, "Error EPERM: no")


def test_ceph_is_given_a_bounded_time_and_plain_words(tmp_path: Path) -> None:
    ceph = program(tmp_path, 'echo "$#:$*"')
    assert ceph("orch", "set", "backend", "") == "6:--connect-timeout 10 orch set backend \n"
    with pytest.raises(
        CephError, match=r"no answer within 0\.1 s; .*`systemctl start ceph-mon@ID`"
    ):
        program(tmp_path, "exec sleep 5")("status", timeout=0.1)


@pytest.mark.parametrize("reason", ["[errno 13] RADOS permission denied", "[errno 2] RADOS object"])
def test_a_host_without_a_key_is_not_one_without_a_quorum(tmp_path: Path, reason: str) -> None:
    ceph = program(tmp_path, f"echo '{reason} (error connecting to the cluster)' >&2; exit 1")

    with pytest.raises(CephError, match="this host has no keyring that the monitors accept") as no:
        ceph("mgr", "dump")
    assert "quorum" not in str(no.value)


def test_another_key_than_the_administrators(tmp_path: Path) -> None:
    ceph = program(tmp_path, 'echo "$*"').known_as("mgr.a", "/k")
    assert ceph("mgr", "dump").startswith("--name mgr.a --keyring /k --connect-timeout 10 mgr dump")


@pytest.mark.parametrize("text", ["echo no json", "true"])
def test_an_answer_that_is_no_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(CephError, match="not JSON"):
        program(tmp_path, text).json("mgr", "dump")


def test_no_ceph_at_all() -> None:
    with pytest.raises(NotReady, match="ceph-common"):
        Ceph("/nope/ceph")("status")
