#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Make OSDs on a host's disks and start them."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osd_create
short_description: Make OSDs on disks and start them
description:
  - Makes OSDs with ceph-volume as planned, starts them, and sees to it that they start with the
    host. The packages that this needs are installed first where the programs are not there.
  - Every disk of the plan is looked at first. When one of them is not what was planned, is in use
    or is not empty, nothing is done on the host, and every such disk is named with the reason.
  - A disk on which an OSD of the cluster runs already is left as it is. One whose OSD was made but
    not started, because an earlier run was cut off, is started.
notes:
  - ceph-volume is run by systemd, so it goes on to its end whatever becomes of the module or the
    connection. Another run waits for it.
  - An OSD without LVM (C(raw)) has its data directory in memory. It is made again when the host
    starts, by the unit C(ceph-orch-osd@ID.service), which every start of C(ceph-osd@ID.service)
    brings with it.
  - When ceph-volume fails it gives back the id that it took. For an id of O(groups[].osd_ids) that
    means that the cluster forgets it.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns what is on the disks before and after.
  action_group:
    membership:
      - ceph_orch.ansible.all
      - ceph_orch.ansible.cluster
options:
  groups:
    description:
      - The OSDs to make on this host. Those of one group are made in the same way.
    type: list
    elements: dict
    required: true
    suboptions: &group
      method:
        description:
          - V(lvm) makes OSDs on logical volumes, V(raw) directly on the disks. An empty text means
            V(lvm) where the host's kernel has device mapper, else V(raw).
        type: str
        choices: ['', raw, lvm]
        default: ''
      data:
        description:
          - The disks for the data.
        type: list
        elements: dict
        required: true
        suboptions: &device
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
              - Another name by which the disk was meant, such as a link in C(/dev/disk/by-id). It
                must still lead to the disk.
            type: str
            default: ''
      db:
        description:
          - The disks for RocksDB. With V(raw) one whole disk for each of O(groups[].data), in the
            same order; with V(lvm) they are divided.
        type: list
        elements: dict
        default: []
        suboptions: *device
      wal:
        description:
          - The disks for the write-ahead log, as O(groups[].db).
        type: list
        elements: dict
        default: []
        suboptions: *device
      osd_ids:
        description:
          - Ids of destroyed OSDs to take again.
        type: list
        elements: int
        default: []
      osdspec:
        description:
          - The name of the specification that the OSDs are made for; they remember it.
        type: str
        default: ''
      crush_device_class:
        description:
          - The CRUSH device class of the OSDs; by default Ceph finds out.
        type: str
        default: ''
      encrypted:
        description:
          - Whether the OSDs are encrypted. Only with V(lvm).
        type: bool
        default: false
      tpm2:
        description:
          - Whether the key for the encryption is kept in the host's TPM. Only with V(lvm).
        type: bool
        default: false
      osds_per_device:
        description:
          - How many OSDs are made on each disk. More than one only with V(lvm).
        type: int
        default: 1
      block_db_size:
        description:
          - The size of each RocksDB, in bytes or as V(60G). Only with V(lvm).
        type: str
        default: ''
      block_wal_size:
        description:
          - The size of each write-ahead log. Only with V(lvm).
        type: str
        default: ''
      db_slots:
        description:
          - For how many OSDs each of O(groups[].db) is divided, whether there are so many or not;
            V(0) means for those of the group. Only with V(lvm).
        type: int
        default: 0
      wal_slots:
        description:
          - For how many OSDs each of O(groups[].wal) is divided, as O(groups[].db_slots).
        type: int
        default: 0
      data_allocate_fraction:
        description:
          - Which fraction of each disk is used; V(0) means all. Only with V(lvm).
        type: float
        default: 0.0
      moved:
        description:
          - Whether the disks of O(groups[].data) came from another host with OSDs of the cluster on
            them, which are started here. Without it an OSD that ran on another host last is not
            started, for its disk may be an old copy. One that is up elsewhere never is.
        type: bool
        default: false
  cluster:
    description:
      - The fsid of the cluster. The host's C(/etc/ceph/ceph.conf), if there is one, must name the
        same.
    type: str
    required: true
  conf:
    description:
      - The text of a minimal ceph.conf; it is written as M(ceph_orch.ansible.cluster_access) does
        before OSDs are made. Empty leaves the host's.
    type: str
    default: ''
  keyring:
    description:
      - The keyring of C(client.bootstrap-osd), for a host that has it not yet. Empty leaves the
        host's.
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
  wait:
    description:
      - For how many seconds the daemons may take to start.
    type: int
    default: 30
  timeout:
    description:
      - For how many seconds ceph-volume is waited for. Another run is waited for 20 seconds
        at most.
    type: int
    default: 900
  parallel:
    description:
      - How many OSDs without LVM are made at the same time.
    type: int
    default: 4
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Make one OSD on a whole disk
  ceph_orch.ansible.osd_create:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    groups:
      - method: raw
        data:
          - path: /dev/sdb
            size: 4000787030016
            device_id: ATA_ST4000NM0035_ZC1A2B3C

- name: Make two OSDs that share a fast disk for RocksDB
  ceph_orch.ansible.osd_create:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    groups:
      - method: lvm
        osdspec: hybrid
        data:
          - path: /dev/sdb
          - path: /dev/sdc
        db:
          - path: /dev/nvme0n1
"""

RETURN = r"""
ceph_orch_result:
  description:
    - The OSDs of the plan. Where nothing failed there is also what
      M(ceph_orch.ansible.host_report) says with the C(gather) of O(report).
  returned: always
  type: dict
  contains:
    packages:
      description:
        - Where packages were missing, C(name) and C(state) (present, unknown, installed, would be
          installed) of each.
      type: list
      elements: dict
      sample: [{name: ceph-osd, state: installed}]
    access:
      description:
        - For C(conf) and C(keyring) one of V(present), V(written) and V(would be written); only
          where OSDs were to be made. C(conf_backup) as in M(ceph_orch.ansible.cluster_access).
      type: dict
      sample: {conf: present, keyring: written}
    osds:
      description:
        - For each OSD C(osd_id), C(osd_uuid), C(state) (created, started, present, not started,
          would be created or would be started), C(method), C(data), C(db), C(wal) and C(unit).
          What is not known yet is empty, or null for the id.
      type: list
      elements: dict
      sample:
        - osd_id: 3
          osd_uuid: 9ea8bda5-0b89-419c-9269-65378081f63d
          state: created
          method: raw
          data: /dev/sdb
          db: ''
          wal: ''
          unit: ceph-osd@3.service
    unfinished:
      description:
        - The data disks of the plan of which nobody knows yet whether an OSD will stand on them,
          because ceph-volume has not ended in time, another run holds the host's disks, or the
          monitors did not answer. Run the module again with the same plan; it makes what is
          missing and nothing twice, and starts what has been made meanwhile.
      type: list
      elements: str
      sample: []
"""

import contextlib
from typing import List, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cluster.conf import cluster_fsid
from ..module_utils.disks.block import allows_loop_devices, own_blocks
from ..module_utils.disks.report import loop_setting
from ..module_utils.host.preparation import Preparation
from ..module_utils.host.state import state_after
from ..module_utils.osd.creation import Creation
from ..module_utils.osd.creation_result import REFUSALS, describe, what_came_of
from ..module_utils.osd.directories import osd_directories
from ..module_utils.osd.groups import GROUP
from ..module_utils.osd.packages import osd_packages
from ..module_utils.osd.plan_check import Plan, PlanRefused
from ..module_utils.osd.startup import Startup
from ..module_utils.system.command import find_program
from ..module_utils.system.distribution import not_installed
from ..module_utils.system.host_lock import CREATION, SOON, HostLock, Marked
from ..module_utils.system.reading import Roots, clean


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "list", "elements": "dict", "required": True, "options": GROUP},
            "cluster": {"type": "str", "required": True},
            "conf": {"type": "str", "default": ""},
            "keyring": {"type": "str", "default": "", "no_log": True},
            "report": {
                "type": "list",
                "elements": "str",
                "choices": ["devices", "daemons"],
                "default": ["devices", "daemons"],
            },
            "wait": {"type": "int", "default": 30},
            "timeout": {"type": "int", "default": 900},
            "parallel": {"type": "int", "default": 4},
        },
        supports_check_mode=True,
    )
    roots = Roots()
    preparation = Preparation(roots, module.params["cluster"], module.check_mode)
    creations: List[Creation] = []
    refused: Optional[Exception] = None
    try:
        preparation.check()
        if module.params["groups"]:
            with contextlib.nullcontext() if module.check_mode else Marked(CREATION):
                preparation.install(osd_packages())
                preparation.configure(module.params["conf"])
                preparation.authorize(module.params["keyring"])
                create(module, roots, creations)
    except REFUSALS as error:
        refused = error
    preparation.warn(module)
    rows, problems, unfinished = what_came_of(module.params["groups"], creations, refused)
    result = {"osds": rows, "unfinished": unfinished, **preparation.result}
    changed = preparation.changed or any(row["state"] != "present" for row in rows)
    changed = changed or any(creation.working for creation in creations)
    if problems:
        module.fail_json(msg=" ".join(problems), changed=changed, ceph_orch_result=result)
    module.exit_json(
        changed=changed,
        diff=[*preparation.diff, describe(rows)],
        ceph_orch_result={
            **result,
            **state_after(roots, module.check_mode, module.params["report"]),
        },
    )


def create(module: AnsibleModule, roots: Roots, creations: List[Creation]) -> None:
    """Do what the plan says, or predict it; ``creations`` gets what tells of it."""
    if module.check_mode:
        creations.append(prepare(module, roots))
        creations[0].predict()
        return
    check_host(module, roots)
    with HostLock(min(module.params["timeout"], SOON)) as lock:
        creations.append(prepare(module, roots))
        creations[0].do(lock)


def prepare(module: AnsibleModule, roots: Roots) -> Creation:
    """Look at the host; return what is to be done. Raises ``PlanRefused``."""
    params = module.params
    # In check mode the programs of packages that would be installed are not there yet.
    if not module.check_mode and not find_program("ceph-volume"):
        raise PlanRefused(
            f"No disk of this host was touched: {not_installed('ceph-volume')}. Install it."
        )
    blocks = own_blocks(roots, allows_loop_devices(loop_setting(roots)))
    directories = osd_directories(roots)
    plan = Plan(roots, blocks, directories, params["groups"], params["cluster"])
    creation = Creation(
        roots,
        plan,
        Startup(roots),
        timeout=max(params["timeout"], 1),
        wait=max(params["wait"], 1),
        parallel=max(params["parallel"], 1),
    )
    if not module.check_mode or cluster_fsid(roots):
        creation.check_with_cluster()
    return creation


def check_host(module: AnsibleModule, roots: Roots) -> None:
    """Refuse a host that belongs to another cluster or does not know its own."""
    found = cluster_fsid(roots)
    wanted = module.params["cluster"]
    if found != wanted:
        raise PlanRefused(
            f"No disk of this host was touched: /etc/ceph/ceph.conf names the cluster "
            f"{found or '(none)'!r}, the plan is for {clean(wanted)!r}. Give the host its "
            "cluster's configuration (the option conf)."
        )


if __name__ == "__main__":
    main()
