"""A manager's host without the administrator's keyring, and one whose manager is starting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from adapter.cli.ceph import Ceph, CephError
from adapter.cli.mgr_here import ManagersHere
from adapter.errors import NotReady

REFUSED = "[errno 13] RADOS permission denied (error connecting to the cluster)"


class Monitors(Ceph):
    """``ceph`` as this host may use it: with a key of whom, or none."""

    def __init__(self, entity: str = "client.admin") -> None:
        self.entity = entity
        self.asked: List[Tuple[str, str]] = []
        self.enabled = False
        self.gids = {"h1": 11, "h2": 12}
        self.ready = True
        self.records = {"mgr/ansible/host.h1": "{}"}

    def known_as(self, entity: str, keyring: str) -> Ceph:
        """Return the same with a manager's key."""
        other = Monitors(entity)
        other.__dict__.update({**self.__dict__, "entity": entity})
        assert Path(keyring).is_file()
        return other

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Answer."""
        line = " ".join(words).replace(" --format json", "")
        self.asked.append((self.entity, line))
        if not self.entity:
            raise CephError([*words], REFUSED, 13)
        answers: Dict[str, Any] = {
            "config-key ls": sorted(self.records),
            "mgr dump": {
                "active_name": "h1",
                "active_gid": self.gids["h1"],
                "available": self.ready,
                "available_modules": [],
                "standbys": [
                    {"name": name, "gid": gid, "available_modules": []}
                    for name, gid in self.gids.items()
                    if name != "h1"
                ],
                "modules": ["ansible"] if self.enabled else [],
            },
        }
        if line.startswith("config-key rm"):
            return str(self.records.pop(words[2]))
        return json.dumps(answers[line])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the directory of managers on h2, with what is left of one that was never made."""
    for name in ("ceph-h2", "ceph-gone"):
        (tmp_path / name).mkdir()
    (tmp_path / "ceph-h2" / "keyring").write_text("")
    return tmp_path


def here(monitors: Monitors, data: Path, *, runs: bool = True) -> ManagersHere:
    """Return the managers of h2."""
    return ManagersHere(monitors, data, lambda _: runs)


class Clock:
    """Asks so often as there are seconds; ``then`` happens between the questions."""

    def __init__(self, then: Any = lambda _: None) -> None:
        self.asked, self._then = 0, then

    def until(self, done: Any, seconds: float) -> str:
        """Ask; return why not."""
        for _ in range(int(seconds) + 1):
            self.asked += 1
            if done():
                return ""
            self._then(self.asked)
        return "it did not answer"


def test_a_host_without_the_administrators_key_keeps_the_monitors_records(data: Path) -> None:
    monitors = Monitors("")

    (line,) = here(monitors, data).purge_records(check=False)

    assert line.startswith("keep what the monitors have: there is no administrator's keyring")
    assert ("mgr.h2", "mgr dump") in monitors.asked, "asked with the manager's own key"
    assert monitors.records


def test_such_a_host_is_not_purged_while_the_module_is_enabled(data: Path) -> None:
    monitors = Monitors("")
    monitors.enabled = True

    with pytest.raises(NotReady, match="`orch-ansible mgr disable` first"):
        here(monitors, data).purge_records(check=False)
    assert "refuse: " in here(monitors, data).purge_records(check=True)[0]


def test_without_any_key_it_is_refused_for_that_reason(data: Path) -> None:
    (data / "ceph-h2" / "keyring").unlink()

    with pytest.raises(CephError, match="permission denied"):
        here(Monitors(""), data).purge_records(check=False)


def test_with_the_administrators_key_the_records_go(data: Path) -> None:
    monitors = Monitors()

    assert here(monitors, data).purge_records(check=False) == [
        "remove mgr/ansible/host.h1 from the monitors (ceph config-key)"
    ]
    assert not monitors.records


def test_files_stay_until_the_manager_of_this_host_has_started(data: Path) -> None:
    monitors, said = Monitors(), []
    del monitors.gids["h2"]
    clock = Clock(lambda asked: monitors.gids.update({"h2": 22} if asked > 3 else {}))

    here(monitors, data).wait_for_start(clock.until, said.append)

    assert said == ["Waiting until the manager h2 has started ..."]
    assert clock.asked > 4


def test_one_that_does_not_start_keeps_its_files(data: Path) -> None:
    monitors = Monitors()
    del monitors.gids["h2"]

    with pytest.raises(NotReady, match=r"manager h2 of this host has not started within 180 s"):
        here(monitors, data).wait_for_start(Clock().until, lambda _: None)


@pytest.mark.parametrize("runs", [True, False])
def test_nobody_waits_for_one_that_runs_or_is_stopped(data: Path, runs: bool) -> None:
    monitors, said = Monitors(), []
    if not runs:
        del monitors.gids["h2"]

    here(monitors, data, runs=runs).wait_for_start(Clock().until, said.append)

    assert said == []


def test_nobody_waits_for_a_cluster_that_does_not_answer(data: Path) -> None:
    (data / "ceph-h2" / "keyring").unlink()
    here(Monitors(""), data).wait_for_start(Clock().until, lambda _: None)
    (data / "ceph-h2" / "keyring").write_text("")

    class Silent(Monitors):
        def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
            raise CephError([*words], "no answer within 40 s", 110)

    monitors = Silent()
    here(monitors, data).wait_for_start(Clock().until, lambda _: None)
    (line,) = here(monitors, data).still_enabled()
    assert line.startswith("Warning: whether the module ansible is enabled is not known")


def test_files_that_go_while_the_module_is_enabled(data: Path) -> None:
    monitors = Monitors("")
    assert here(monitors, data).still_enabled() == []
    monitors.enabled = True

    (line,) = here(monitors, data).still_enabled()

    assert "the module ansible is enabled in this cluster" in line
    assert "`ceph mgr module disable ansible`, then `ceph orch set backend ''`" in line


def test_a_host_without_a_manager_has_nothing_to_say(tmp_path: Path) -> None:
    monitors = Monitors("")
    found = ManagersHere(monitors, tmp_path / "none")
    assert found.still_enabled() == []
    found.wait_for_start(Clock().until, lambda _: None)
    assert monitors.asked == []
