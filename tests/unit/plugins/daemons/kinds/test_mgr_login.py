"""What managers log in with leaves a host with the last manager there.

Seen to fail without ``Manager.make_extra``: key and token stayed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.kinds.registry import extras_of
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.osd_host import OsdHost

LOGIN = ("identity", "awx/token")
REST = ("awx/ca.pem", "known_hosts", "jobs/a/record.json")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    found = OsdHost(tmp_path, {}, monkeypatch)
    top = Path(found.roots.var).parent
    assert tmp_path in (top, *top.parents)
    # The manifest is read there; without it /usr would be this machine's.
    found.roots.usr = str(top / "usr")
    return found


def manager(host: OsdHost, name: str) -> Daemon:
    found = Daemon(host.roots, "mgr", name)
    Path(found.data_path).mkdir(parents=True)
    units = host.top / "units"
    units.mkdir(exist_ok=True)
    (units / found.unit).write_text("active\n")
    (units / f"{found.unit}.enabled").write_text("enabled\n")
    return found


def state_directory(roots: Roots, path: str = "var/lib/ceph/orch-ansible") -> Path:
    state = Path(roots.var).parent / path
    for name in (*LOGIN, *REST):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("text")
    return state


def remove(host: OsdHost, *daemons: Daemon) -> None:
    Removal(host.roots, daemons, extras_of(host.roots), purge=False).do()


def there(state: Path) -> set[str]:
    return {str(path.relative_to(state)) for path in state.rglob("*") if path.is_file()}


def test_key_and_token_go_with_the_last_manager_and_records_stay(host: OsdHost) -> None:
    daemon, state = manager(host, "h1"), state_directory(host.roots)
    Removal(host.roots, [daemon], extras_of(host.roots), purge=False).predict()
    assert there(state) == {*LOGIN, *REST}
    remove(host, daemon)
    assert there(state) == set(REST)


def test_they_stay_while_another_manager_is_there(host: OsdHost) -> None:
    first, second, state = manager(host, "a"), manager(host, "b"), state_directory(host.roots)
    remove(host, first)
    assert there(state) == {*LOGIN, *REST}
    remove(host, second)
    assert there(state) == set(REST)


def test_they_stay_while_the_host_starts_another_manager(host: OsdHost) -> None:
    """Its directory may be elsewhere (mgr_data)."""
    daemon, state = manager(host, "a"), state_directory(host.roots)
    wants = Path(host.roots.etc) / "systemd/system/ceph-mgr.target.wants"
    wants.mkdir(parents=True)
    (wants / "ceph-mgr@b.service").symlink_to("/usr/lib/systemd/system/ceph-mgr@.service")
    remove(host, daemon)
    assert there(state) == {*LOGIN, *REST}


def test_two_that_go_at_once_are_the_last(host: OsdHost) -> None:
    daemons, state = [manager(host, "a"), manager(host, "b")], state_directory(host.roots)
    remove(host, *daemons)
    assert there(state) == set(REST)


def test_where_the_installation_keeps_them_counts(host: OsdHost) -> None:
    daemon = manager(host, "h1")
    state, usual = state_directory(host.roots, "srv/orch"), state_directory(host.roots)
    manifest = Path(host.roots.usr) / "share/ceph-orch-ansible/installed.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"state_directory": "/srv/orch"}))
    remove(host, daemon)
    assert there(state) == there(usual) == set(REST)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state_directory": 3}'])
def test_a_manifest_that_says_nothing_leaves_the_usual_place(host: OsdHost, text: str) -> None:
    daemon, state = manager(host, "h1"), state_directory(host.roots)
    manifest = Path(host.roots.usr) / "share/ceph-orch-ansible/installed.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(text)
    remove(host, daemon)
    assert there(state) == set(REST)


@pytest.mark.parametrize("link", ["", "awx"])
def test_no_link_is_followed(host: OsdHost, link: str) -> None:
    """Who runs managers could have root delete files elsewhere. Seen to fail without O_NOFOLLOW."""
    daemon = manager(host, "h1")
    elsewhere = state_directory(host.roots, "root/other")
    state = Path(host.roots.var) / "lib/ceph/orch-ansible"
    (state if link else state.parent).mkdir(parents=True, exist_ok=True)
    (state / link).symlink_to(elsewhere / link)
    remove(host, daemon)
    assert there(elsewhere) == {*LOGIN, *REST}


def test_a_host_without_them_is_left_alone(host: OsdHost) -> None:
    daemon = manager(host, "h1")
    remove(host, daemon)
    assert not Path(daemon.data_path).exists()
