"""What a host writes for a custom container, what podman is asked, and what is left of it."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.container_files import ContainerFiles
from plugins.module_utils.daemons.kinds.registry import ALL, extras_of
from plugins.module_utils.daemons.listing import find_units
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
ID = "app.h1.abcdef"
UNIT = f"ceph-orch-container@{ID}.service"
PREFIX = f"ceph-orch-container.{ID}.."
GOOD: Dict[str, Any] = {
    "image": "localhost/app:1",
    "uid": os.geteuid(),
    "gid": os.getegid(),
    "envs": ["PASSWORD=canary", "EMPTY="],
    "dirs": ["etc"],
    "files": {"etc/app.conf": "a\n"},
    "volume_mounts": {"etc": "/etc/app", "/srv": "/srv:ro"},
}
SYSTEMCTL = """#!/bin/sh
case "$1" in
show)
  for unit in "$@"; do case "$unit" in *.service)
  printf 'Id=%s\\nLoadState=%s\\nActiveState=%s\\nSubState=%s\\n' "$unit" "$LOADED" $STATE
  printf 'UnitFileState=generated\\nExecMainStartTimestampMonotonic=%s\\n\\n' $STARTED
  ;; esac; done ;;
*) echo "$@" >>TOP/asked ;;
esac
"""
# Keeps secrets as files, and has the images that are named in a file.
PODMAN = """#!/bin/sh
echo "$@" >>TOP/podman
case "$1 $2" in
"image exists") grep -qx "$3" TOP/images; exit $? ;;
"pull --quiet") echo "Error: no such host" >&2; exit 125 ;;
"secret ls") ls TOP/secrets ;;
"secret create") cp "$4" TOP/secrets/"$3" ;;
"secret rm") shift 2; cd TOP/secrets && rm "$@" ;;
"container inspect") echo "c0ffee 1dea 4" ;;
esac
"""


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl and podman write down what they are asked."""
    programs = only_programs_of(tmp_path, monkeypatch)
    for name, text in {"systemctl": SYSTEMCTL, "podman": PODMAN}.items():
        (programs / name).write_text(text.replace("TOP", str(tmp_path)))
        (programs / name).chmod(0o755)
    for name in ("proc", "secrets"):
        (tmp_path / name).mkdir()
    (tmp_path / "images").write_text("localhost/app:1\n")
    monkeypatch.setenv("STATE", "inactive dead")
    monkeypatch.setenv("LOADED", "loaded")
    monkeypatch.setenv("STARTED", "0")
    places = {name: str(tmp_path / name) for name in ("etc", "var", "proc")}
    return Roots(dev="none", **places)


def wanted(roots: Roots, daemon_id: str = ID, **fields: Any) -> Wanted:
    text = json.dumps({**GOOD, **fields})
    return Wanted(
        Daemon(roots, "container", daemon_id), cluster=FSID, files={"container.json": text}
    )


def lines(path: Path) -> List[str]:
    return path.read_text().splitlines() if path.exists() else []


def folder(tmp_path: Path) -> Path:
    return tmp_path / "etc/ceph-orch-ansible/container" / ID


def store(tmp_path: Path) -> Path:
    return tmp_path / "var/lib/ceph-orch-ansible/container" / ID


def quadlet(tmp_path: Path) -> str:
    return (tmp_path / f"etc/containers/systemd/ceph-orch-container@{ID}.container").read_text()


def deployment(roots: Roots, one: Wanted) -> Deployment:
    found = Deployment(roots, [one], {"container": extras_of(roots)["container"]}, 1)
    found.refuse(False)
    return found


def verdict(roots: Roots, one: Wanted) -> str:
    found = deployment(roots, one)
    found.predict()
    return str(found.rows[0]["state"])


def everything(tmp_path: Path) -> List[str]:
    names = ("etc", "var", "secrets")
    return sorted(str(each) for name in names for each in (tmp_path / name).rglob("*"))


def remove(roots: Roots, *, purge: bool = False) -> Dict[str, Any]:
    removal = Removal(roots, [Daemon(roots, "container", ID)], extras_of(roots), purge=purge)
    removal.do()
    return dict(removal.rows[0])


def test_what_is_deployed_is_there_and_the_second_time_nothing_is_done(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verdict(roots, wanted(roots)) == "would be created"
    assert everything(tmp_path) == [], "a prediction changes nothing"

    ContainerFiles(roots).setup(wanted(roots))
    ContainerFiles(roots).finish(wanted(roots))
    monkeypatch.setenv("STATE", "active running")

    assert (store(tmp_path) / "etc/app.conf").read_text() == "a\n"
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    assert stat.S_IMODE((folder(tmp_path) / "container.json").stat().st_mode) == 0o600
    assert lines(tmp_path / "asked") == ["daemon-reload"]
    before = everything(tmp_path)
    assert verdict(roots, wanted(roots)) == "present"
    assert verdict(roots, Wanted(Daemon(roots, "container", ID), cluster=FSID)) == "present"
    assert everything(tmp_path) == before


def test_nothing_secret_is_in_the_quadlet_or_in_an_argument(roots: Roots, tmp_path: Path) -> None:
    ContainerFiles(roots).setup(wanted(roots))

    assert (tmp_path / "secrets" / f"{PREFIX}0.0").read_text() == "canary"
    assert os.listdir(tmp_path / "secrets") == [f"{PREFIX}0.0"]
    assert "canary" not in quadlet(tmp_path) + (tmp_path / "podman").read_text()
    assert f"--secret={PREFIX}0.0,type=env,target=PASSWORD --env=EMPTY=" in quadlet(tmp_path)
    assert not (folder(tmp_path) / ".for-podman").exists()


def test_the_quadlet_says_what_the_spec_says(roots: Roots, tmp_path: Path) -> None:
    ContainerFiles(roots).setup(
        wanted(
            roots,
            entrypoint="/bin/app",
            privileged=True,
            extra_container_args=["--cpus=2", "--label=a b"],
            extra_entrypoint_args=["-c", "100% $HOME"],
            bind_mounts=[["type=bind", "source=/lib/modules", "destination=/m", "ro=true"]],
            custom_configs=[{"mount_path": "/etc/one.conf", "content": "x"}],
            init_containers=[{"entrypoint_args": ["prepare"], "envs": ["TOKEN=canary"]}],
        )
    )

    text = quadlet(tmp_path)
    for said in (
        "Image=localhost/app:1\n",
        "Network=host\n",
        "--pull=never --entrypoint=/bin/app --privileged",
        f"--volume={store(tmp_path)}/etc:/etc/app:z --volume=/srv:/srv:ro",
        "--mount=type=bind,source=/lib/modules,destination=/m,ro=true",
        f"--volume={folder(tmp_path)}/configs/0:/etc/one.conf:z",
        '--cpus=2 "--label=a b"\n',
        'Exec=-c "100%% $$HOME"\n',
        f"--secret={PREFIX}1.0,type=env,target=TOKEN",
        "localhost/app:1 prepare\n",
    ):
        assert said in text
    assert (folder(tmp_path) / "configs/0").read_text() == "x"
    assert "canary" not in text


def test_an_image_that_is_not_there_and_cannot_be_pulled_is_a_sentence_and_nothing_changes(
    roots: Roots, tmp_path: Path
) -> None:
    said = r"container\.app\.h1\.abcdef: the image localhost/none:1 is not on host \S+, and podman "

    with pytest.raises(DaemonRefused, match=said + r"cannot pull it: no such host\. Load it"):
        ContainerFiles(roots).setup(wanted(roots, image="localhost/none:1"))

    assert everything(tmp_path) == []


def test_where_podman_makes_no_unit_that_is_a_sentence(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADED", "not-found")
    with pytest.raises(DaemonRefused, match=r"podman made no unit of .*--dryrun` says why"):
        ContainerFiles(roots).setup(wanted(roots))


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "localhost/app:1", "entrypoint": "/bin/b"},
        {"envs": ["PASSWORD=other"]},
        {"files": {"etc/app.conf": "b\n"}},
        {"custom_configs": [{"mount_path": "/x", "content": "y"}]},
    ],
)
def test_what_changes_restarts_it(
    roots: Roots, monkeypatch: pytest.MonkeyPatch, changed: Dict[str, Any]
) -> None:
    ContainerFiles(roots).setup(wanted(roots))
    ContainerFiles(roots).finish(wanted(roots))
    monkeypatch.setenv("STATE", "active running")

    assert verdict(roots, wanted(roots, **changed)) == "would be restarted"

    ContainerFiles(roots).setup(wanted(roots, **changed))
    assert verdict(roots, wanted(roots, **changed)) == "would be restarted", "it was cut here"
    ContainerFiles(roots).finish(wanted(roots, **changed))
    assert verdict(roots, wanted(roots, **changed)) == "present"


@pytest.mark.parametrize(("age", "state"), [(10, "started"), (310, "restarted")])
def test_one_that_does_not_listen_yet_is_waited_for_and_restarted_after_a_time(
    roots: Roots, monkeypatch: pytest.MonkeyPatch, age: float, state: str
) -> None:
    one = wanted(roots, ports=[8080])
    ContainerFiles(roots).setup(one)
    assert ContainerFiles(roots).give_up(one) == ""
    assert ContainerFiles(roots).needs_setup(one), "it did not stay up with this"
    monkeypatch.setenv("STATE", "active running")
    os.utime(Path(one.daemon.mark_path), (1.0, 1.0))
    monkeypatch.setenv("STARTED", str(int((time.monotonic() - age) * 1e6)))
    ContainerFiles(roots).give_up(one)

    assert verdict(roots, one) == f"would be {state}"


def test_what_somebody_took_away_is_written_again(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ContainerFiles(roots)
    monkeypatch.setenv("STATE", "active running")
    for path in (
        tmp_path / "secrets" / f"{PREFIX}0.0",
        store(tmp_path) / "etc/app.conf",
        tmp_path / f"etc/containers/systemd/ceph-orch-container@{ID}.container",
    ):
        files.setup(wanted(roots))
        files.finish(wanted(roots))
        assert verdict(roots, wanted(roots)) == "present"
        path.unlink()
        assert verdict(roots, wanted(roots)) == "would be restarted", path


def test_a_file_of_before_goes_and_what_the_container_wrote_stays(
    roots: Roots, tmp_path: Path
) -> None:
    files = ContainerFiles(roots)
    files.setup(wanted(roots, dirs=["etc", "data"], files={"etc/a": "x", "etc/b": "y"}))
    (store(tmp_path) / "data/theirs").write_text("z")
    files.setup(wanted(roots, files={"etc/b": "y"}, volume_mounts={}))

    assert sorted(os.listdir(store(tmp_path) / "etc")) == ["b"]
    assert (store(tmp_path) / "data/theirs").read_text() == "z"


def test_nothing_is_left_of_what_is_removed(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets/mine").write_text("x")
    (tmp_path / "secrets" / f"ceph-orch-container.{ID}.b..0.0").write_text("of another one")
    before = {each for each in everything(tmp_path) if "/secrets/" in each}
    ContainerFiles(roots).setup(wanted(roots, init_containers=[{"entrypoint_args": ["x"]}]))
    monkeypatch.setenv("STATE", "active running")

    row = remove(roots)

    assert (row["state"], row["kept"]) == ("removed", "")
    assert f"stop -- {UNIT}" in lines(tmp_path / "asked")
    assert not any("disable" in each for each in lines(tmp_path / "asked")), "it is generated"
    left = {each for each in everything(tmp_path) if Path(each).is_file()}
    assert left == before
    names = f"ceph-orch-container-{ID} ceph-orch-container-{ID}..1"
    assert f"rm --force --ignore --volumes {names}" in lines(tmp_path / "podman")
    assert remove(roots)["state"] == "absent"


@pytest.mark.parametrize("purge", [False, True])
def test_what_a_container_has_stored_stays_unless_it_is_purged(
    roots: Roots, tmp_path: Path, purge: bool
) -> None:
    ContainerFiles(roots).setup(wanted(roots, dirs=["etc", "data"]))
    (store(tmp_path) / "data/db").write_text("z")

    row = remove(roots, purge=purge)

    assert row["kept"] == ("" if purge else str(store(tmp_path)))
    kept = [each for each in store(tmp_path).rglob("*")] if store(tmp_path).exists() else []
    assert sorted(str(each.relative_to(store(tmp_path))) for each in kept) == (
        [] if purge else ["data", "data/db"]
    )


def test_a_file_of_the_containers_in_place_of_a_directory_stays(
    roots: Roots, tmp_path: Path
) -> None:
    files = ContainerFiles(roots)
    files.setup(wanted(roots))
    (store(tmp_path) / "etc/db").write_text("z")
    with pytest.raises(OSError, match="in place of a directory"):
        files.setup(wanted(roots, files={"etc/db/app.conf": "x"}))

    assert remove(roots)["kept"] == str(store(tmp_path))
    assert (store(tmp_path) / "etc/db").read_text() == "z"


@pytest.mark.parametrize("step", ["mark", "tree", "quadlet"])
def test_what_was_ended_halfway_is_removed_too(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one = wanted(roots)
    files = ContainerFiles(roots)
    files.setup(one)
    if step in ("mark", "tree"):
        (folder(tmp_path) / "container.json").unlink()
        (tmp_path / f"etc/containers/systemd/ceph-orch-container@{ID}.container").unlink()
    if step == "mark":
        (folder(tmp_path) / "written.json").write_text("")
        (store(tmp_path) / "etc/app.conf").unlink()
        (store(tmp_path) / "etc").rmdir()

    assert remove(roots)["state"] == "removed"
    assert not [each for each in everything(tmp_path) if Path(each).is_file()]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"image": "-v"}, "Invalid image '-v': it is not the name of an image"),
        ({"volumes": {}}, "Invalid volumes: a container has no such field"),
        ({"uid": "root"}, "Invalid uid: it is not a int"),
        ({"uid": True}, "Invalid uid"),
        ({"files": {"../x": "y"}}, "Invalid files '../x': it is not a path inside"),
        ({"files": {"x": 1}}, "Invalid files: it has something else than texts"),
        ({"dirs": ["/etc"]}, "Invalid files '/etc'"),
        ({"envs": ["canary"]}, "Invalid envs: one is not a variable with its value"),
        ({"envs": ["A=canary\nb"]}, "Invalid envs: it has a character that cannot be printed"),
        ({"extra_container_args": ["a\nExecStart=b"]}, "Invalid extra_container_args"),
        ({"extra_entrypoint_args": [1]}, "it has something else than texts"),
        ({"bind_mounts": ["source=/x"]}, "Invalid bind_mounts: one is not a list of texts"),
        ({"bind_mounts": [["source=../x"]]}, "Invalid bind_mounts '../x'"),
        ({"volume_mounts": {"a/../../b": "/b"}}, "Invalid volume_mounts 'a/../../b'"),
        ({"ports": [0]}, "Invalid ports '0': it is not a port"),
        ({"custom_configs": [{"mount_path": "/x"}]}, "has no mount_path or no content"),
        ({"init_containers": [{"ports": [1]}]}, "Invalid init_containers: ports"),
        ({"init_containers": ["x"]}, "it is not a mapping"),
    ],
)
def test_what_root_must_not_do_is_refused_on_the_host_too(
    roots: Roots, tmp_path: Path, fields: Dict[str, Any], said: str
) -> None:
    with pytest.raises(DaemonRefused) as raised:
        verdict(roots, wanted(roots, **fields))
    assert said in str(raised.value)
    assert "canary" not in str(raised.value)
    assert everything(tmp_path) == []


def test_a_document_that_is_missing_or_none_is_refused(roots: Roots) -> None:
    daemon = Daemon(roots, "container", ID)
    for files, said in (
        ({}, r"there is no file container\.json, and none was given"),
        ({"container.json": "{"}, r"Invalid container\.json: it is not JSON"),
        ({"a": "b"}, r"Invalid file 'a': it has no such file\. Use container\.json"),
    ):
        with pytest.raises(DaemonRefused, match=said):
            verdict(roots, Wanted(daemon, cluster=FSID, files=files))


def test_one_that_is_stopped_is_found_and_one_that_runs_says_image_and_ports(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ContainerFiles(roots).setup(wanted(roots, ports=[8080]))
    kind = ALL["container"]

    assert UNIT in [unit["Id"] for unit in find_units(roots, [])]
    assert kind.own_fsid(roots, ID) == FSID
    assert kind.more_of_row(roots, ID, "stopped") == {"image": "localhost/app:1", "ports": []}
    row = kind.more_of_row(roots, ID, "running")
    assert (row["image_id"], row["container_id"], row["ports"]) == ("1dea", "c0ffee", [8080])
    assert kind.state_of(roots, ID, "running") == "error", "nobody listens"
    (tmp_path / "proc/net").mkdir()
    (tmp_path / "proc/net/tcp").write_text(
        "head\n 0: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n"
    )
    assert kind.state_of(roots, ID, "running") == "running"
    assert kind.state_of(roots, ID, "stopped") == "stopped"
