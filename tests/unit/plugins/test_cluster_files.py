"""A host gets the configuration and the key of its cluster, and of no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.cluster_conf import MARK
from plugins.module_utils.cluster_files import Access, AccessRefused
from plugins.module_utils.reading import Roots
from plugins.module_utils.whole_file import write_text
from tests.unit.plugins.labels import FSID

CONF = f"# minimal\n[global]\n\tfsid = {FSID}\n\tmon_host = [v2:192.0.2.1:3300/0]\n"
KEY = "AQDt8pZkAAAAABAA" + "0" * 22 + "=="
KEYRING = f'[client.bootstrap-osd]\n\tkey = {KEY}\n\tcaps mon = "allow profile bootstrap-osd"\n'
OTHER = "11111111-0357-4387-bbbf-ce48c7b2280a"


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var")), FSID)


def test_what_is_missing_is_written_once(access: Access, tmp_path: Path) -> None:
    assert access.conf_to_write(CONF.rstrip()) == f"{MARK}\n{CONF}"
    access.write_conf(f"{MARK}\n{CONF}")
    access.write_keyring(access.keyring_to_write(KEYRING))

    conf = tmp_path / "etc/ceph/ceph.conf"
    keyring = tmp_path / "var/lib/ceph/bootstrap-osd/ceph.keyring"
    assert (conf.read_text(), conf.stat().st_mode & 0o777) == (f"{MARK}\n{CONF}", 0o644)
    assert (keyring.read_text(), keyring.stat().st_mode & 0o777) == (KEYRING, 0o600)
    assert (access.conf_to_write(CONF), access.keyring_to_write(KEYRING)) == ("", "")
    assert (access.conf_to_write(""), access.keyring_to_write("")) == ("", "")


def test_what_we_wrote_is_kept_up_to_date(access: Access) -> None:
    access.write_conf(access.conf_to_write(CONF))
    other = CONF.replace("192.0.2.1", "192.0.2.2")

    assert access.conf_to_write(other) == f"{MARK}\n{other}"
    assert access.conf_to_write("") == ""
    access.write_conf(CONF)
    assert access.conf_to_write(other) == "", "somebody took our mark away"


def test_a_new_key_and_loose_rights_are_put_right(access: Access, tmp_path: Path) -> None:
    access.write_keyring(KEYRING)
    (tmp_path / "var/lib/ceph/bootstrap-osd/ceph.keyring").chmod(0o644)

    assert access.keyring_to_write(KEYRING) == KEYRING
    access.write_keyring(KEYRING)
    assert access.keyring_to_write(KEYRING) == ""
    assert access.keyring_to_write(KEYRING.replace("DDD", "EEE").replace("AQD", "AQE")) != ""


def test_a_configuration_is_never_touched(access: Access, tmp_path: Path) -> None:
    mine = f"[global]\nfsid = {FSID}\nmon host = somewhere else\n"
    write_text(str(tmp_path / "etc/ceph/ceph.conf"), mine, 0o644)

    assert access.conf_to_write(CONF) == ""


def test_a_host_of_another_cluster_is_refused(access: Access, tmp_path: Path) -> None:
    text = CONF.replace(FSID, OTHER)
    write_text(str(tmp_path / "etc/ceph/ceph.conf"), text, 0o644)

    with pytest.raises(AccessRefused, match=f"The host belongs to the cluster {OTHER}"):
        access.conf_to_write(CONF)


def test_a_configuration_of_another_cluster_is_refused(access: Access) -> None:
    with pytest.raises(AccessRefused, match=f"names the cluster '{OTHER}', not {FSID}"):
        access.conf_to_write(CONF.replace(FSID, OTHER))
    with pytest.raises(AccessRefused, match=r"and none was given \(conf\)"):
        access.conf_to_write(" \n")


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"[client.admin]\n\tkey = {KEY}\n",
        "[client.bootstrap-osd]\n",
        "[client.bootstrap-osd]\n\tkey = secret words\n",
    ],
)
def test_what_is_no_keyring_is_refused_without_repeating_it(access: Access, text: str) -> None:
    with pytest.raises(AccessRefused) as raised:
        access.keyring_to_write(text)
    assert "is none of client.bootstrap-osd" in str(raised.value)
    assert KEY not in str(raised.value)


def test_no_keyring_at_all_is_refused(access: Access) -> None:
    with pytest.raises(AccessRefused, match=r"and none was given \(the option keyring\)"):
        access.keyring_to_write("")


@pytest.mark.parametrize("fsid", ["", "x", FSID + "\n", "{{ fsid }}"])
def test_what_is_no_fsid(fsid: str, tmp_path: Path) -> None:
    with pytest.raises(AccessRefused, match="Invalid fsid"):
        Access(Roots(etc=str(tmp_path)), fsid)
