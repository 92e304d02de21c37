"""A store that is lost, or of no use, is made anew as a member's; what was there is put aside."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import List

import pytest

from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.listing import _by_data
from plugins.module_utils.daemons.mon.store import MonStores
from plugins.module_utils.daemons.removal import Removal
from tests.unit.plugins.daemons.mon.test_store import status
from tests.unit.plugins.mon_host import CONF, KEY, Host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    found = Host(tmp_path, monkeypatch)
    yield found
    found.close()


NO_STORES = {
    "a new file system": ["lost+found/"],
    "one that was tried before": ["keyring", "kv_backend", "lost+found/"],
    "the store is lost": ["keyring", "kv_backend"],
    "a part of it is left": ["keyring", "store.db/", "store.db/000004.log"],
}


@pytest.mark.parametrize("name", NO_STORES)
def test_what_is_no_store_is_made_as_one_of_a_member(host: Host, name: str) -> None:
    host.data().mkdir(parents=True)
    for each in NO_STORES[name]:
        path = host.data() / each
        path.mkdir() if each.endswith("/") else path.touch()
    host.knows(["h1", "h2", "h3"], out=["h1"])
    assert host.stores.needs_setup(host.wanted())
    host.stores.setup(host.wanted())

    assert (host.data() / "store.db/CURRENT").exists()
    assert host.joining.members == {"h2", "h3"}
    kept = [path for each in removed(host) for path in each.rglob("*")]
    lost = [each for each in NO_STORES[name] if each != "lost+found/"]
    assert {path.name for path in kept if "lost+found" not in path.parts} == {
        each.strip("/").rpartition("/")[2] for each in lost
    }
    assert not host.stores.needs_setup(host.wanted())


def test_a_store_that_is_lost_founds_no_cluster(host: Host) -> None:
    """Nobody gives a map: it is the only monitor, or the others have no quorum."""
    host.data().mkdir(parents=True)
    (host.data() / "keyring").touch()
    (host.top / "quorum").unlink()
    with pytest.raises(DaemonRefused, match="do not give their map"):
        host.stores.setup(host.wanted())
    assert [path.name for path in host.data().iterdir()] == ["keyring"]
    assert removed(host) == []


def test_a_program_that_makes_no_store_is_not_believed(host: Host) -> None:
    program = host.top / "bin/ceph-mon"
    program.write_text("#!/bin/sh\necho already exists and is not empty >&2\n")
    with pytest.raises(DaemonRefused, match=r"ceph-mon made none in .*: already exists"):
        host.stores.setup(host.wanted())
    assert host.stores.needs_setup(host.wanted())


def removed(host: Host) -> List[Path]:
    """Return what was put aside, wherever."""
    top = host.top / "var/lib/ceph/removed"
    inside = host.data().glob(".ceph-orch-removed-*") if host.data().is_dir() else ()
    return sorted([*(top.iterdir() if top.is_dir() else ()), *inside])


def test_a_monitor_that_was_taken_out_of_the_map_is_made_anew(host: Host) -> None:
    host.has_store(["h1", "h2", "h3"])
    assert host.stores.needs_setup(host.wanted())
    assert MonStores(host.roots, CONF, touch=False).needs_setup(host.wanted()), (
        "check says the same"
    )
    host.stores.setup(host.wanted())

    (kept,) = removed(host)
    assert sorted(path.name for path in kept.iterdir()) == ["keyring", "old", "store.db"]
    assert [path.name for path in host.data().iterdir()] == ["store.db"]
    assert host.joining.members == {"h2", "h3"}
    (host.data() / "keyring").write_text(KEY)
    (host.top / "stored").write_text("epoch 0\nh1\nh2\nh3\n")
    host.stores.setup(host.wanted())
    assert removed(host) == [kept], "one that has still to join is put aside"


def test_one_that_fails_at_each_start_does_not_run(host: Host) -> None:
    host.has_store(["h1", "h2", "h3"])
    (host.top / "state").write_text("activating\n")
    (host.top / "substate").write_text("auto-restart\n")
    host.stores.setup(host.wanted())

    assert len(removed(host)) == 1
    assert (host.top / "state").read_text() == "inactive\n", "it was stopped before"


@pytest.mark.parametrize("why", ["named", "runs", "starts", "silent", "older", "unreadable"])
def test_a_store_stays_where_it_may_be_the_clusters(host: Host, why: str) -> None:
    host.has_store(["h1", "h2", "h3"], epoch=5 if why == "older" else 3)
    if why == "named":
        host.knows(["h1", "h2", "h3"], out=["h1"])
    elif why == "runs":
        host.runs(status(["h1", "h2", "h3"], [], "probing", 3))
    elif why == "starts":
        (host.top / "state").write_text("activating\n")
    elif why == "silent":
        (host.top / "quorum").unlink()
    elif why == "unreadable":
        (host.top / "stored").unlink()
    host.stores.setup(host.wanted())

    assert removed(host) == []
    assert (host.data() / "old").exists()


def test_on_a_file_system_of_its_own_the_store_is_kept_in_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.has_store(["h1", "h2", "h3"])
    (host.data() / "lost+found").mkdir()
    monkeypatch.setattr("os.path.ismount", lambda path: str(path) == host.daemon.data_path)
    host.stores.setup(host.wanted())

    (kept,) = removed(host)
    assert kept.parent == host.data()
    assert sorted(path.name for path in kept.iterdir()) == ["keyring", "old", "store.db"]
    assert sorted(path.name for path in host.data().iterdir()) == [
        kept.name,
        "lost+found",
        "store.db",
    ]
    work = Removal(host.roots, [host.daemon], {"mon": host.stores}, purge=True)
    work.do()
    assert sorted(path.name for path in host.data().iterdir()) == [kept.name, "lost+found"]
    assert _by_data(host.roots) == [], "what is left is no daemon"


@pytest.mark.parametrize("error", [errno.EBUSY, errno.EXDEV])
def test_a_store_that_cannot_be_moved_is_kept_where_it_is(
    host: Host, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    host.has_store()
    rename = os.rename

    def refuse(source: str, target: str) -> None:
        if source == host.daemon.data_path:
            raise OSError(error, os.strerror(error), source)
        rename(source, target)

    monkeypatch.setattr("os.rename", refuse)
    work = Removal(host.roots, [host.daemon], {"mon": host.stores}, purge=False)
    work.do()
    (kept,) = removed(host)
    assert work.rows[0]["kept"] == str(kept)
    assert (kept / "store.db/CURRENT").exists()
