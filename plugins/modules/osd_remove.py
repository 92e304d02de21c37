#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Take OSDs from a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osd_remove
short_description: Take OSDs from a host, and wipe their disks if wanted
description:
  - Stops and disables the units of OSDs and removes their data directories; when asked to, wipes
    the disks that carry the OSD's id, its uuid and the cluster's fsid. Nothing else is touched.
  - An OSD that runs is stopped only when it says itself that it has no placement group any more.
    Disks are wiped only when the monitors say that the cluster has the OSD no more, or as
    destroyed. The cluster's maps are not changed.
  - All OSDs are looked at first. When one of them is not what was said, nothing is done, unless
    O(kept_fails=false). An OSD below whose data directory something is mounted is neither stopped
    nor removed.
notes:
  - ceph-volume is run by systemd, so it goes on to its end whatever becomes of the module or the
    connection. Another run waits for it.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the OSDs and disks before and after.
  action_group:
    membership:
      - ceph_orch.ansible.all
      - ceph_orch.ansible.cluster
options:
  step:
    description:
      - V(stop) stops the daemons and leaves everything that starts them again; V(start) takes that
        back, unless the monitors say that the OSD is on another host by now, or ran there last.
        V(remove) stops what still runs, and removes units and directories; disks are wiped as
        O(osds[].zap) says.
    type: str
    choices: [stop, start, remove]
    default: remove
  osds:
    description:
      - The OSDs to take from this host. Absent OSDs are ignored.
    type: list
    elements: dict
    required: true
    suboptions:
      osd_id:
        description:
          - The id of the OSD.
        type: int
        required: true
      osd_uuid:
        description:
          - The uuid of the OSD, so that no other is meant that has got the same id.
        type: str
        required: true
      zap:
        description:
          - Whether its disks are wiped; by default as O(zap) says.
        type: bool
      destroy_lvs:
        description:
          - Whether logical volumes are removed when they are wiped.
        type: bool
        default: true
      force:
        description:
          - Whether the OSD is stopped although it has placement groups, or does not say what it
            has; by default as O(force) says. Data can be lost.
        type: bool
      gone:
        description:
          - Says that the cluster has this OSD no more. Another one that is set up here with the
            same id is left alone then, and is no reason to refuse.
        type: bool
        default: false
      disks:
        description:
          - The disks that the OSD is known to be on, each with path and device_id. One that this
            host does not show, or that cannot be read, is named in the result when it should be
            wiped.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description:
              - The disk's device file.
            type: str
            required: true
          device_id:
            description:
              - Its vendor, model and serial number, which count more than the path.
            type: str
            default: ''
  zap:
    description:
      - Whether disks are wiped for OSDs that do not say it themselves.
    type: bool
    default: false
  force:
    description:
      - Whether OSDs that do not say it themselves are stopped with what they hold. Data can be
        lost.
    type: bool
    default: false
  patience:
    description:
      - For how many seconds an OSD may still be deleting copies before it counts as one with data.
    type: int
    default: 15
  kept_fails:
    description:
      - Whether the module fails when an OSD was not stopped, because it has data or did not answer,
        and does nothing at all when something is wrong with one of the OSDs. Otherwise the others
        are done first, and what is wrong is in the OSD's row as well.
    type: bool
    default: true
  cluster:
    description:
      - The fsid of the cluster.
    type: str
    required: true
  keyring:
    description:
      - A keyring of C(client.bootstrap-osd), with which the monitors are asked before disks are
        wiped, an OSD is removed that is said to be gone, or one is started again. By default it is
        the host's own; to start an OSD, that of the OSD if the host has none.
    type: str
    default: ''
  report:
    description:
      - What the host says of itself at the end, as M(ceph_orch.ansible.host_report) does, so that
        no other call has to ask.
    type: list
    elements: str
    choices: [devices, daemons]
    default: [devices, daemons]
  timeout:
    description:
      - For how many seconds ceph-volume is waited for. Another run is waited for 20 seconds
        at most.
    type: int
    default: 600
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Take an OSD from its host and give the disk back
  ceph_orch.ansible.osd_remove:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    osds:
      - osd_id: 3
        osd_uuid: 9ea8bda5-0b89-419c-9269-65378081f63d
        zap: true
"""

RETURN = r"""
ceph_orch_result:
  description:
    - What became of the OSDs. Where nothing failed there is also what
      M(ceph_orch.ansible.host_report) says with the C(gather) of O(report).
  returned: always
  type: dict
  contains:
    removed:
      description:
        - For each OSD C(osd_id) and C(state) (removed, stopped, started, down, absent, present,
          failed, holds data, no answer, later, would be removed, would be stopped or would be
          started), C(zapped) (the disks on which nothing is left), C(unseen) (the disks that should
          be wiped and are not to be seen), C(unread) (those that are seen and cannot be read),
          C(left) (those that hold other things by now and are left as they are), C(copies) (those
          with its label that are none of its C(disks), and are left as they are) and C(held), how
          many placement groups it had when it was asked last. With a C(state) failed C(problem)
          says why; with later the run has taken too long to stop this one too, where O(kept_fails)
          is false.
      type: list
      elements: dict
      sample:
        - osd_id: 3
          state: removed
          zapped: [/dev/sdb]
    at_work:
      description:
        - Whether ceph-volume may still be at work on disks of the host. That is so where another
          run had the host's disks, and where ceph-volume had not ended in time.
      type: bool
"""

from typing import Any, Dict, Iterable, List, Mapping

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cluster.osd_map import NoAnswer
from ..module_utils.host.state import state_after
from ..module_utils.osd.removal import RemovalRefused
from ..module_utils.osd.removal_steps import UNCHANGED, Work
from ..module_utils.osd.stopping import KEPT, reason_kept
from ..module_utils.system.host_lock import HostIsBusy
from ..module_utils.system.reading import Roots
from ..module_utils.systemd.units import UnitsFailed

DISKS = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "path": {"type": "str", "required": True},
        "device_id": {"type": "str", "default": ""},
    },
}
OSDS = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "osd_id": {"type": "int", "required": True},
        "osd_uuid": {"type": "str", "required": True},
        "zap": {"type": "bool"},
        "destroy_lvs": {"type": "bool", "default": True},
        "force": {"type": "bool"},
        "gone": {"type": "bool", "default": False},
        "disks": DISKS,
    },
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": ["stop", "start", "remove"], "default": "remove"},
            "osds": OSDS,
            "zap": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "patience": {"type": "int", "default": 15},
            "kept_fails": {"type": "bool", "default": True},
            "cluster": {"type": "str", "required": True},
            "keyring": {"type": "str", "default": "", "no_log": True},
            "report": {
                "type": "list",
                "elements": "str",
                "choices": ["devices", "daemons"],
                "default": ["devices", "daemons"],
            },
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    for osd in module.params["osds"]:
        for name in ("zap", "force"):
            osd[name] = module.params[name] if osd[name] is None else osd[name]
    rows: List[Dict[str, Any]] = []
    problem = ""
    roots = Roots()
    work = Work(module.params, roots, module.check_mode, rows)
    if module.params["osds"]:
        try:
            work.do()
        except (RemovalRefused, HostIsBusy, UnitsFailed, NoAnswer, OSError) as error:
            problem = str(error)
    kept = [reason_kept(row["osd_id"], row["state"], row["held"]) for row in rows if is_kept(row)]
    if module.params["kept_fails"]:
        problem = problem or " ".join(kept)
    problem = problem or " ".join(row["problem"] for row in rows if "problem" in row)
    result = {"removed": rows, "at_work": work.at_work}
    changed = work.changed or any(row["state"] not in UNCHANGED for row in rows)
    if problem:
        module.fail_json(msg=problem, changed=changed, ceph_orch_result=result)
    module.exit_json(
        changed=changed,
        diff=describe(rows),
        ceph_orch_result={
            **result,
            **state_after(roots, module.check_mode, module.params["report"]),
        },
    )


def is_kept(row: Mapping[str, Any]) -> bool:
    """Tell whether an OSD was not stopped although it should have been."""
    return row["state"] in KEPT


def describe(rows: Iterable[Mapping[str, Any]]) -> Dict[str, str]:
    """Return the difference that ``--diff`` shows."""
    before, after = [], []
    for row in rows:
        if row["state"] in UNCHANGED:
            continue
        before.append(f"osd.{row['osd_id']}: {BEFORE.get(row['state'], 'set up')}\n")
        after.append(f"osd.{row['osd_id']}: {AFTER.get(row['state'], 'absent')}\n")
        before += [f"{path}: osd.{row['osd_id']}\n" for path in row["zapped"]]
        after += [f"{path}: free\n" for path in row["zapped"]]
    return {"before": "".join(before), "after": "".join(after)}


BEFORE = {
    "stopped": "running",
    "would be stopped": "running",
    "started": "stopped",
    "would be started": "stopped",
}
AFTER = {
    "stopped": "stopped",
    "would be stopped": "stopped",
    "started": "running",
    "would be started": "running",
}


if __name__ == "__main__":
    main()
