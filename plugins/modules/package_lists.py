#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Read the lists of packages of a host's repositories anew."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: package_lists
short_description: Read the lists of packages of a host's repositories anew
description:
  - Lets apt-get or dnf fetch the lists of packages from the sources that the host has, so that what
    they offer is known as it is now. No package is installed, removed or changed.
  - What cannot be read is said, and is no failure of the task. The lists that the host had stay.
notes:
  - The package manager is run by systemd, so it goes on to its end whatever becomes of the module
    or the connection. Another run waits for it.
  - The task never counts as changed. In check mode nothing is read.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  check_mode:
    details: Nothing is read.
  diff_mode:
    support: none
    details: Nothing but the lists is ever changed.
options:
  timeout:
    description:
      - For how many seconds another run, and then the package manager, is waited for.
    type: int
    default: 120
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Read the lists of packages anew
  ceph_orch.ansible.package_lists:
"""

RETURN = r"""
ceph_orch_result:
  description: How it went.
  returned: always
  type: dict
  contains:
    package_lists:
      description:
        - C(read), whether all lists were read, and C(unread), why some were not.
      type: dict
      sample:
        read: true
        unread: ''
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.system.distribution import family_of
from ..module_utils.system.host_lock import HostIsBusy, HostLock
from ..module_utils.system.package_manager import PackagesRefused, manager_of
from ..module_utils.system.reading import Roots, clean


def main() -> None:
    module = AnsibleModule(
        argument_spec={"timeout": {"type": "int", "default": 120}}, supports_check_mode=True
    )
    unread = "" if module.check_mode else read_lists(Roots(), max(module.params["timeout"], 1))
    module.exit_json(
        changed=False,
        ceph_orch_result={
            "package_lists": {
                "read": not module.check_mode and not unread,
                "unread": clean(unread, 500),
            }
        },
    )


def read_lists(roots: Roots, timeout: float) -> str:
    """Read the lists; return why they could not be read, if they could not."""
    family = family_of(roots)
    if not family:
        return "This host's distribution (/etc/os-release) is not supported."
    try:
        with HostLock(timeout, part="packages") as lock:
            return manager_of(family, roots).read_lists(lock, timeout)
    except (PackagesRefused, HostIsBusy, OSError) as error:
        return str(error)


if __name__ == "__main__":
    main()
