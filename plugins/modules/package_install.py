#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Install the packages that a host lacks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: package_install
short_description: Install the packages that a host lacks
description:
  - Installs packages with apt-get or dnf, from the sources that the host has. Packages that are
    installed are left as they are, whatever their version.
  - The sources' lists are read anew only when they do not know a package.
  - What fails is told in one line, the package manager's own.
notes:
  - The package manager is run by systemd, so it goes on to its end whatever becomes of the module
    or the connection. Another run waits for it, and finishes what was cut off all the same.
  - Unlike M(ansible.builtin.package) it needs no Python bindings of the package manager, which a
    fresh host has not.
  - No package is removed for the sake of another.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the packages before and after.
options:
  packages:
    description:
      - The packages' names by the family of the distribution, C(Debian) or C(RedHat). One that ends
        with C(?) is left out where no source of the host has it.
    type: dict
    required: true
  optional:
    description:
      - Whether packages that no source of the host has are left out. Otherwise none is installed.
    type: bool
    default: false
  timeout:
    description:
      - For how many seconds another run, and then the package manager, is waited for.
    type: int
    default: 600
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Install what an object gateway needs
  ceph_orch.ansible.package_install:
    packages:
      Debian: [radosgw]
      RedHat: [ceph-radosgw]
"""

RETURN = r"""
ceph_orch_result:
  description: What became of the packages.
  returned: always
  type: dict
  contains:
    packages:
      description:
        - For each package C(name) and C(state) (present, installed, would be installed, unknown).
      type: list
      elements: dict
      sample:
        - name: radosgw
          state: installed
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.system.host_lock import HostIsBusy
from ..module_utils.system.package_install import PackageInstall
from ..module_utils.system.package_manager import PackagesRefused
from ..module_utils.system.reading import Roots


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "dict", "required": True},
            "optional": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        work = PackageInstall(
            Roots(),
            params["packages"],
            optional=params["optional"],
            timeout=params["timeout"],
            check_mode=module.check_mode,
        )
    except (PackagesRefused, HostIsBusy, OSError) as error:
        module.fail_json(msg=str(error), ceph_orch_result={"packages": []})
    module.exit_json(
        changed=bool(work.done),
        diff={"before": "", "after": "".join(f"{name}\n" for name in work.done)},
        ceph_orch_result={"packages": work.rows},
    )


if __name__ == "__main__":
    main()
