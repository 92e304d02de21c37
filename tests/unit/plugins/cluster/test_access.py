"""A host gets the configuration and the key of its cluster, and of no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.cluster.access import Access, AccessRefused
from plugins.module_utils.cluster.conf import MARK, read_conf
from plugins.module_utils.cluster.conf_block import renew
from plugins.module_utils.cluster.osd_map import KEYRING_MARK
from plugins.module_utils.system.atomic_write import write_text
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import FSID

CONF = f"# minimal\n[global]\n\tfsid = {FSID}\n\tmon_host = [v2:192.0.2.1:3300/0]\n"
KEY = "AQDt8pZkAAAAABAA" + "0" * 22 + "=="
KEYRING = f'[client.bootstrap-osd]\n\tkey = {KEY}\n\tcaps mon = "allow profile bootstrap-osd"\n'
OTHER = "11111111-0357-4387-bbbf-ce48c7b2280a"
OTHER_MON = CONF.replace("192.0.2.1", "192.0.2.2")


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(Roots(dev="none", etc=str(tmp_path / "etc"), var=str(tmp_path / "var")), FSID)


def text_of(access: Access) -> str:
    return Path(access.conf_path).read_text()


def bring(access: Access, conf: str = CONF) -> Any:
    """Do what a run does; a second one finds nothing to do."""
    change = access.conf_to_write(conf)
    assert change is not None
    access.write_conf(change)
    assert access.conf_to_write(conf) is None
    return change


def conf_of(access: Access) -> Any:
    return read_conf(Roots(etc=str(Path(access.conf_path).parents[1])))


def backups(access: Access) -> List[str]:
    return sorted(map(str, Path(access.conf_path).parent.glob("ceph.conf.before-*")))


def test_what_is_missing_is_written_once(access: Access, tmp_path: Path) -> None:
    change = bring(access, CONF.rstrip())
    access.write_keyring(access.keyring_to_write(KEYRING))

    conf = tmp_path / "etc/ceph/ceph.conf"
    keyring = tmp_path / "var/lib/ceph/bootstrap-osd/ceph.keyring"
    begin, _, rest = conf.read_text().partition("\n")
    assert (begin, rest.startswith(CONF)) == (MARK, True)
    assert rest[len(CONF) :].startswith("# End of what ceph-orch-ansible keeps up to date")
    assert (change.before, change.after, change.backup) == ("", conf.read_text(), "")
    assert conf.stat().st_mode & 0o777 == 0o644
    marked = f"{KEYRING_MARK}\n{KEYRING}"
    assert (keyring.read_text(), keyring.stat().st_mode & 0o777) == (marked, 0o600)
    assert access.keyring_to_write(KEYRING) == access.keyring_to_write("") == ""
    assert access.conf_to_write("") is None


def test_what_we_wrote_is_kept_up_to_date(access: Access) -> None:
    bring(access)
    first = text_of(access)
    change = bring(access, OTHER_MON)

    assert "192.0.2.2" in text_of(access)
    assert "192.0.2.1" not in text_of(access)
    assert (change.before, change.after) == (first, text_of(access))
    assert backups(access) == [], "nobody but us wrote it"
    Path(access.conf_path).write_text(text_of(access).replace(MARK + "\n", ""))
    assert access.conf_to_write(CONF) is None, "somebody took our mark away"


ABOVE = "# by hand\n\n[osd.3]\n\tdebug osd = 20\n"
BELOW = (
    "\tosd pool default size = 2\n; \u00e4 note\n\n[client.rgw.a]\nrgw frontends=beast port=80\r\n"
)


@pytest.mark.parametrize("below", [BELOW, BELOW.rstrip("\n"), "\n\n", ""])
@pytest.mark.parametrize("above", [ABOVE, ""])
def test_lines_outside_are_kept_byte_for_byte(access: Access, above: str, below: str) -> None:
    bring(access)
    path = Path(access.conf_path)
    path.write_bytes(above.encode() + path.read_bytes() + below.encode() + b"# \xff\xfe")
    bring(access, OTHER_MON)

    found = path.read_bytes()
    assert found.startswith(above.encode() + MARK.encode())
    assert found.endswith(below.encode() + b"# \xff\xfe")
    assert b"192.0.2.2" in found
    assert b"192.0.2.1" not in found
    assert backups(access) == []


# What the file looks like that was written before there was an end marker, and what the site
# has put into it; and what the site's part is afterwards.
OLD: Dict[str, tuple] = {
    "below": (
        f"{MARK}\n{CONF}\tosd_pool_default_size = 2\n\n[osd]\n\tosd_memory_target = 1\n",
        "\tosd_pool_default_size = 2\n\n[osd]\n\tosd_memory_target = 1\n",
    ),
    "between": (
        f"{MARK}\n# minimal\n[global]\n# mine\n\tfsid = {FSID}\n\tx = 1\n\tmon_host = a\n\ty = 2\n",
        "# mine\n\tx = 1\n\ty = 2\n",
    ),
    "a section before": (
        f"{MARK}\n[client]\nk = 1\n[global]\nfsid = {FSID}\nmon host = a\nz = 3\n[osd]\nq = 4\n",
        "[client]\nk = 1\n[global]\nz = 3\n[osd]\nq = 4\n",
    ),
    "a section before, and nothing of the site's in ours": (
        f"{MARK}\n[client]\nk = 1\n[global]\nfsid = {FSID}\nmon_host = a\n[osd]\nq = 4\n",
        "[client]\nk = 1\n[osd]\nq = 4\n",
    ),
    "global twice": (
        f"{MARK}\n{CONF}[osd]\nq = 4\n[global]\nz = 3\n",
        "[osd]\nq = 4\n[global]\nz = 3\n",
    ),
    "a long line": (
        f"{MARK}\n[global]\nfsid = {FSID}\nmon_host = a,\\\n  b\nz = 3\n",
        "z = 3\n",
    ),
    "keys of the same name elsewhere": (
        f"{MARK}\n{CONF}[client.other]\nmon_host = far\nfsid = {FSID}\n",
        f"[client.other]\nmon_host = far\nfsid = {FSID}\n",
    ),
}


@pytest.mark.parametrize("case", OLD)
def test_a_file_of_before_keeps_the_lines_of_the_site(access: Access, case: str) -> None:
    old, kept = OLD[case]
    write_text(access.conf_path, old, 0o644)

    change = bring(access, OTHER_MON)

    block = access.conf_to_write(CONF).before
    assert text_of(access) == block + kept
    assert block.startswith(f"{MARK}\n# minimal\n[global]\n")
    (backup,) = backups(access)
    assert (change.backup, Path(backup).read_text()) == (backup, old)
    assert effective(text_of(access), "mon_host") == "[v2:192.0.2.2:3300/0]"
    bring(access)
    assert backups(access) == [backup], "once"


def test_a_file_of_before_that_is_all_ours_needs_no_copy(access: Access) -> None:
    write_text(access.conf_path, f"{MARK}\n{CONF}", 0o644)
    change = bring(access)
    assert (change.backup, backups(access)) == ("", [])


def effective(text: str, key: str) -> str:
    """Return what Ceph takes: sections of one name are one, the last line of a key wins."""
    values: Dict[tuple, str] = {}
    section = ""
    for line in re.sub(r"\\\n", "", text).splitlines():
        line = re.split("[#;]", line)[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line:
            name, _, value = line.partition("=")
            values[section, "_".join(name.split())] = value.strip()
    return values["global", key]


def test_what_was_changed_inside_is_restored_and_the_copy_is_named(access: Access) -> None:
    bring(access)
    path = Path(access.conf_path)
    changed = path.read_text().replace("\tmon_host", "\tmy_own = 1\n\tmon_host")
    path.write_text(changed)

    change = bring(access)
    assert "my_own" not in text_of(access)
    (backup,) = backups(access)
    assert (change.backup, Path(backup).read_text()) == (backup, changed)
    assert Path(backup).stat().st_mode & 0o777 == 0o644

    path.write_text(changed)
    assert bring(access).backup == backup, "the same is kept once"
    assert backups(access) == [backup]


def test_lines_after_a_generated_section_are_still_global(access: Access) -> None:
    """Ceph adds options that daemons need at once, some with a section of their own."""
    given = CONF + "\n[mon]\n\tms_bind_ipv6 = true\n"
    write_text(access.conf_path, f"{MARK}\n{CONF}\tmax = 1\n", 0o644)
    bring(access, given)
    assert effective(text_of(access), "max") == "1"
    assert effective(text_of(access), "mon_host") == "[v2:192.0.2.1:3300/0]"


def test_a_mon_host_of_the_sites_below_ours_wins_in_ceph_so_the_file_is_theirs(
    access: Access,
) -> None:
    bring(access)
    path = Path(access.conf_path)
    ours = path.read_text()
    path.write_text(ours + "mon host = 192.0.2.9\n")
    assert access.conf_to_write(OTHER_MON) is None
    assert conf_of(access) == {"mons": ["192.0.2.9"], "ours": False, "overridden": True}

    path.write_text("[global]\nmon host = 192.0.2.9\n" + ours)
    assert effective(path.read_text(), "mon_host") == "[v2:192.0.2.1:3300/0]"
    assert conf_of(access) == {"mons": ["192.0.2.1"], "ours": True}
    bring(access, OTHER_MON)


def test_an_fsid_of_the_sites_below_ours_is_the_one_that_counts(access: Access) -> None:
    bring(access)
    path = Path(access.conf_path)
    path.write_text(path.read_text() + f"fsid = {OTHER}\n")
    with pytest.raises(AccessRefused, match=f"The host belongs to the cluster {OTHER}"):
        access.conf_to_write(OTHER_MON)


def test_owner_mode_and_link_of_the_file_are_the_sites(access: Access, tmp_path: Path) -> None:
    bring(access)
    path = Path(access.conf_path)
    target = tmp_path / "elsewhere.conf"
    path.rename(target)
    target.chmod(0o640)
    path.symlink_to(target)

    bring(access, OTHER_MON)
    assert path.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o666)
    bring(access, OTHER_MON)
    assert target.stat().st_mode & 0o777 == 0o644, "nobody else may write it"


def test_keys_of_others_in_the_keyring_stay(access: Access, tmp_path: Path) -> None:
    path = tmp_path / "var/lib/ceph/bootstrap-osd/ceph.keyring"
    others = f"[client.mine]\n\tkey = {KEY}\n"
    old = KEYRING.replace("DDD", "EEE").replace("AQD", "AQE")
    write_text(str(path), others + old + others.replace("mine", "too"), 0o600)

    access.write_keyring(access.keyring_to_write(KEYRING))
    assert path.read_text() == others + KEYRING + others.replace("mine", "too")
    assert access.keyring_to_write(KEYRING) == ""


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

    assert access.conf_to_write(CONF) is None
    assert (tmp_path / "etc/ceph/ceph.conf").read_text() == mine


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


def test_a_file_whose_mark_somebody_takes_away_meanwhile_stays_as_it_is() -> None:
    renewed = renew(OTHER_MON, CONF)
    assert (renewed.text, renewed.before, renewed.after) == (OTHER_MON, "", "")


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
    assert "has no key of client.bootstrap-osd" in str(raised.value)
    assert KEY not in str(raised.value)


def test_no_keyring_at_all_is_refused(access: Access) -> None:
    with pytest.raises(AccessRefused, match=r"and none was given \(the option keyring\)"):
        access.keyring_to_write("")


@pytest.mark.parametrize("fsid", ["", "x", FSID + "\n", "{{ fsid }}"])
def test_what_is_no_fsid(fsid: str, tmp_path: Path) -> None:
    with pytest.raises(AccessRefused, match="Invalid fsid"):
        Access(Roots(etc=str(tmp_path)), fsid)
