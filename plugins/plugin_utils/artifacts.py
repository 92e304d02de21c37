# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""What AWX keeps of a job: the published result of each host, under one key."""

from __future__ import annotations

from typing import Any, Dict, Mapping

RESULT = "ceph_orch_result"
# What AWX tells every playbook that it runs.
_JOB = "awx_job_id"
# Counts the shape below RESULT: {"schema": ..., "hosts": {NAME: what the host published}}.
SCHEMA = 1


def is_of_awx(variables: Any) -> bool:
    """Tell by a task's variables whether AWX runs the playbook."""
    return bool(variables) and _JOB in variables


def with_artifacts(result: Dict[str, Any], variables: Any) -> Dict[str, Any]:
    """Return a module's result, with what AWX shall keep of it where AWX runs the playbook."""
    published = result.get(RESULT)
    if not isinstance(published, Mapping) or not is_of_awx(variables):
        return result
    data = {RESULT: {"schema": SCHEMA, "hosts": {variables["inventory_hostname"]: published}}}
    return {**result, "ansible_stats": {"data": data, "aggregate": True, "per_host": False}}
