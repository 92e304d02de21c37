"""Write what happens in a run to a file, one JSON line for each result (tests only)."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Record results for the tests
description:
  - Writes one JSON line for each result to the file that RECORDER_FILE names.
"""


class CallbackModule(CallbackBase):
    """Record results, differences and custom statistics."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, **row):
        with open(os.environ["RECORDER_FILE"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, default=str) + "\n")

    def v2_playbook_on_play_start(self, play):
        self._play = str(play.get_name())

    def _result(self, result, status):
        data = result._result
        self._write(
            play=self._play,
            host=result._host.get_name(),
            task=result._task.get_name(),
            status=status,
            changed=bool(data.get("changed")),
            message=str(data.get("msg", "")),
            result=data.get("ceph_orch_result"),
            diff=data.get("diff"),
        )

    def v2_runner_on_ok(self, result):
        self._result(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self._result(result, "unreachable")

    def v2_playbook_on_stats(self, stats):
        self._write(status="stats", custom=stats.custom)
