# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Run a module of ours on a host: as Ansible does, or through the invoker where a host has it.

The action ``published``, which ``meta/runtime.yml`` names for every module, is made of this. A host
with the variable ``ceph_orch_invoker`` is worked on without become: the module's parameters are
handed to the one program that its user may run as root there, and that prints the module's answer.
"""

from __future__ import annotations

import functools
import json
from typing import Any, Dict

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as Normal
from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils.invoker import INVOKER, version_of

SWITCH = "ceph_orch_invoker"
MARK = "ceph_orch_invoker_mark"
# The invoker's exit statuses for what it refuses.
_REFUSED = (64, 65)
_REMEDY = "As root, run the playbook install_invoker.yml for this host."


class ActionModule(Normal):
    """Do as Ansible's own action does, unless the host has the invoker.

    ``verb`` is what another action has done that is not the task's own.
    """

    verb = ""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Run the module."""
        variables = task_vars or {}
        if not boolean(self._templar.template(variables.get(SWITCH, False)), strict=False):
            return super().run(tmp, task_vars)
        result = ActionBase.run(self, tmp, task_vars)
        if self._task.async_val:
            return {**result, "failed": True, "msg": "The invoker does not run in the background."}
        mark = str(self._templar.template(variables.get(MARK, "")))
        answer = self._low_level_execute_command(
            f"LC_ALL=C sudo -n {INVOKER}", sudoable=False, in_data=self._document(mark)
        )
        return {**result, **wrap_var(read_answer(answer))}

    def _document(self, mark: str) -> bytes:
        name = self.verb or self._task.resolved_action or self._task.action
        given = {key: value for key, value in self._task.args.items() if value is not None}
        document = {
            "version": _version(),
            "verb": name.rpartition(".")[2],
            "check": bool(self._task.check_mode),
            "diff": bool(self._task.diff),
            "mark": mark,
            "parameters": plain(given),
        }
        return json.dumps(document).encode()


@functools.lru_cache(maxsize=1)
def _version() -> str:
    return version_of()


def plain(value: Any) -> Any:
    """Return data as JSON has it, without what Ansible knows of each text besides."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def read_answer(answer: Dict[str, Any]) -> Dict[str, Any]:
    """Return the module's result, or a failure that says why there is none."""
    status, said = answer["rc"], answer["stderr"].strip()
    line = said.splitlines()[-1] if said else ""
    if status not in _REFUSED:
        for text in answer["stdout"].splitlines():
            found = _object(text)
            if found is not None:
                return {key: found[key] for key in found if not key.startswith("_ansible")}
    if status in _REFUSED and line.startswith("ceph-orch-invoker: "):
        return {"failed": True, "msg": line.partition(": ")[2]}
    return {"failed": True, "msg": why(said, status), "module_stderr": said}


def why(said: str, status: int) -> str:
    """Return why the invoker was not run, from what sudo or the shell complained about."""
    if "sudo: not found" in said or "sudo: command not found" in said:
        return "There is no sudo on this host. Install it."
    if f"{INVOKER}: command not found" in said:
        return f"There is no {INVOKER} on this host. {_REMEDY}"
    if "sudo" in said:
        return f"The ssh user may not run {INVOKER} as root on this host. {_REMEDY}"
    last = said.splitlines()[-1] if said else "it printed nothing"
    return f"{INVOKER} ended with status {status}: {last}"


def _object(text: str) -> Any:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
