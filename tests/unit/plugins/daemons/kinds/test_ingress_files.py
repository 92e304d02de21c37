"""What a host writes for haproxy and keepalived, and in which order both are told of it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.ingress_files import IngressFiles
from plugins.module_utils.daemons.kinds.registry import extras_of
from plugins.module_utils.daemons.listing import find_units
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.daemons.requested import secret_files_of
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
ID = "web.h1.abcdef"
HAPROXY, KEEPALIVED = f"ceph-orch-haproxy@{ID}.service", f"ceph-orch-keepalived@{ID}.service"
FILES = {
    "haproxy.cfg": "global\nfrontend a\n  bind :1967\n",
    "keepalived.conf": "global_defs {\n}\n",
}
SYSTEMCTL = """#!/bin/sh
case "$1" in
show)
  for unit in "$@"; do case "$unit" in *.service)
  printf 'Id=%s\\nLoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$unit" $STATE
  printf 'UnitFileState=enabled\\nExecMainStartTimestampMonotonic=0\\n\\n'
  ;; esac; done ;;
*) echo "$@" >>TOP/asked ;;
esac
"""
# Says what it was run with; a configuration with "wrong" is refused.
CHECK = """#!/bin/sh
echo "$@" >>TOP/checked
grep -q wrong "$2/haproxy.cfg" || exit 0
echo "[ALERT] haproxy.cfg:1: wrong" >&2
exit 1
"""


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Roots:
    """Return a host on which systemctl and haproxy write down what they are asked."""
    programs = only_programs_of(tmp_path, monkeypatch)
    for name, text in {
        "systemctl": SYSTEMCTL,
        "haproxy": CHECK,
        "keepalived": "#!/bin/sh\n",
    }.items():
        (programs / name).write_text(text.replace("TOP", str(tmp_path)))
        (programs / name).chmod(0o755)
    (tmp_path / "proc").mkdir()
    monkeypatch.setenv("STATE", "inactive dead")
    places = {name: str(tmp_path / name) for name in ("etc", "var", "proc")}
    return Roots(dev="none", **places)


def wanted(roots: Roots, daemon_id: str = ID, **fields: Any) -> Wanted:
    given: Dict[str, Any] = {"files": FILES, "port": 1967, **fields}
    return Wanted(Daemon(roots, "haproxy", daemon_id), cluster=FSID, **given)


def asked(tmp_path: Path) -> List[str]:
    path = tmp_path / "asked"
    return path.read_text().splitlines() if path.exists() else []


def folder(tmp_path: Path, daemon_id: str = ID) -> Path:
    return tmp_path / "etc/ceph-orch-ansible/ingress" / daemon_id


def verdict(roots: Roots, one: Wanted) -> str:
    deployment = Deployment(roots, [one], {"haproxy": extras_of(roots)["haproxy"]}, 1)
    deployment.refuse(False)
    deployment.predict()
    return str(deployment.rows[0]["state"])


def test_only_root_reads_the_files_and_may_change_what_it_runs(
    roots: Roots, tmp_path: Path
) -> None:
    one = wanted(roots, files={**FILES, "haproxy.pem": "a key"})
    assert verdict(roots, one) == "would be created"
    IngressFiles(roots).setup(one)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder(tmp_path).iterdir()}
    secret = {name: 0o600 for name in ("haproxy.cfg", "haproxy.pem", "keepalived.conf")}
    assert {name: modes[name] for name in secret} == secret
    assert modes["check"] == 0o700
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    assert "/dev/tcp/127.0.0.1/1967" in (folder(tmp_path) / "check").read_text()
    unit = (tmp_path / "etc/systemd/system/ceph-orch-haproxy@.service").read_text()
    assert f"-C {tmp_path}/etc/ceph-orch-ansible/ingress/%i -Ws -f haproxy.cfg" in unit


def test_what_packages_bring_is_not_started_with_the_host(roots: Roots, tmp_path: Path) -> None:
    IngressFiles(roots).setup(wanted(roots))
    assert not any("disable" in each for each in asked(tmp_path)), "somebody else has installed it"
    IngressFiles(roots).setup(wanted(roots, installs=True))
    assert "disable -- haproxy.service keepalived.service" in asked(tmp_path)


def test_a_configuration_that_haproxy_refuses_is_not_put_in_place(
    roots: Roots, tmp_path: Path
) -> None:
    files = IngressFiles(roots)
    files.setup(wanted(roots))
    before = (folder(tmp_path) / "haproxy.cfg").read_text()

    with pytest.raises(DaemonRefused, match=r"haproxy refuses haproxy\.cfg: .*wrong"):
        verdict(roots, wanted(roots, files={**FILES, "haproxy.cfg": "wrong\n"}))

    assert (folder(tmp_path) / "haproxy.cfg").read_text() == before
    assert files.refuse(wanted(roots)) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "../passwd": "x"}, "Invalid file '../passwd'"),
        ({**FILES, "check": "#!/bin/sh\nid\n"}, "Invalid file 'check'"),
        ({"haproxy.cfg": "global\n"}, "there is no file keepalived.conf"),
        ({}, "there is no file haproxy.cfg"),
    ],
)
def test_other_files_and_missing_ones_are_refused(
    roots: Roots, files: Dict[str, str], said: str
) -> None:
    assert any(said in each for each in IngressFiles(roots).refuse(wanted(roots, files=files)))


def test_each_program_is_told_of_its_own_files_and_keepalived_last(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, one = IngressFiles(roots), wanted(roots)
    files.setup(one)
    assert files.finish(one) == ""
    assert asked(tmp_path)[-1] == f"start -- {KEEPALIVED}"
    assert not files.needs_reload(one)

    monkeypatch.setenv("STATE", "active running")
    more = wanted(roots, files={**FILES, "haproxy.cfg": FILES["haproxy.cfg"] + "# more\n"})
    assert files.needs_reload(more)
    assert not files.needs_setup(more)
    done = len(asked(tmp_path))
    files.reload(more)
    files.finish(more)
    assert asked(tmp_path)[done:] == [f"reload -- {HAPROXY}"]

    both = wanted(roots, files={**more.files, "keepalived.conf": "vrrp {\n}\n"})
    done = len(asked(tmp_path))
    files.reload(both)
    files.finish(both)
    assert asked(tmp_path)[done:] == [f"reload -- {KEEPALIVED}"]
    assert not files.needs_reload(both)


def test_a_run_that_was_killed_before_the_word_is_taken_up(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE", "active running")
    files, one = IngressFiles(roots), wanted(roots)
    files.setup(one)
    files.finish(one)
    (folder(tmp_path) / ".keepalived-pending").touch()

    assert files.needs_reload(one)
    files.reload(one)
    files.finish(one)
    assert asked(tmp_path)[-1] == f"reload -- {KEEPALIVED}"
    assert not files.needs_reload(one)


def test_a_certificate_that_no_spec_names_any_more_goes(roots: Roots, tmp_path: Path) -> None:
    files = IngressFiles(roots)
    files.setup(wanted(roots, files={**FILES, "haproxy.pem": "a key"}))
    assert files.needs_reload(wanted(roots))
    files.setup(wanted(roots))
    assert not (folder(tmp_path) / "haproxy.pem").exists()


def test_a_file_that_is_not_given_stays(roots: Roots, tmp_path: Path) -> None:
    files = IngressFiles(roots)
    files.setup(wanted(roots, files={**FILES, "haproxy.pem": "a key"}))
    files.finish(wanted(roots))
    nothing = wanted(roots, files={})

    assert files.refuse(nothing) == []
    assert (folder(tmp_path) / "haproxy.pem").exists()


def test_keepalived_goes_first_and_nothing_is_left(
    roots: Roots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    IngressFiles(roots).setup(wanted(roots))
    monkeypatch.setenv("STATE", "active running")
    done = len(asked(tmp_path))

    Removal(roots, [Daemon(roots, "haproxy", ID)], extras_of(roots), purge=False).do()

    words = [each for each in asked(tmp_path)[done:] if each.startswith("stop")]
    assert words == [f"stop -- {KEEPALIVED}", f"stop -- {HAPROXY}"]
    assert not (tmp_path / "etc/ceph-orch-ansible").exists()
    assert list((tmp_path / "etc/systemd/system").iterdir()) == []


def test_another_service_of_the_host_keeps_the_units(roots: Roots, tmp_path: Path) -> None:
    files = IngressFiles(roots)
    files.setup(wanted(roots))
    files.setup(wanted(roots, "other.h1.abcdef"))

    files.cleanup(Daemon(roots, "haproxy", ID))

    assert not folder(tmp_path).exists()
    assert (tmp_path / "etc/systemd/system/ceph-orch-haproxy@.service").exists()


def test_one_that_is_stopped_and_disabled_is_still_found(roots: Roots) -> None:
    IngressFiles(roots).setup(wanted(roots))

    names = {each["Id"] for each in find_units(roots, [])}
    assert {HAPROXY, KEEPALIVED} <= names


def keyring(entity: str, text: str) -> str:
    return f"[{entity}]\n\tkey = {base64.b64encode(text.encode()).decode()}\n"


def test_secret_files_come_as_keys(roots: Roots) -> None:
    daemon = Daemon(roots, "haproxy", ID)
    options = {"secret_files": {"haproxy.cfg": "a.keyring", "haproxy.pem": "b.keyring"}}
    keyrings = {"a.keyring": keyring(f"haproxy.{ID}.haproxy.cfg", "global\n" * 100)}

    assert secret_files_of(keyrings, daemon, options) == {"haproxy.cfg": "global\n" * 100}


@pytest.mark.parametrize(
    "text", ["[x]\n\tkey = Z2xvYmFs\n", "global\n", f"[haproxy.{ID}.haproxy.cfg]\n\tkey = a-b\n"]
)
def test_a_text_of_another_file_is_refused_without_being_shown(roots: Roots, text: str) -> None:
    daemon = Daemon(roots, "haproxy", ID)
    options = {"secret_files": {"haproxy.cfg": "a.keyring"}}

    with pytest.raises(DaemonRefused, match=r"has no text for haproxy\.cfg") as raised:
        secret_files_of({"a.keyring": text}, daemon, options)

    assert "Z2xvYmFs" not in str(raised.value)
