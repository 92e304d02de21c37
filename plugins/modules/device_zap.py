#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Wipe disks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: device_zap
short_description: Wipe disks, so that OSDs can be made on them
description:
  - Wipes whole disks with C(ceph-volume lvm zap --destroy), and disables what is left on the host
    of a dead OSD that was on them.
  - Every disk is looked at first. When one of them is not the disk that was meant, or is in use,
    none is wiped, and every such disk is named with the reason.
  - A disk of an OSD of the cluster, whether it runs or not, is not wiped unless the monitors say
    that it is destroyed or not there any more.
  - A disk on which nothing is stays as it is.
notes:
  - ceph-volume is run by systemd, so it goes on to its end whatever becomes of the module or the
    connection. Another run waits for it.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the disks before and after.
  action_group:
    membership:
      - ceph_orch.ansible.all
      - ceph_orch.ansible.cluster
options:
  devices:
    description:
      - The disks to wipe on this host.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - The disk's device file, also a link to it as in C(/dev/disk/by-path).
        type: str
        required: true
      size:
        description:
          - The size in bytes that the disk must have; V(0) accepts every size.
        type: int
        default: 0
      device_id:
        description:
          - The vendor, model and serial number that the disk must have, as
            M(ceph_orch.ansible.host_report) reports them; an empty text accepts every disk.
        type: str
        default: ''
      link:
        description:
          - Another name by which the disk was meant, such as a link in C(/dev/disk/by-id). It must
            still lead to the disk.
        type: str
        default: ''
  cluster:
    description:
      - The fsid of the cluster whose dead OSDs are cleaned up after.
    type: str
    required: true
  allowed:
    description:
      - The uuids of OSDs that the cluster has, and whose disks may be wiped all the same, because
        the monitors said that they are safe to destroy.
    type: list
    elements: str
    default: []
  allowed_until:
    description:
      - Until when O(allowed) holds, in seconds since the epoch; V(0) means without end. After that
        these disks are refused, for what was safe then may not be now.
    type: float
    default: 0.0
  keyring:
    description:
      - A keyring of C(client.bootstrap-osd), with which the monitors are asked. By default it is
        the host's own.
    type: str
    default: ''
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
- name: Wipe a disk
  ceph_orch.ansible.device_zap:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    devices:
      - path: /dev/sdb
        device_id: ATA_ST4000NM0035_ZC1A2B3C
"""

RETURN = r"""
ceph_orch_result:
  description: What was wiped.
  returned: always
  type: dict
  contains:
    zapped:
      description: The disks that were wiped, or would be; without those on which nothing was.
      type: list
      elements: str
      sample: [/dev/sdb]
"""

import contextlib
from typing import List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cluster.osd_map import asked
from ..module_utils.osd.groups import DEVICE
from ..module_utils.osd.removal import Host, RemovalRefused
from ..module_utils.osd.startup import Startup
from ..module_utils.osd.zapping import Zapping
from ..module_utils.system.host_lock import SOON, HostIsBusy, HostLock
from ..module_utils.system.reading import Roots
from ..module_utils.systemd.units import UnitsFailed


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "devices": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": DEVICE,
            },
            "cluster": {"type": "str", "required": True},
            "allowed": {"type": "list", "elements": "str", "default": []},
            "allowed_until": {"type": "float", "default": 0.0},
            "keyring": {"type": "str", "default": "", "no_log": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    begun: List[str] = []
    zapped: List[str] = []
    problem = ""
    if module.params["devices"]:
        try:
            zap_all(module, Roots(), begun, zapped)
        except (RemovalRefused, HostIsBusy, UnitsFailed, OSError) as error:
            problem = str(error)
    result = {"zapped": zapped}
    if problem:
        module.fail_json(msg=problem, changed=bool(begun), ceph_orch_result=result)
    module.exit_json(
        changed=bool(zapped),
        diff={
            "before": "".join(f"{path}: in use\n" for path in zapped),
            "after": "".join(f"{path}: free\n" for path in zapped),
        },
        ceph_orch_result=result,
    )


def zap_all(module: AnsibleModule, roots: Roots, begun: List[str], zapped: List[str]) -> None:
    """Wipe the disks, or predict it; add each to ``begun`` before, and to ``zapped`` when done."""
    timeout = max(module.params["timeout"], 1)
    # What the monitors allowed is not to grow old while another run works on the disks either.
    patience = min(timeout, SOON)
    lock = contextlib.nullcontext() if module.check_mode else HostLock(patience)
    with lock, asked(module.params["keyring"]) as question:
        given = (module.params["devices"], module.params["cluster"])
        permission = (module.params["allowed"], module.params["allowed_until"])
        zapping = Zapping(Host(roots), *given, question, *permission)
        for disk in zapping.used:
            if not module.check_mode:
                begun.append(disk.path)
                zapping.wipe(disk, Startup(roots), lock, timeout)  # type: ignore[arg-type]  # a lock: only check mode has none
            zapped.append(disk.path)


if __name__ == "__main__":
    main()
