"""What a host writes for Samba, and what Samba and libcephfsd are told of it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.registry import extras_of
from plugins.module_utils.daemons.kinds.smb_files import SmbFiles, write_in_place
from plugins.module_utils.daemons.listing import find_units
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
ID = "files.h1.abcdef"
SAMBA, PROXY = f"ceph-orch-smb@{ID}.service", f"ceph-orch-libcephfsd@{ID}.service"
DIRECT = "[global]\n\tsmb ports = 445\n\n[one]\n\tpath = /one\n\tceph_new:proxy = no\n"
PROXIED = DIRECT.replace("proxy = no", "proxy = yes")
FILES = {
    "smb.conf": DIRECT,
    "smbpasswd": "a:5:X:8846F7EA:[UX         ]:LCT-00000001:\n",
    "keyring": "[client.a]\n\tkey = AQ==\n",
    "ceph.conf": "[global]\n",
    "environment": "SMB_SID=S-1-5-21-1-2-3\n",
    "passwd": "root:x:0:0::/:/bin/sh\na:x:5:5::/:/bin/sh\n",
    "group": "root:x:0:\na:x:5:\n",
}
# Units are as the file of their name says, which start, stop, enable and disable change.
SYSTEMCTL = """#!/bin/sh
verb=$1
[ "$verb" = show ] || echo "$@" >>TOP/asked
for unit in "$@"; do case "$unit" in *.service)
  case "$verb" in
  show)
    s="inactive dead"; [ -e "TOP/runs-$unit" ] && s="active running"
    e=disabled; [ -e "TOP/enabled-$unit" ] && e=enabled
    printf 'Id=%s\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$unit" $s
    printf 'UnitFileState=%s\\nExecMainStartTimestampMonotonic=0\\n\\n' $e ;;
  start) touch "TOP/runs-$unit" ;;
  stop) rm -f "TOP/runs-$unit" ;;
  enable) touch "TOP/enabled-$unit" ;;
  disable) rm -f "TOP/enabled-$unit" ;;
  esac
;; esac; done
"""
CONTROL = """#!/bin/sh
echo "smbcontrol $@" >>TOP/asked
[ ! -e TOP/mute ]
"""


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl and smbcontrol write down what they are asked."""
    programs = only_programs_of(tmp_path, monkeypatch)
    for name, text in {
        "systemctl": SYSTEMCTL,
        "smbcontrol": CONTROL,
        "smbd": "#!/bin/sh\n",
        "libcephfsd": "#!/bin/sh\n",
    }.items():
        (programs / name).write_text(text.replace("TOP", str(tmp_path)))
        (programs / name).chmod(0o755)
    (tmp_path / "proc").mkdir()
    places = {name: str(tmp_path / name) for name in ("etc", "var", "proc")}
    return Roots(dev="none", **places)


def wanted(roots: Roots, daemon_id: str = ID, **fields: Any) -> Wanted:
    given: Dict[str, Any] = {"files": FILES, "port": 445, **fields}
    return Wanted(Daemon(roots, "smb", daemon_id), cluster=FSID, **given)


def with_config(text: str) -> Dict[str, str]:
    return {**FILES, "smb.conf": text}


def asked(tmp_path: Path) -> List[str]:
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def folder(tmp_path: Path, daemon_id: str = ID) -> Path:
    return tmp_path / "etc/ceph-orch-ansible/smb" / daemon_id


def running(tmp_path: Path) -> None:
    for what in ("runs", "enabled"):
        (tmp_path / f"{what}-{SAMBA}").touch()


def verdict(roots: Roots, one: Wanted) -> str:
    deployment = Deployment(roots, [one], {"smb": extras_of(roots)["smb"]}, 1)
    deployment.predict()
    return str(deployment.rows[0]["state"])


def test_only_root_reads_what_is_secret(roots: Roots, tmp_path: Path) -> None:
    one = wanted(roots)
    assert SmbFiles(roots).refuse(one) == []
    assert verdict(roots, one) == "would be created"
    SmbFiles(roots).setup(one)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder(tmp_path).iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {
        *("smb.conf", "smbpasswd", "keyring", "ceph.conf", "environment"),
    }
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    store = tmp_path / "var/lib/ceph-orch-smb/files"
    assert stat.S_IMODE((store / "private").stat().st_mode) == 0o700
    unit = (tmp_path / "etc/systemd/system/ceph-orch-smb@.service").read_text()
    top = f"{tmp_path}/etc/ceph-orch-ansible/smb/%i"
    assert f"BindReadOnlyPaths={top}/passwd:/etc/passwd {top}/group:/etc/group\n" in unit
    assert "setlocalsid ${SMB_SID}\n" in unit


def test_what_packages_bring_is_not_started_with_the_host(roots: Roots, tmp_path: Path) -> None:
    SmbFiles(roots).setup(wanted(roots))
    assert not any("disable" in each for each in asked(tmp_path)), "somebody else has installed it"
    SmbFiles(roots).setup(wanted(roots, installs=True))
    assert "disable -- smbd.service nmbd.service" in asked(tmp_path)
    (tmp_path / "runs-smbd.service").touch()
    SmbFiles(roots).setup(wanted(roots, installs=True))
    assert asked(tmp_path)[-1] == "disable -- nmbd.service", "somebody else uses it"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "../passwd": "x"}, "Invalid file '../passwd'"),
        ({**FILES, "ours": "x"}, "Invalid file 'ours'"),
        ({"smb.conf": DIRECT}, "there is no file keyring"),
        ({}, "there is no file smb.conf"),
    ],
)
def test_other_files_and_missing_ones_are_refused(
    roots: Roots, files: Dict[str, str], said: str
) -> None:
    assert any(said in each for each in SmbFiles(roots).refuse(wanted(roots, files=files)))


def test_a_service_is_on_a_host_once_and_its_name_is_short(roots: Roots) -> None:
    SmbFiles(roots).setup(wanted(roots))

    assert SmbFiles(roots).refuse(wanted(roots, "other.h1.abcdef")) == []
    (said,) = SmbFiles(roots).refuse(wanted(roots, "files.h1.ghijkl"))
    assert f"smb.{ID} of the same service is on this host" in said
    (said,) = SmbFiles(roots).refuse(wanted(roots, "a" * 41))
    assert "too long" in said


def test_without_libcephfsd_only_shares_that_need_it_are_refused(
    roots: Roots, tmp_path: Path
) -> None:
    (tmp_path / "bin/libcephfsd").unlink()

    (said,) = SmbFiles(roots).refuse(wanted(roots, files=with_config(PROXIED)))

    assert "libcephfsd is not installed" in said
    assert "samba-vfs/new" in said
    assert SmbFiles(roots).refuse(wanted(roots)) == []
    (tmp_path / "bin/smbd").unlink()
    # In check mode before the packages are there.
    assert SmbFiles(roots).refuse(wanted(roots, files=with_config(PROXIED))) == []


def test_libcephfsd_runs_where_a_share_needs_it_alone(roots: Roots, tmp_path: Path) -> None:
    files = SmbFiles(roots)
    files.setup(wanted(roots))
    running(tmp_path)
    assert not (tmp_path / f"runs-{PROXY}").exists()
    assert verdict(roots, wanted(roots, files=FILES)) != "would be created"

    more = wanted(roots, files=with_config(PROXIED))
    assert files.needs_reload(more)
    files.reload(more)
    assert (tmp_path / f"runs-{PROXY}").exists()
    assert (tmp_path / f"enabled-{PROXY}").exists()
    words = [each.split()[0] for each in asked(tmp_path)[-4:]]
    assert words == ["enable", "reset-failed", "start", "reload"], "it comes before the share"

    (tmp_path / f"runs-{PROXY}").unlink()
    assert files.is_unfinished(more)
    assert files.finish(more) == ""
    assert not files.is_unfinished(more)

    files.reload(wanted(roots))
    assert not (tmp_path / f"runs-{PROXY}").exists()
    assert not (tmp_path / f"enabled-{PROXY}").exists()


def test_a_share_that_is_gone_is_closed_without_a_restart(roots: Roots, tmp_path: Path) -> None:
    files = SmbFiles(roots)
    both = DIRECT + "\n[a share]\n\tpath = /two\n"
    files.setup(wanted(roots, files=with_config(both)))
    running(tmp_path)
    done = len(asked(tmp_path))

    files.reload(wanted(roots))

    conf = f"--configfile={folder(tmp_path)}/smb.conf"
    assert asked(tmp_path)[done:] == [
        f"reload -- {SAMBA}",
        f"smbcontrol {conf} smbd close-share a share",
    ]
    assert not files.needs_reload(wanted(roots))


def test_a_run_that_was_killed_before_the_word_is_taken_up(roots: Roots, tmp_path: Path) -> None:
    files = SmbFiles(roots)
    files.setup(wanted(roots))
    (folder(tmp_path) / ".pending").touch()

    assert files.needs_reload(wanted(roots))
    files.reload(wanted(roots))
    assert f"reload -- {SAMBA}" in asked(tmp_path)
    assert not files.needs_reload(wanted(roots))


def test_users_are_changed_where_samba_sees_them(roots: Roots, tmp_path: Path) -> None:
    files = SmbFiles(roots)
    files.setup(wanted(roots))
    before = {name: (folder(tmp_path) / name).stat().st_ino for name in FILES}

    files.reload(wanted(roots, files={**FILES, "passwd": "root:x:0:0::/:\n", "smbpasswd": ""}))

    after = {name: (folder(tmp_path) / name).stat().st_ino for name in FILES}
    # It is mounted: another file in its place would not be seen.
    assert before["passwd"] == after["passwd"]
    assert (folder(tmp_path) / "passwd").read_text() == "root:x:0:0::/:\n"
    assert (folder(tmp_path) / "smbpasswd").read_text() == ""
    assert not files.needs_reload(wanted(roots, files={}))


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("kept")
    (tmp_path / "passwd").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match="passwd"):
        write_in_place(str(tmp_path / "passwd"), "x")

    assert (tmp_path / "target").read_text() == "kept"


def test_nothing_is_left(roots: Roots, tmp_path: Path) -> None:
    SmbFiles(roots).setup(wanted(roots, files=with_config(PROXIED)))
    running(tmp_path)
    done = len(asked(tmp_path))

    Removal(roots, [Daemon(roots, "smb", ID)], extras_of(roots), purge=False).do()

    words = [each for each in asked(tmp_path)[done:] if each.startswith("stop")]
    assert words == [f"stop -- {SAMBA}", f"stop -- {PROXY}"]
    assert not (tmp_path / "etc/ceph-orch-ansible").exists()
    assert not (tmp_path / "var/lib/ceph-orch-smb").exists()
    assert list((tmp_path / "etc/systemd/system").iterdir()) == []


def test_another_service_of_the_host_stays_as_it_is(roots: Roots, tmp_path: Path) -> None:
    files = SmbFiles(roots)
    files.setup(wanted(roots))
    files.setup(wanted(roots, "other.h1.abcdef"))

    files.cleanup(Daemon(roots, "smb", ID))

    assert not folder(tmp_path).exists()
    assert folder(tmp_path, "other.h1.abcdef").exists()
    assert (tmp_path / "var/lib/ceph-orch-smb/other/private").is_dir()
    assert (tmp_path / "etc/systemd/system/ceph-orch-smb@.service").exists()


def test_one_that_is_stopped_and_disabled_is_still_found(roots: Roots) -> None:
    SmbFiles(roots).setup(wanted(roots))

    assert SAMBA in {each["Id"] for each in find_units(roots, [])}
