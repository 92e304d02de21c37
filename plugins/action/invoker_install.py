# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Make the invoker on the controller, and send it where a host has another one or none."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import zlib
from typing import Any, Dict

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.invoker import PYTHON, build

_PATH = re.compile(r"/[A-Za-z0-9/_.+-]{1,100}")


class ActionModule(ActionBase):
    """Ask the module whether the host has the program; send it when it has not."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Run the module once or twice."""
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        python = str(given.get("python") or PYTHON)
        if not _PATH.fullmatch(python):
            raise AnsibleActionFail(f"Invalid python {python!r}: it is not a whole path.")
        if given.get("state") == "absent":
            return self._ask(given, task_vars)
        program = _program(python)
        given["digest"] = hashlib.sha256(program).hexdigest()
        result = self._ask(given, task_vars)
        if result.get("failed") or not result.pop("wants_content", False):
            return result
        given["content"] = base64.b64encode(zlib.compress(program)).decode()
        return self._ask(given, task_vars)

    def _ask(self, arguments: Dict[str, Any], task_vars: Any) -> Dict[str, Any]:
        return self._execute_module(
            module_name="ceph_orch.ansible.invoker_install",
            module_args=arguments,
            task_vars=task_vars,
        )


@functools.lru_cache(maxsize=1)
def _program(python: str) -> bytes:
    return build(python)
