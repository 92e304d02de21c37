#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Report everything that the orchestrator wants to know about a host, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_report
short_description: Report a host's facts, disks, Ceph daemons and packages in one call
description:
  - Gathers what an orchestrator of Ceph needs to know about a host, in a single module call, and
    publishes it under the key C(ceph_orch_result).
  - The facts have the keys of C(cephadm gather-facts). Ansible's own fact collectors gather what
    they know inside this module; the rest is read from C(/proc) and C(/sys).
  - The devices are those of C(ceph-volume inventory) where ceph-volume is installed. Elsewhere the
    module reads the disks itself and reports the same keys and the same reasons for rejection.
  - The daemons are those that Ceph's packages run under systemd.
  - The packages are those of Ceph that are installed, with the versions that the host's
    repositories offer by the lists that the host has; no list is fetched.
  - Nothing on the host is changed. Disks are opened for reading only.
notes:
  - ceph-volume and Ansible's fact collectors cost a second of processor time and more with each
    call, so what they found is kept in C(/run/ceph-orch-ansible) (readable by its owner alone) and
    is reported again as long as nothing that decides it has changed, at most for O(cache_max_age)
    seconds. In check mode nothing is kept.
  - For the devices that is the attributes of every disk and partition in sysfs, the data of udev,
    the signatures of file systems, partition tables, BlueStore and LVM on the disks as read by the
    module, mounts, swap and mappings, and the installed ceph-volume itself. For the facts it is the
    boot, the processors, the distribution's release, SELinux and the network's interfaces,
    addresses and routes; memory, load, ports and uptime are read on every call. For the packages it
    is the package manager's database, its lists and its sources, for a day at most.
  - A disk that does not answer within 5 seconds does not stop the report; it is rejected.
  - Disks can be judged only by root; for other users every disk is rejected because its contents
    are not known.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  check_mode:
    details: Returns the same as without it.
  diff_mode:
    support: none
    details: Nothing is ever changed.
options:
  gather:
    description:
      - What to report besides the host's identity, which is always there.
    type: list
    elements: str
    choices: [facts, devices, daemons, packages]
    default: [facts, devices, daemons, packages]
  ceph_volume:
    description:
      - Whether ceph-volume is asked for the devices where it is installed.
      - With V(never), and whenever ceph-volume fails, the module reads the disks itself.
    type: str
    choices: [auto, never]
    default: auto
  ceph_volume_timeout:
    description:
      - For how many seconds ceph-volume may work before it is stopped.
    type: int
    default: 120
  cache_max_age:
    description:
      - For how many seconds what ceph-volume or Ansible's fact collectors found may be reported
        again while nothing that decides it has changed; V(0) asks them each time.
    type: int
    default: 600
  expect_machine_id:
    description:
      - The machine id that the host must have; the module fails when another machine answers.
      - An empty text accepts every machine.
    type: str
    default: ''
  sysfs_root:
    description:
      - Where the kernel's description of the hardware is mounted.
    type: path
    default: /sys
  dev_root:
    description:
      - The directory of the device nodes. A device without a node in it is not the host's own.
    type: path
    default: /dev
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Report everything
  ceph_orch.ansible.host_report:

- name: Look whether the host answers, and who it is
  ceph_orch.ansible.host_report:
    gather: []

- name: Read the disks without ceph-volume
  ceph_orch.ansible.host_report:
    gather: [devices]
    ceph_volume: never
"""

RETURN = r"""
ceph_orch_result:
  description: What was found; the keys that were not asked for are missing.
  returned: always
  type: dict
  contains:
    schema:
      description: The version of this structure.
      type: int
      sample: 1
    identity:
      description:
        - C(hostname), C(fqdn), C(machine_id), the C(python) that runs the module, C(record),
          the record of M(ceph_orch.ansible.host_record) or null, C(conf), which C(mons) the
          C(ceph.conf) names, whether it is C(ours), and C(overridden) where lines of ours have no
          effect because others below name other monitors, or null without one, C(admin), whether
          the administrator's keyring is C(ours) and a digest of its C(key), or null without one,
          C(tuned), what the host has of tuned profiles and where its kernel differs, or null
          without any, C(upgrade_left), whether an upgrade of packages is under way or was cut
          and what it put aside is still to be put back, and C(backend), the C(version) of
          this orchestrator backend on the host and what it C(lacks) to be as it was installed, the
          C(python) that it was installed for and what the host lacks to run a manager's jobs
          (C(job_lacks)), or null without one.
      type: dict
      sample:
        hostname: ceph-1
        fqdn: ceph-1.example.org
        machine_id: 0f3a6d8c1b2e4f5a9c7d8e6f1a2b3c4d
        python: 3.11.2
        record: null
        conf: {mons: [192.0.2.1], ours: false}
        admin: null
        upgrade_left: false
        backend: {version: 1.0.0, lacks: '', python: /usr/bin/python3, job_lacks: ''}
    facts:
      description:
        - The host's facts, with the keys of C(cephadm gather-facts). Only C(sysctl_options) is a
          text, with a line C(name=value) for each setting of the kernel, as there are a thousand.
      type: dict
    devices:
      description:
        - The disks, with the keys of C(ceph-volume inventory), free ones first. C(osds) are those
          that a disk says it belongs to, each with C(osd_id) (-1 where nothing says it),
          C(osd_uuid), C(cluster) and C(kind) (block, db or wal).
      type: list
      elements: dict
    storage:
      description:
        - What else decides how OSDs are made. C(device_mapper) tells whether the kernel can have
          logical volumes. C(links) has what other names below C(/dev) lead to, a list of device
          files for each; it is empty for a name that leads to nothing, and longer where several
          disks claim one name. C(at_work) tells whether a run was at the disks when they were read.
      type: dict
      sample:
        at_work: false
        device_mapper: true
        links: {/dev/disk/by-id/wwn-0x5000c500a1b2c3d4: [/dev/sdb]}
    devices_source:
      description: Who read the disks, C(ceph-volume) or C(module).
      type: str
      sample: ceph-volume
    devices_error:
      description: Why ceph-volume, though installed, or LVM gave no answer.
      type: str
    daemons:
      description:
        - The daemons, each with C(daemon_type), C(daemon_id), C(unit), C(state) (running, starting
          (again by itself), stopped, error or unknown), C(enabled), C(load) (what systemd says of
          its files, such as loaded or masked), C(by_hand) (its unit has another name than ours),
          C(pid), C(memory_usage) in bytes, C(cpu_percentage) since the start, C(started),
          C(version), C(ports) and C(fsid); one that others are removed for also with C(answers),
          whether it does so on its administration socket; a monitor also with C(quorum),
          the names of those that it says are in its quorum, and C(unfinished), whether it
          has still
          to join its cluster.
      type: list
      elements: dict
    packages:
      description:
        - The packages of Ceph. C(installed) has the version of each, C(offered) the versions that
          repositories of the host have, the newest first, C(held) the names of those that are on
          hold or locked, C(unfinished) the state of packages, Ceph's or not, that the package
          manager has left halfway, C(lists_read) when the repositories' lists were read (seconds
          since 1970, or null), C(problem) why something of it is not known.
      type: dict
      sample:
        installed: {ceph-osd: 20.2.4+ds-2}
        offered: {ceph-osd: [20.2.5+ds-1, 20.2.4+ds-2]}
        held: []
        unfinished: {}
        lists_read: 1764460800
        problem: ''
    clock:
      description: What the host's clock says, in seconds since 1970.
      type: float
      sample: 1764460800.25
    timings:
      description: How many seconds each part took.
      type: dict
      sample: {facts: 0.09, devices: 0.02, daemons: 0.03}
"""

import time
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.state import (
    daemons_of,
    devices_of,
    new_report,
    packages_of,
    read_identity,
    start_devices,
)
from ..module_utils.system.reading import Roots, clean

if TYPE_CHECKING:
    from ..module_utils.host.state import DeviceReport
    from ..module_utils.system.json_cache import JsonCache


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": ["facts", "devices", "daemons", "packages"],
                "default": ["facts", "devices", "daemons", "packages"],
            },
            "ceph_volume": {"type": "str", "choices": ["auto", "never"], "default": "auto"},
            "ceph_volume_timeout": {"type": "int", "default": 120},
            "cache_max_age": {"type": "int", "default": 600},
            "expect_machine_id": {"type": "str", "default": ""},
            "sysfs_root": {"type": "path", "default": "/sys"},
            "dev_root": {"type": "path", "default": "/dev"},
        },
        supports_check_mode=True,
    )
    roots = Roots(sys=module.params["sysfs_root"], dev=module.params["dev_root"])
    identity = read_identity(roots)
    expected = module.params["expect_machine_id"]
    if expected and expected != identity["machine_id"]:
        module.fail_json(
            msg=(
                f"Another machine answers: its machine id is '{identity['machine_id']}', expected "
                f"was '{clean(expected)}'. Check the address of the host."
            )
        )
    report = new_report(identity)
    report.update(gather(module, roots, identity, report["timings"]))
    module.exit_json(changed=False, ceph_orch_result=report)


def gather(
    module: AnsibleModule, roots: Roots, identity: Mapping[str, Any], timings: Dict[str, float]
) -> Dict[str, Any]:
    """Return the wanted parts of the report. ceph-volume works while the others are gathered."""
    wanted = set(module.params["gather"])
    parts: Dict[str, Any] = {}
    began = time.monotonic()
    devices = read_devices(module, roots) if "devices" in wanted else None
    spent = time.monotonic() - began
    if "facts" in wanted:
        began = time.monotonic()
        parts["facts"] = read_facts(module, roots, identity["fqdn"])
        timings["facts"] = round(time.monotonic() - began, 3)
    if "daemons" in wanted:
        began = time.monotonic()
        max_age = module.params["cache_max_age"]
        parts["daemons"] = read_daemons(module, roots, identity, max_age)
        timings["daemons"] = round(time.monotonic() - began, 3)
    if "packages" in wanted:
        began = time.monotonic()
        parts["packages"] = packages_of(roots, write=not module.check_mode)
        timings["packages"] = round(time.monotonic() - began, 3)
    if devices is not None:
        began = time.monotonic()
        parts.update(devices_of(devices))
        timings["devices"] = round(time.monotonic() - began + spent, 3)
    return parts


def read_daemons(
    module: AnsibleModule, roots: Roots, identity: Mapping[str, Any], max_age: float
) -> List[Dict[str, Any]]:
    """Return the daemons; without them there is no report, or they would count as gone."""
    from ..module_utils.daemons.listing import DaemonsUnreadable

    try:
        return daemons_of(roots, identity, max_age, write=not module.check_mode)
    except DaemonsUnreadable as error:
        module.fail_json(
            msg=f"{error}. The last report of this host is kept. Look at `systemctl status` there; "
            "a restart of the host helps where systemd hangs."
        )


def read_devices(module: AnsibleModule, roots: Roots) -> DeviceReport:
    """Begin to read the disks."""
    return start_devices(
        roots,
        module.params["cache_max_age"],
        write=not module.check_mode,
        mode=module.params["ceph_volume"],
        timeout=max(module.params["ceph_volume_timeout"], 1),
    )


def read_facts(module: AnsibleModule, roots: Roots, fqdn: str) -> Dict[str, Any]:
    """Return the host's facts under cephadm's keys."""
    # Imported where it is needed: Python compiles what a module imports on every call.
    from ..module_utils.facts.report import read_facts as read
    from ..module_utils.facts.report import settings_as_text

    facts = read(module, roots, fqdn, kept(module, "ansible-facts.json"))
    facts["sysctl_options"] = settings_as_text(facts["sysctl_options"])
    return facts


def kept(module: AnsibleModule, name: str) -> JsonCache:
    """Return where an answer that cost something is kept between calls."""
    from ..module_utils.system.json_cache import JsonCache

    return JsonCache(name, module.params["cache_max_age"], write=not module.check_mode)


if __name__ == "__main__":
    main()
