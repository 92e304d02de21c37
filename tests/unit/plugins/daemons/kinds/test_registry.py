"""A kind of daemon is one file, and nobody else knows one by its name."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any, Set

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.kinds import registry
from plugins.module_utils.daemons.kinds.base import DaemonRefused, Kind
from plugins.module_utils.daemons.kinds.of_ingress import OfIngress
from plugins.module_utils.daemons.kinds.own_folder import OwnFolder
from plugins.module_utils.daemons.kinds.program import Program
from plugins.module_utils.daemons.kinds.registry import ALL, KINDS
from plugins.module_utils.daemons.listing import daemon_of
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.systemd.last_words import log_of

ROOT = Path(__file__).resolve().parents[5]
UTILS = ROOT / "plugins/module_utils"
PLACE = UTILS / "daemons/kinds"
# What the kinds have in common.
COMMON = {
    *("__init__", "base", "extra", "registry"),
    *(
        "program",
        "program_certificate",
        "program_files",
        "program_parts",
        "own_folder",
        "own_units",
        "of_ingress",
        "ingress_files",
    ),
    *("container_document", "container_files", "container_podman", "container_quadlet"),
    *("smb_files", "smb_parts", "smb_units"),
    "mgr_login",
    *("nfs_conf", "nfs_files", "nfs_places", "nfs_table"),
}
BASES = (Kind, Program, OwnFolder, OfIngress)
# Code for all daemons and hosts.
GENERAL = sorted([*(UTILS / "daemons").glob("*.py"), *(UTILS / "host").glob("*.py")])
# It has what an OSD needs to start again.
OSDS = {"maintenance_record"}


def test_the_registry_has_the_files_of_the_folder() -> None:
    """Ansible finds the files of a module in import statements, so the list is kept by hand."""
    files = {path.stem for path in PLACE.glob("*.py")} - COMMON
    listed = {module.__name__.rpartition(".")[2] for module in registry._FILES}
    assert listed == files
    assert {name.replace("-", "_") for name in ALL} == files


@pytest.mark.parametrize("name", ALL)
def test_a_file_says_one_kind(name: str) -> None:
    stem = name.replace("-", "_")
    module = importlib.import_module(f"plugins.module_utils.daemons.kinds.{stem}")
    own = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Kind) and each not in BASES
    ]
    assert [type(module.KIND)] == own
    assert module.KIND is ALL[name]


@pytest.mark.parametrize("name", ALL)
def test_a_kind_says_what_every_daemon_has(name: str) -> None:
    kind = ALL[name]
    assert kind.unit.endswith(".service")
    assert kind.unit.replace("{id}", "").count("@") == bool(kind.template)
    assert kind.program
    assert ("." in kind.entity) == kind.needs_conf
    assert isinstance(kind, Program) != kind.is_ceph
    for text in (kind.unit, kind.data, kind.socket, kind.keyring, kind.version_socket):
        assert "{" not in text.replace("{id}", "")
    # What is asked is asked through a socket.
    assert not kind.question or kind.socket
    # Where one stands that systemd does not know: in a directory, in a link, or on every host.
    assert not kind.template or bool(kind.data) != bool(kind.wants_folder)


@pytest.mark.parametrize("name", [name for name, kind in ALL.items() if kind.template])
def test_its_units_are_found_and_its_log_is_that_of_its_key(name: str) -> None:
    unit = ALL[name].unit.format(id="a.h1")
    assert daemon_of(unit, "h1") == (name, "a.h1")
    if not ALL[name].is_ceph:
        # It logs to the journal.
        assert not log_of(unit, Roots(etc="/nowhere"))
        return
    section = ALL[name].entity.partition(".")[0]
    instance = unit.partition("@")[2].rpartition(".service")[0]
    assert log_of(unit, Roots(etc="/nowhere")) == f"/var/log/ceph/ceph-{section}.{instance}.log"


@pytest.mark.parametrize("name", KINDS)
def test_the_places_of_a_daemon_are_its_own(name: str) -> None:
    one, other = (Daemon(Roots(), name, daemon_id) for daemon_id in ("a", "b"))
    if not one.kind.is_ceph:
        # There is one at most on a host, and its unit's drop-in file says whose it is; or each has
        # a directory of its own.
        drop_in = f"/etc/systemd/system/{one.unit}.d/ceph-orch.conf"
        assert (one.mark_path == drop_in) != one.kind.makes_unit
        assert (one.mark_path != other.mark_path) == bool(one.kind.template)
        assert (one.data_path, one.socket_path) == ("", "")
        assert bool(one.keyring_path) == one.kind.needs_conf
        assert one.keyring_path != other.keyring_path or not one.keyring_path
        return
    assert one.keyring_path != other.keyring_path
    assert one.data_path != other.data_path or not one.data_path
    assert one.keyring_path.startswith(("/var/lib/ceph/", "/etc/ceph/"))


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(DaemonRefused, match=r"'loki': it is not deployed.*ceph-exporter, .*rgw"):
        Daemon(Roots(), "loki", "a")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: str(kind.name))
def test_the_role_documents_each_kind(kind: Any) -> None:
    readme = (ROOT / "roles/daemon_deploy/README.md").read_text(encoding="utf-8")
    unit = kind.unit.format(id="ID").rpartition(".service")[0]
    assert f"| `{kind.name}` | `{unit}` |" in readme


def _texts(path: Path) -> Set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("path", GENERAL, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_code_for_all_kinds_names_none(path: Path) -> None:
    """It reads what the kind says, so a new one is one more file."""
    words = {*ALL, *(kind.template for kind in ALL.values()), "radosgw"} - {""}
    words -= {"osd"} if path.stem in OSDS else set()
    assert _texts(path) & words == set()


def test_code_for_all_kinds_imports_none() -> None:
    files = [f"kinds.{name.replace('-', '_')}" for name in ALL]
    for path in GENERAL:
        text = path.read_text(encoding="utf-8")
        assert not any(f"{name} import" in text for name in files), path
