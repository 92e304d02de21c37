# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Run a module, and let AWX keep what it publishes.

AWX keeps of a job what its tasks hand over as statistics. A task for that at the end of each
playbook would cost every host a task more, so the module's result hands it over, where AWX runs the
playbook and nowhere else.
"""

from __future__ import annotations

from typing import Any, Dict

from ..plugin_utils.artifacts import with_artifacts
from .invoke import ActionModule as Invoke


class ActionModule(Invoke):
    """Run the task's module."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return its result."""
        return with_artifacts(super().run(tmp, task_vars), task_vars)
