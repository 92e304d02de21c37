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
  - Whether the cluster can do without the OSD is not asked, and the cluster's maps are not changed.
  - All OSDs are looked at first. When one of them is not what was said, nothing is done.
notes:
  - ceph-volume is run by systemd, so it goes on to its end whatever becomes of the module or the
    connection. Another run waits for it.
attributes:
  check_mode:
    description: Can run in check mode and predict what would change without touching anything.
    support: full
  diff_mode:
    description: Returns the OSDs and disks before and after.
    support: full
  platform:
    description: The systems that the module runs on.
    platforms: Linux
    support: full
options:
  osds:
    description:
      - The OSDs to take from this host. One that is not there is fine.
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
  zap:
    description:
      - Whether disks are wiped for OSDs that do not say it themselves.
    type: bool
    default: false
  cluster:
    description:
      - The fsid of the cluster.
    type: str
    required: true
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
      - For how many seconds another run, and then ceph-volume, is waited for.
    type: int
    default: 600
author:
  - The ceph-orch-ansible developers
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
        - For each OSD C(osd_id), C(state) (removed, absent or would be removed) and C(zapped), the
          disks on which nothing is left.
      type: list
      elements: dict
      sample:
        - osd_id: 3
          state: removed
          zapped: [/dev/sdb]
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.exclusive import HostIsBusy, HostLock
from ..module_utils.host_state import state_after
from ..module_utils.osd_removal import (
    Host,
    RemovalRefused,
    check_wanted,
    find_all,
    foresee,
    take_down,
    zap,
)
from ..module_utils.osd_startup import Startup
from ..module_utils.reading import Roots
from ..module_utils.units import UnitsFailed


def main():
    module = AnsibleModule(
        argument_spec={
            "osds": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "osd_id": {"type": "int", "required": True},
                    "osd_uuid": {"type": "str", "required": True},
                    "zap": {"type": "bool"},
                    "destroy_lvs": {"type": "bool", "default": True},
                },
            },
            "zap": {"type": "bool", "default": False},
            "cluster": {"type": "str", "required": True},
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
        osd["zap"] = module.params["zap"] if osd["zap"] is None else osd["zap"]
    rows = []
    problem = ""
    roots = Roots()
    if module.params["osds"]:
        try:
            remove(module, roots, rows)
        except (RemovalRefused, HostIsBusy, UnitsFailed, OSError) as error:
            problem = str(error)
    result = {"removed": rows}
    if problem:
        module.fail_json(msg=problem, ceph_orch_result=result)
    module.exit_json(
        changed=any(row["state"] != "absent" for row in rows),
        diff=describe(rows),
        ceph_orch_result={
            **result,
            **state_after(roots, module.check_mode, module.params["report"]),
        },
    )


def remove(module, roots, rows):
    """Take the OSDs away, or foresee it; add a row for each that is done."""
    params = module.params
    timeout = max(params["timeout"], 1)
    check_wanted(params["osds"])
    lock = contextlib.nullcontext() if module.check_mode else HostLock(timeout)
    with lock:
        host = Host(roots)
        for wanted, traces in find_all(host, params["osds"], params["cluster"]):
            row = foresee(wanted, traces)
            if not module.check_mode and row["state"] != "absent":
                take_down(traces, Startup(roots))
                if wanted["zap"]:
                    zap(host, wanted, traces, lock, timeout)
                row["state"] = "removed"
            rows.append(row)


def describe(rows):
    """Return the difference that ``--diff`` shows."""
    before, after = [], []
    for row in rows:
        if row["state"] != "absent":
            before += [f"osd.{row['osd_id']}\n", *(f"{path}: in use\n" for path in row["zapped"])]
            after += [f"{path}: free\n" for path in row["zapped"]]
    return {"before": "".join(before), "after": "".join(after)}


if __name__ == "__main__":
    main()
