"""The key that OSDs are made with goes with the host, where it was put there by us."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.cluster.access import Access
from plugins.module_utils.cluster.osd_map import KEYRING_MARK
from plugins.module_utils.host.bootstrap_key import to_remove
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import FSID

KEY = "AQDt8pZkAAAAABAA" + "0" * 22 + "=="
KEYRING = f"[client.bootstrap-osd]\n\tkey = {KEY}\n"
OTHER = f"[client.other]\n\tkey = {KEY}\n"
OTHER_FSID = "11111111-0357-4387-bbbf-ce48c7b2280a"


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    (tmp_path / "etc").mkdir()
    return Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var"))


@pytest.fixture
def path(roots: Roots, tmp_path: Path) -> Path:
    access = Access(roots, FSID)
    access.write_keyring(access.keyring_to_write(KEYRING))
    assert access.keyring_to_write(KEYRING) == ""
    return tmp_path / "var/lib/ceph/bootstrap-osd/ceph.keyring"


def test_ours_goes(roots: Roots, path: Path) -> None:
    assert to_remove(roots, FSID) == {str(path): None}
    path.unlink()
    assert to_remove(roots, FSID) == {}


def test_keys_of_others_in_it_stay(roots: Roots, path: Path) -> None:
    path.write_text(path.read_text() + OTHER)
    assert to_remove(roots, FSID) == {str(path): OTHER}


def test_a_file_without_the_mark_stays(roots: Roots, path: Path) -> None:
    path.write_text(path.read_text().replace(f"{KEYRING_MARK}\n", ""))
    access = Access(roots, FSID)
    assert access.keyring_to_write(KEYRING) == ""
    assert to_remove(roots, FSID) == {}


def test_it_stays_with_an_osd(roots: Roots, path: Path, tmp_path: Path) -> None:
    (tmp_path / "var/lib/ceph/osd/ceph-3").mkdir(parents=True)
    assert to_remove(roots, FSID) == {}


def test_it_stays_on_a_host_of_another_cluster(roots: Roots, path: Path, tmp_path: Path) -> None:
    (tmp_path / "etc/ceph").mkdir()
    (tmp_path / "etc/ceph/ceph.conf").write_text(f"[global]\nfsid = {OTHER_FSID}\n")
    assert to_remove(roots, FSID) == {}
