"""``docs/install.md``: what is installed where, what stays, and the options' defaults."""

from __future__ import annotations

import ast
import re
from typing import Any, Dict

import pytest

from adapter.cli import place
from adapter.cluster.bad_records import ADVICE
from adapter.engine.jobs import Keep
from tests.tools.documents import ROOT, flat, names, rows, section, texts

INSTALL = texts()["docs/install.md"]
WHERE = section(INSTALL, "What is where")
# What the modules write on hosts, each with the file that has it.
ON_HOSTS = {
    "/etc/systemd/system/ceph-orch-osd@.service": "osd/startup.py",
    "/usr/local/lib/ceph-orch-ansible/": "osd/startup.py",
    "/var/lib/ceph-orch-ansible/osd/": "osd/startup.py",
    "/etc/systemd/system/UNIT.d/ceph-orch.conf": "systemd/drop_in.py",
    "/etc/systemd/system/ceph-mon@ID.service.d/ceph-orch-joining.conf": "daemons/mon/joining.py",
    "/var/lib/ceph/removed/": "daemons/store_aside.py",
    "/var/lib/ceph/bootstrap-osd/ceph.keyring": "cluster/osd_map.py",
    "/run/ceph-orch-ansible/": "system/json_cache.py",
    "/etc/sysctl.d/NAME-ceph-orch-ansible.conf": "host/tuned_files.py",
    "/var/lib/ceph-orch-ansible/sysctl.json": "host/tuned_memory.py",
}
# Of these paths, the part that stands in the code.
IN_CODE = re.compile(
    r"ceph-orch-osd@|ceph-orch-joining|ceph-orch\.conf|-ceph-orch-ansible\.conf|lib/ceph[a-z/-]*|run/ceph.*"
)


def test_the_number_of_files_is_not_said_but_for_the_two_of_the_module() -> None:
    shown = re.findall(r"(?:make|remove) (/\S+) \((\S+) files\)", INSTALL)
    assert {path for path, _ in shown} == {place.CONTENT, place.MODULE}
    module = str(len(place.module_items()))
    assert {count for path, count in shown if path == place.MODULE} == {module}
    assert {count for path, count in shown if path == place.CONTENT} == {"N"}


@pytest.mark.parametrize("kind", sorted(ADVICE))
def test_every_kind_of_record_is_said(kind: str) -> None:
    said = [name.removeprefix("mgr/ansible/") for row in rows(WHERE) for name in names(row[0])]
    assert [name for name in said if name.partition(".")[0] == kind]


@pytest.mark.parametrize("path", sorted(ON_HOSTS))
def test_what_is_written_on_hosts_is_said(path: str) -> None:
    source = (ROOT / "plugins/module_utils" / ON_HOSTS[path]).read_text(encoding="utf-8")
    (part,) = IN_CODE.findall(path.rstrip("/"))[-1:]
    assert part in source
    assert [row for row in rows(WHERE) if f"`{path}`" in row[0]]


def test_every_drop_in_and_unit_of_ours_is_said() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "plugins/module_utils").rglob("*.py"))
    ]
    found = set(re.findall(r"\bceph-orch(?:-[a-z]+)?(?:@|\.conf)", "".join(sources)))
    assert found
    assert [each for each in found if each not in INSTALL] == []


def test_what_was_deployed_is_said_to_stay() -> None:
    removal = flat(section(INSTALL, "What stays"))
    assert "Every daemon and every OSD that was deployed" in removal
    said = {path for row in rows(section(INSTALL, "What stays")) for path in names(row[0])}
    # What a host keeps is in the one list as in the other, but for what goes with a restart.
    assert {path for path in ON_HOSTS if not path.startswith("/run/")} <= said


def options() -> Dict[str, Any]:
    """Return the defaults of the module's options; Ceph's Python is not needed."""
    return {**options_of("options"), **options_of("awx_options")}


def options_of(module: str) -> Dict[str, Any]:
    tree = ast.parse((ROOT / f"adapter/mgr/{module}.py").read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Option":
            given = {each.arg: each.value for each in node.keywords}
            default = given["default"]
            name = node.args[0].value
            found[name] = (
                constants[default.id] if isinstance(default, ast.Name) else default.value,
                bool(given.get("runtime") and given["runtime"].value),
            )
    return found


def test_the_options_have_the_defaults_that_are_said() -> None:
    said = {names(row[0])[0]: row for row in rows(section(INSTALL, "Options"))}
    found = options()

    assert set(said) == set(found)
    for name, (default, runtime) in found.items():
        shown = {"": "empty", True: "`true`", False: "`false`"}.get(default, f"`{default}`")
        assert said[name][1] == shown, name
        assert said[name][3] == ("at once" if runtime else "when the manager starts"), name


def test_so_many_jobs_are_kept_as_is_said() -> None:
    keep = Keep()
    said = (
        f"Of finished jobs the last {keep.count} are kept, at most {keep.bytes // 2**20} MiB of "
        f"them and none for longer than {keep.age / 86400:g} days."
    )
    assert said in flat(INSTALL)
