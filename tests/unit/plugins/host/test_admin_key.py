"""The administrator's keyring on a host: put there, renewed, taken away; others' files stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from plugins.module_utils.cluster.access import Access, AccessRefused
from plugins.module_utils.host.admin_key import AdminKey
from plugins.module_utils.host.admin_state import MARK, digest_of, read_admin
from plugins.module_utils.host.preparation import Preparation
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import FSID

KEY = "AQDt8pZkAAAAABAA" + "0" * 22 + "=="
GIVEN = f'[client.admin]\n\tkey = {KEY}\n\tcaps mon = "allow *"\n'
OTHER = GIVEN.replace("AQDt", "AQXX")
CONF = f"[global]\n\tfsid = {FSID}\n\tmon_host = 10.0.0.1\n"


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


def keyring(tmp_path: Path) -> Path:
    return tmp_path / "etc/ceph/ceph.client.admin.keyring"


def put(roots: Roots, given: str = GIVEN, check: bool = False) -> Dict[str, Any]:
    preparation = Preparation(roots, FSID, check)
    preparation.configure(CONF)
    preparation.make_administrator(given)
    assert KEY not in repr((preparation.result, preparation.diff))
    return dict(preparation.result["access"])


def take(roots: Roots, check: bool = False) -> Any:
    preparation = Preparation(roots, FSID, check)
    preparation.unmake_administrator()
    assert preparation.changed == (preparation.result["access"]["admin"] != "absent")
    return preparation.result["access"]["admin"]


def test_it_is_put_there_for_root_alone_and_taken_away(roots: Roots, tmp_path: Path) -> None:
    assert read_admin(roots) is None
    assert put(roots, check=True) == {"conf": "would be written", "admin": "would be written"}
    assert not keyring(tmp_path).exists()
    assert put(roots) == {"conf": "written", "admin": "written"}
    assert put(roots) == {"conf": "present", "admin": "present"}
    assert keyring(tmp_path).stat().st_mode & 0o7777 == 0o600
    assert keyring(tmp_path).read_text() == f"{MARK}\n[client.admin]\n\tkey = {KEY}\n"
    assert read_admin(roots) == {"ours": True, "key": digest_of(KEY)}

    assert take(roots, check=True) == "would be removed"
    assert keyring(tmp_path).exists()
    assert take(roots) == "removed"
    assert list((tmp_path / "etc/ceph").iterdir()) == []
    assert take(roots) == "absent"


def test_another_key_is_written(roots: Roots, tmp_path: Path) -> None:
    put(roots)
    assert put(roots, OTHER)["admin"] == "written"
    assert "AQXX" in keyring(tmp_path).read_text()


@pytest.mark.parametrize("text", [GIVEN, OTHER, "", f"# a note\n{MARK}\n{OTHER}"])
def test_the_file_of_somebody_else_stays(roots: Roots, tmp_path: Path, text: str) -> None:
    keyring(tmp_path).parent.mkdir(parents=True)
    keyring(tmp_path).write_text(text)
    assert put(roots)["admin"] == "present"
    assert take(roots) == "absent"
    assert keyring(tmp_path).read_text() == text
    found = read_admin(roots)
    assert found is not None
    assert found["ours"] is False


def test_keys_of_others_in_our_file_stay(roots: Roots, tmp_path: Path) -> None:
    put(roots)
    with keyring(tmp_path).open("a") as stream:
        stream.write("[client.me]\n\tkey = x\n")
    assert put(roots, OTHER)["admin"] == "written"
    assert take(roots) == "removed"
    assert keyring(tmp_path).read_text() == "[client.me]\n\tkey = x\n"
    assert keyring(tmp_path).stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "etc/ceph/ceph.conf").exists(), "the key needs it"


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/ceph/osd/ceph-1/keyring",
        "var/lib/ceph/radosgw/ceph-rgw.a/keyring",
        "etc/ceph/ceph.client.crash.h1.keyring",
    ],
)
def test_a_configuration_that_a_daemon_needs_stays(roots: Roots, tmp_path: Path, path: str) -> None:
    put(roots)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("x")
    assert take(roots) == "removed"
    assert not keyring(tmp_path).exists()
    assert (tmp_path / "etc/ceph/ceph.conf").exists()


@pytest.mark.parametrize(
    "change", [lambda text: text + "[osd]\nx = 1\n", lambda text: text.replace("10.0.0.1", "a")]
)
def test_a_configuration_that_somebody_changed_stays(
    roots: Roots, tmp_path: Path, change: Any
) -> None:
    put(roots)
    conf = tmp_path / "etc/ceph/ceph.conf"
    conf.write_text(change(conf.read_text()))
    take(roots)
    assert conf.exists()


def test_a_host_of_another_cluster_keeps_everything(roots: Roots, tmp_path: Path) -> None:
    put(roots)
    assert AdminKey(roots, FSID[::-1]).to_remove() == {}
    assert Access(roots, FSID).conf_path == str(tmp_path / "etc/ceph/ceph.conf")


def test_a_keyring_without_the_key_is_refused(roots: Roots) -> None:
    with pytest.raises(AccessRefused, match=r"no key of client\.admin"):
        put(roots, "[client.me]\n\tkey = x\n")
