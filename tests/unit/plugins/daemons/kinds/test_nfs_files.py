"""What a host writes for an NFS gateway, and how the gateway comes and goes in the cluster."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.nfs_files import GatewayFiles
from plugins.module_utils.daemons.kinds.nfs_places import PATIENCE, is_young
from plugins.module_utils.daemons.kinds.registry import ALL, extras_of
from plugins.module_utils.daemons.listing import find_units
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
ID, OTHER = "a.h1.abcdef", "a.h2.ghijkl"
UNIT = f"ceph-orch-nfs@{ID}.service"
KEY = "AQBlZ2FuZXNoYSBpcyBubyBrZXkgYXQgYWxsISEhIQ=="
KEYRING = f"[client.nfs.{ID}]\n\tkey = {KEY}\n"
SYSTEMCTL = """#!/bin/sh
case "$1" in
show)
  for unit in "$@"; do case "$unit" in *.service|*.socket)
  printf 'Id=%s\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$unit" $STATE
  printf 'UnitFileState=enabled\\nExecMainStartTimestampMonotonic=0\\n\\n'
  ;; esac; done ;;
list-jobs) cat TOP/jobs 2>/dev/null ;;
*) echo "$@" >>TOP/asked ;;
esac
"""
# The pool: a directory with a file for each object; the table is a file with a line for each.
TOOL = """#!/bin/sh
[ -e TOP/away ] && { cat TOP/away >&2; exit 1; }
[ $7 = add ] || [ -e TOP/pool/grace ] || { echo 'Failure: -2' >&2; exit 1; }
[ "$1 ${2%%.*} $3 $4 $5 $6" = "--userid nfs --pool .nfs --ns a" ] || exit 2
shift 6
touch TOP/pool/grace
# Before what it has read is out, now and then.
[ $1 = dump ] && [ ! -e TOP/again ] && { touch TOP/again; kill -SEGV $$; }
rm -f TOP/again
case "$1" in
dump) echo 'cur=3 rec=0'; echo =====; sed 's/$/\\t E/' TOP/pool/grace ;;
add) grep -qxF "$2" TOP/pool/grace && exit 1; echo "$2" >>TOP/pool/grace ;;
remove) grep -vxF "$2" TOP/pool/grace >TOP/rest; mv TOP/rest TOP/pool/grace ;;
esac
# It crashes when it has done its work, each second time.
if [ -e TOP/crashed ]; then rm TOP/crashed; else touch TOP/crashed; kill -SEGV $$; fi
"""
RADOS = """#!/bin/sh
[ -e TOP/away ] && { echo 'error opening pool .nfs: (2) No such file or directory' >&2; exit 1; }
[ "$1 ${2%%.*} $3 $4 $5 $6" = "--id nfs -p .nfs -N a" ] || exit 2
case "$7" in
ls) ls TOP/pool ;;
stat) [ -e "TOP/pool/$8" ] || { echo "error stat-ing .nfs/$8: (2) No such file" >&2; exit 1; } ;;
create) [ -e TOP/full ] || touch "TOP/pool/$8" ;;
rm) rm "TOP/pool/$8" ;;
esac
"""


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host with a cluster of which only the pool ``.nfs`` is there."""
    programs = only_programs_of(tmp_path, monkeypatch)
    for name, text in {
        "systemctl": SYSTEMCTL,
        "ganesha-rados-grace": TOOL,
        "rados": RADOS,
        "ganesha.nfsd": "#!/bin/sh\n",
    }.items():
        (programs / name).write_text(text.replace("TOP", str(tmp_path)))
        (programs / name).chmod(0o755)
    (tmp_path / "pool").mkdir()
    (tmp_path / "proc").mkdir()
    monkeypatch.setenv("STATE", "inactive dead")
    places = {name: str(tmp_path / name) for name in ("etc", "var", "proc")}
    return Roots(dev="none", ceph_run=str(tmp_path / "run/ceph"), **places)


def wanted(roots: Roots, daemon_id: str = ID, **fields: Any) -> Wanted:
    given: Dict[str, Any] = {"settings": {"namespace": "a"}, "port": 2049, **fields}
    keyring = KEYRING.replace(ID, daemon_id)
    return Wanted(Daemon(roots, "nfs", daemon_id), keyring, cluster=FSID, **given)


def asked(tmp_path: Path) -> List[str]:
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def folder(tmp_path: Path, daemon_id: str = ID) -> Path:
    return tmp_path / "etc/ceph-orch-ansible/nfs" / daemon_id


def keyring(tmp_path: Path, daemon_id: str = ID) -> Path:
    return tmp_path / f"etc/ceph/ceph.client.nfs.{daemon_id}.keyring"


def objects(tmp_path: Path) -> List[str]:
    return sorted(each.name for each in (tmp_path / "pool").iterdir())


def deployment(roots: Roots, one: Wanted) -> Deployment:
    return Deployment(roots, [one], {"nfs": extras_of(roots)["nfs"]}, 1)


def verdict(roots: Roots, one: Wanted) -> str:
    found = deployment(roots, one)
    found.refuse(False)
    found.predict()
    return str(found.rows[0]["state"])


def script(tmp_path: Path, verb: str, **more: str) -> int:
    """Run what systemd runs before a gateway starts, to stop it, and after it has ended."""
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", **more}
    argv = [str(folder(tmp_path) / "table"), verb]
    return subprocess.run(argv, env=environment, check=False).returncode


def members(tmp_path: Path) -> List[str]:
    path = tmp_path / "pool/grace"
    return path.read_text().split() if path.exists() else []


def started(tmp_path: Path) -> None:
    """Let systemd have started it just now."""
    (tmp_path / f"run/ceph-orch-nfs-{ID}").mkdir(parents=True)


def remove(roots: Roots, daemon_id: str = ID) -> Removal:
    removal = Removal(roots, [Daemon(roots, "nfs", daemon_id)], extras_of(roots), purge=False)
    removal.do()
    return removal


def test_what_it_reads_is_roots_alone(roots: Roots, tmp_path: Path) -> None:
    one = wanted(roots)
    assert verdict(roots, one) == "would be created"
    GatewayFiles(roots).setup(one)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder(tmp_path).iterdir()}
    assert modes == {"ganesha.conf": 0o600, "table": 0o700, "ours": 0o644}
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    assert stat.S_IMODE(keyring(tmp_path).stat().st_mode) == 0o600
    assert keyring(tmp_path).read_text() == KEYRING
    conf = (folder(tmp_path) / "ganesha.conf").read_text()
    for line in (
        "    NFS_Port = 2049;",
        f'    nodeid = "{ID}";',
        '    namespace = "a";',
        f'    Server_Scope = "{FSID}-a";',
        f'    init_args = "--keyring={keyring(tmp_path)}";',
        "%url rados://.nfs/a/conf-nfs.a",
    ):
        assert line in conf.splitlines()
    assert KEY not in conf
    assert objects(tmp_path) == ["conf-nfs.a"]


def test_a_second_run_changes_nothing(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pool/conf-nfs.a").write_text("%url an export")
    GatewayFiles(roots).setup(wanted(roots))
    assert (tmp_path / "pool/conf-nfs.a").read_text() == "%url an export"

    monkeypatch.setenv("STATE", "active running")
    started(tmp_path)
    assert verdict(roots, wanted(roots)) == "present"
    assert verdict(roots, wanted(roots, port=2050)) == "would be restarted"
    idmap = {"namespace": "a", "idmap_conf": "[General]\n"}
    assert verdict(roots, wanted(roots, settings=idmap)) == "would be restarted"
    GatewayFiles(roots).setup(wanted(roots, settings=idmap))
    assert (
        f'IdmapConf = "{folder(tmp_path)}/idmapd.conf";'
        in (folder(tmp_path) / "ganesha.conf").read_text()
    )
    GatewayFiles(roots).setup(wanted(roots))
    assert not (folder(tmp_path) / "idmapd.conf").exists()


def test_it_enters_the_table_before_it_starts_and_leaves_it_when_it_is_stopped(
    roots: Roots, tmp_path: Path
) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    (tmp_path / "pool/grace").write_text(f"{OTHER}\n")

    # Twice each: its tool crashes once.
    for _ in range(2):
        assert script(tmp_path, "join") == 0
        assert members(tmp_path) == [OTHER, ID]
    assert script(tmp_path, "leave") == 0
    assert members(tmp_path) == [OTHER, ID], "it has failed, and is started again"
    (tmp_path / "jobs").write_text(f"77 {UNIT} restart running\n")
    assert script(tmp_path, "leave") == 0
    assert members(tmp_path) == [OTHER, ID], (
        "clients of one that is restarted take back what they had"
    )
    (tmp_path / "jobs").write_text(f"77 {UNIT} stop running\n")
    for _ in range(2):
        assert script(tmp_path, "leave") == 0
        assert members(tmp_path) == [OTHER]


def test_removal_leaves_nothing_of_it_and_keeps_what_is_exported(
    roots: Roots, tmp_path: Path
) -> None:
    for daemon_id in (ID, OTHER):
        (tmp_path / "pool/conf-nfs.a").touch()
        GatewayFiles(roots).setup(wanted(roots, daemon_id))
    (tmp_path / "pool/grace").write_text(f"{ID}\n{OTHER}\n")
    for name in (f"rec-0000000000000001:{ID}", f"rec-0000000000000001:{OTHER}", "export-1"):
        (tmp_path / "pool" / name).touch()

    assert [row["state"] for row in remove(roots).rows] == ["removed"]

    assert members(tmp_path) == [OTHER]
    assert objects(tmp_path) == ["conf-nfs.a", "export-1", "grace", f"rec-0000000000000001:{OTHER}"]
    assert not keyring(tmp_path).exists()
    assert not folder(tmp_path).exists()
    assert folder(tmp_path, OTHER).exists()
    assert (tmp_path / "etc/systemd/system/ceph-orch-nfs@.service").exists()
    assert [row["state"] for row in remove(roots).rows] == ["absent"]


def test_sockets_of_killed_ones_go_and_no_others(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots, ID))
    place = tmp_path / "run/ceph"
    place.mkdir(parents=True, exist_ok=True)
    left = [f"ceph-client.nfs.{ID}.1672.9382.asok", f"ceph-client.nfs.{ID}.157.945.asok"]
    others = [f"ceph-client.nfs.{ID}.5.157.945.asok", "ceph-osd.0.asok"]
    for name in (*left, *others):
        (place / name).touch()
    remove(roots)
    assert sorted(os.listdir(place)) == sorted(others)


def test_the_last_one_takes_unit_and_table_along(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    script(tmp_path, "join")

    remove(roots)

    assert objects(tmp_path) == ["conf-nfs.a"]
    assert not (tmp_path / "etc/ceph-orch-ansible").exists()
    assert not (tmp_path / "etc/systemd/system/ceph-orch-nfs@.service").exists()


def test_a_table_that_somebody_has_deleted_is_no_hindrance(roots: Roots, tmp_path: Path) -> None:
    """`ceph nfs cluster rm` deletes all objects before the gateways are gone."""
    GatewayFiles(roots).setup(wanted(roots))
    (tmp_path / "pool/conf-nfs.a").unlink()

    remove(roots)

    assert objects(tmp_path) == []
    assert not folder(tmp_path).exists()


def test_one_that_is_stopped_leaves_the_table_before_it_ends(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    for job, left in (("restart", [ID]), ("stop", [])):
        script(tmp_path, "join")
        (tmp_path / "jobs").write_text(f"77 {UNIT} {job} running\n")
        with subprocess.Popen(["sleep", "60"]) as process:
            assert script(tmp_path, "stop", MAINPID=str(process.pid)) == 0
        assert process.returncode == -15
        assert members(tmp_path) == left


def test_one_that_does_not_end_is_killed(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    for trap, status in (("exit 0", 0), ("", -9)):
        # The shell's child goes with it; the signal is there when it says so.
        argv = ["bash", "-c", f"trap '{trap}' TERM; echo; while :; do read -rt 0.1 <> <(:); done"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            text = (folder(tmp_path) / "table").read_text()
            (folder(tmp_path) / "table").write_text(text.replace("timeout 15 ", "timeout 1 "))
            assert script(tmp_path, "stop", MAINPID=str(process.pid)) == 0
            process.stdout.close()
            process.wait(10)
        assert process.returncode == status


def test_what_stays_in_the_table_stays_on_the_host_too(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    script(tmp_path, "join")
    (tmp_path / "away").write_text("rados_connect: -110\nCan't connect to cluster: -110\n")

    with pytest.raises(DaemonRefused, match=r"the other gateways of its service would wait.*-110"):
        remove(roots)

    assert keyring(tmp_path).exists()
    assert ALL["nfs"].instances(roots) == [ID]
    (tmp_path / "away").unlink()
    remove(roots)
    assert ALL["nfs"].instances(roots) == []


@pytest.mark.parametrize(
    "said",
    [
        "rados_connect: -13\nCan't connect to cluster: -13\n",
        "rados_ioctx_create: -2\nCan't connect to cluster: -2\n",
    ],
    ids=["the key is revoked", "the pool is deleted"],
)
def test_one_that_can_reach_nothing_any_more_is_removed_all_the_same(
    roots: Roots, tmp_path: Path, said: str
) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    (tmp_path / "away").write_text(said)

    remove(roots)

    assert not folder(tmp_path).exists()


def test_one_whose_key_is_gone_is_removed_all_the_same(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    keyring(tmp_path).unlink()
    (tmp_path / "away").write_text("rados_conf_read_file: -2\n")

    remove(roots)

    assert not folder(tmp_path).exists()


def test_an_object_that_cannot_be_made_is_named(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "full").touch()
    with pytest.raises(DaemonRefused, match=r"conf-nfs\.a in the pool \.nfs cannot be made: error"):
        GatewayFiles(roots).setup(wanted(roots))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"settings": {}}, r"Invalid namespace '' \(settings\)"),
        ({"settings": {"namespace": 'a";\n%include x'}}, "it is not the id of a service"),
        ({"settings": {"namespace": "$(id)"}}, "it is not the id of a service"),
        ({"settings": {"namespace": "a", "exports": "x"}}, "Invalid setting 'exports'"),
        ({"port": 0}, "there is no port"),
        ({"files": {"ganesha.conf": "x"}}, "it reads no files that are given"),
    ],
)
def test_what_it_cannot_be_told_is_refused(
    roots: Roots, tmp_path: Path, fields: Dict[str, Any], said: str
) -> None:
    with pytest.raises(DaemonRefused, match=said):
        verdict(roots, wanted(roots, **fields))
    assert not folder(tmp_path).exists()


def test_what_packages_bring_is_not_started_with_the_host(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    assert not any("disable" in each for each in asked(tmp_path)), "somebody else has installed it"
    GatewayFiles(roots).setup(wanted(roots, installs=True))
    assert "disable -- nfs-ganesha.service" in asked(tmp_path)
    assert "disable -- rpcbind.socket rpcbind.service" in asked(tmp_path)
    (tmp_path / "asked").unlink()
    monkeypatch.setenv("STATE", "active running")
    GatewayFiles(roots).setup(wanted(roots, installs=True))
    assert not any("rpcbind" in each for each in asked(tmp_path)), "somebody uses it"


def test_it_is_found_by_its_files(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    (tmp_path / "etc/ceph-orch-ansible/nfs/other").mkdir()

    units = [each["Id"] for each in find_units(roots, [])]
    assert [each for each in units if "nfs" in each] == [UNIT]
    assert ALL["nfs"].own_fsid(roots, ID) == FSID
    assert ALL["nfs"].more_of_row(roots, ID, "running") == {"ports": [2049]}
    assert ALL["nfs"].more_of_row(roots, ID, "stopped") == {}


def test_one_that_does_not_answer_yet_is_starting(roots: Roots, tmp_path: Path) -> None:
    port = {"port": 9}
    GatewayFiles(roots).setup(wanted(roots, **port))
    kind, files = ALL["nfs"], GatewayFiles(roots)
    assert kind.state_of(roots, ID, "running") == "error"
    assert files.hangs(wanted(roots, **port))

    started(tmp_path)
    assert kind.state_of(roots, ID, "running") == "starting"
    assert kind.state_of(roots, ID, "stopped") == "stopped"
    assert not files.hangs(wanted(roots, **port))
    assert is_young(roots, ID)
    assert PATIENCE > 90, "a grace period"


def test_systemd_takes_the_unit(roots: Roots, tmp_path: Path) -> None:
    GatewayFiles(roots).setup(wanted(roots))
    unit = tmp_path / "etc/systemd/system/ceph-orch-nfs@.service"
    text = unit.read_text()
    assert f"ExecStartPre={tmp_path}/etc/ceph-orch-ansible/nfs/%i/table join" in text
    assert "-p %t/ceph-orch-nfs-%i/pid" in text
    assert os.access(folder(tmp_path) / "table", os.X_OK)
