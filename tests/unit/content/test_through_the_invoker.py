"""Every operation passes the invoker, or is refused with a sentence before anything is done.

What a playbook does on a host is a module of ours, which is a verb of the invoker. Whatever else it
has is done on the controller, or stands below with what becomes of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

import pytest
import yaml

from adapter.operations import REGISTRY
from plugins.module_utils.invoker.policy import VERBS
from tests.tools.documents import ROOT

OURS = "ceph_orch.ansible."
BUILTIN = "ansible.builtin."
# An action on the controller, and the verbs that it has done on the host.
BY_VERBS = {"daemon_upgrade": {"host_report", "host_upgrade", "daemon_action"}}
# They reach no host.
ON_CONTROLLER = {"assert", "fail", "include_vars", "meta", "set_stats"}
NOT_MODULES = {
    *("name", "when", "vars", "register", "args", "check_mode", "changed_when", "block"),
}
# Without become, so what needs no right alone: it only looks whether there is Python.
LOOKS = {("host_prepare", "raw")}
SWITCH = "ceph_orch_invoker | default(false) | bool"
# Playbooks that stop where the invoker is used, and those that root runs by another way.
REFUSED = {"install"}
OF_ROOT = {"install_invoker", "remove_invoker"}


class Task(NamedTuple):
    """A task of a role, with the conditions of the blocks around it."""

    role: str
    module: str
    when: Tuple[str, ...]
    arguments: Any
    step: Dict[str, Any]


def conditions(step: Dict[str, Any]) -> Tuple[str, ...]:
    found = step.get("when", [])
    return tuple(map(str, found)) if isinstance(found, list) else (str(found),)


def role_tasks(role: str, when: Tuple[str, ...] = ()) -> Iterator[Task]:
    path = ROOT / "roles" / role.removeprefix(OURS) / "tasks/main.yml"
    yield from steps(role.removeprefix(OURS), yaml.safe_load(path.read_text()), when)


def steps(role: str, rows: List[Dict[str, Any]], when: Tuple[str, ...] = ()) -> Iterator[Task]:
    """Yield the tasks, those of blocks and of roles that are imported among them."""
    for step in rows:
        here = (*when, *conditions(step))
        assert not [key for key in step if "become" in key or "delegate" in key], step
        if "block" in step:
            yield from steps(role, step["block"], here)
            continue
        (module,) = set(step) - NOT_MODULES
        if module == f"{BUILTIN}import_role":
            assert set(step[module]) <= {"name", "rolespec_validate", "tasks_from"}
            if "tasks_from" in step[module]:
                path = ROOT / "roles" / step[module]["name"].removeprefix(OURS) / "tasks"
                text = (path / f"{step[module]['tasks_from']}.yml").read_text()
                yield from steps(step[module]["name"], yaml.safe_load(text), here)
            else:
                yield from role_tasks(step[module]["name"], here)
            continue
        yield Task(role, module, here, step[module], step)


def tasks(playbook: str) -> List[Task]:
    found: List[Task] = []
    for play in yaml.safe_load((ROOT / f"playbooks/{playbook}.yml").read_text()):
        assert not [key for key in play if "become" in key], play
        for role in play.get("roles", ()):
            found += role_tasks(role["role"], conditions(role))
        found += steps(playbook, play.get("tasks", []))
    return found


PLAYBOOKS = sorted(path.stem for path in Path(ROOT / "playbooks").glob("*.yml"))


def passes(task: Task) -> bool:
    """Tell whether a task is a verb of the invoker, reaches no host, or is left out with it."""
    if task.module.startswith(OURS):
        name = task.module.removeprefix(OURS)
        return BY_VERBS.get(name, {name}) <= set(VERBS) or f"not ({SWITCH})" in task.when
    name = task.module.removeprefix(BUILTIN)
    return name in ON_CONTROLLER or (task.role, name) in LOOKS or f"not ({SWITCH})" in task.when


@pytest.mark.parametrize("playbook", sorted({*PLAYBOOKS, *REGISTRY} - REFUSED - OF_ROOT))
def test_every_operation_is_done_by_verbs_of_the_invoker(playbook: str) -> None:
    """Seen to fail with a task of another module."""
    found = tasks(playbook)

    assert found, "it has no task"
    assert [task for task in found if not passes(task)] == []


@pytest.mark.parametrize("playbook", sorted(REFUSED))
def test_what_does_not_pass_stops_before_its_first_task(playbook: str) -> None:
    first = tasks(playbook)[0]

    assert (first.module, first.when) == (f"{BUILTIN}fail", (SWITCH,))
    assert "Nothing was changed on it." in first.arguments["msg"]
    assert f"{playbook}.yml as root" in first.arguments["msg"]


def test_no_operation_is_refused() -> None:
    """What is refused or root's has no verb of the manager or of ``orch-ansible``."""
    assert set(REGISTRY) & (REFUSED | OF_ROOT) == set()


def test_playbooks_of_root_do_nothing_but_that() -> None:
    modules: Set[str] = {task.module for name in OF_ROOT for task in tasks(name)}

    assert modules == {f"{OURS}invoker_install"}


def test_what_looks_for_python_installs_nothing() -> None:
    """The user may not, so a host without Python is named."""
    look, _, refuse, *_ = role_tasks("host_prepare")

    assert look.module == f"{BUILTIN}raw"
    assert look.step["vars"]["__host_prepare_looks"] == f"{{{{ ansible_check_mode or {SWITCH} }}}}"
    assert (refuse.module, refuse.when) == (f"{BUILTIN}assert", (SWITCH,))
