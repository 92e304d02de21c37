#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Let a host's storage adapters look for new disks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_rescan
short_description: Let a host's storage adapters look for new disks
description:
  - Asks every SCSI adapter of the host to look for disks on all its channels, as is needed after a
    disk was put into a running machine that did not notice it.
notes:
  - The task counts as changed when the adapters found disks or lost some. In check mode nothing is
    asked, so no change can be predicted.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  check_mode:
    details: The adapters are counted but not asked.
  diff_mode:
    details: Returns the SCSI devices before and after.
options:
  sysfs_root:
    description:
      - Where the kernel's description of the hardware is mounted.
    type: path
    default: /sys
  timeout:
    description:
      - For how many seconds the adapters may look; one that takes longer goes on by itself.
    type: int
    default: 60
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Look for disks that were put in
  ceph_orch.ansible.host_rescan:
"""

RETURN = r"""
ceph_orch_result:
  description: What was asked and found.
  returned: always
  type: dict
  contains:
    rescan:
      description:
        - C(adapters), the number of adapters; C(asked), how many of them looked; C(failed), the
          names of those that did not; C(appeared) and C(vanished), SCSI devices by their address;
          C(message), all of it in a sentence.
      type: dict
      sample:
        adapters: 2
        asked: 2
        failed: []
        appeared: ["0:0:5:0"]
        vanished: []
        message: 2 of 2 adapters looked for new disks
"""

import os
from typing import Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.system.reading import clean, list_dir
from ..module_utils.system.subprocess_worker import run_apart

# Any channel, any target, any unit.
_EVERYTHING = "- - -"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "sysfs_root": {"type": "path", "default": "/sys"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    root = module.params["sysfs_root"]
    before = list_dir(os.path.join(root, "class/scsi_device"))
    adapters = scan_files(root)
    answered = {}
    if not module.check_mode:
        jobs = {name: scan_job(path) for name, path in adapters.items()}
        answered = run_apart(jobs, max(module.params["timeout"], 1))
    after = list_dir(os.path.join(root, "class/scsi_device"))
    failed = [] if module.check_mode else sorted(set(adapters) - set(answered))
    verb = "would look" if module.check_mode else "looked"
    asked = len(adapters) - len(failed)
    module.exit_json(
        changed=before != after,
        diff={"before": "\n".join(before) + "\n", "after": "\n".join(after) + "\n"},
        ceph_orch_result={
            "rescan": {
                "adapters": len(adapters),
                "asked": asked,
                "failed": [clean(name) for name in failed],
                "appeared": [clean(name) for name in after if name not in before],
                "vanished": [clean(name) for name in before if name not in after],
                "message": f"{asked} of {len(adapters)} adapters {verb} for new disks",
            }
        },
    )


def scan_files(root: str) -> Dict[str, str]:
    """Return the file of each adapter that makes it look for disks."""
    top = os.path.join(root, "class/scsi_host")
    files = {name: os.path.join(top, name, "scan") for name in list_dir(top)}
    return {name: path for name, path in files.items() if os.path.exists(path)}


def scan_job(path: str) -> Callable[[], bool]:
    """Return the function that makes one adapter look; it ends when the adapter has looked."""

    def scan() -> bool:
        with open(path, "w", encoding="ascii") as stream:
            stream.write(_EVERYTHING)
        return True

    return scan


if __name__ == "__main__":
    main()
