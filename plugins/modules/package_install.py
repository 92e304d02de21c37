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
attributes:
  check_mode:
    description: Can run in check mode and predict what would change without installing anything.
    support: full
  diff_mode:
    description: Returns the packages before and after.
    support: full
  platform:
    description: The systems that the module runs on.
    platforms: Linux
    support: full
options:
  packages:
    description:
      - The packages' names by the family of the distribution, C(Debian) or C(RedHat).
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
  - The ceph-orch-ansible developers
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

import contextlib
import re

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.exclusive import HostIsBusy, HostLock
from ..module_utils.packages import PackagesRefused, family_of, manager_of, no_source_has
from ..module_utils.reading import Roots, clean

NAME = re.compile(r"[a-z0-9][A-Za-z0-9+._-]{0,100}")


def main():
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "dict", "required": True},
            "optional": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    rows = []
    try:
        family, names = names_of(module, Roots())
        states = install(module, manager_of(family), names) if names else {}
        rows = [{"name": name, "state": states.get(name, "present")} for name in names]
    except (PackagesRefused, HostIsBusy, OSError) as error:
        module.fail_json(msg=str(error), ceph_orch_result={"packages": rows})
    done = [row["name"] for row in rows if row["state"] not in ("present", "unknown")]
    module.exit_json(
        changed=bool(done),
        diff={"before": "", "after": "".join(f"{name}\n" for name in done)},
        ceph_orch_result={"packages": rows},
    )


def names_of(module, roots):
    """Return the host's family and the names for it; raises ``PackagesRefused``."""
    family = family_of(roots)
    packages = module.params["packages"]
    if family not in packages:
        raise PackagesRefused(
            "The packages for this host's distribution (/etc/os-release) are not known; known are "
            f"those for {' and '.join(sorted(packages))}. Install them by hand."
        )
    names = [str(name) for name in packages[family] or []]
    for name in names:
        if not NAME.fullmatch(name):
            raise PackagesRefused(f"Invalid package {clean(name)!r}. Give a package's name.")
    return family, names


def install(module, manager, names):
    """Install what is missing, or foresee it; return the state of each that was."""
    timeout = max(module.params["timeout"], 1)
    missing = manager.missing(names)
    if not missing:
        return {}
    guard = HostLock(timeout, part="packages")
    with contextlib.nullcontext() if module.check_mode else guard as lock:
        unknown, problem = look_for(manager, missing, lock, timeout)
        if module.params["optional"]:
            missing = [name for name in missing if name not in unknown]
        elif unknown:
            refuse(unknown, problem or no_source_has(unknown))
        if missing and module.check_mode:
            problem = manager.foresee(missing)
        elif missing:
            problem = manager.install(missing, lock, timeout)
    if missing and problem:
        refuse(missing, problem)
    done = "would be installed" if module.check_mode else "installed"
    return {**dict.fromkeys(unknown, "unknown"), **dict.fromkeys(missing, done)}


def look_for(manager, names, lock, timeout):
    """Have the lists read where they do not know a package; return what is unknown then, and why.

    Without a lock nothing is read: what a host without any list has is not known before.
    """
    unknown = manager.unknown(names)
    if not unknown or not lock:
        return (unknown if manager.has_lists() else []), ""
    problem = manager.refresh(lock, timeout)
    return manager.unknown(names), problem


def refuse(names, problem):
    """Raise ``PackagesRefused`` with the reason."""
    raise PackagesRefused(
        f"{', '.join(names)} cannot be installed: {problem}. Check the host's package sources; it "
        "is tried again by the next run."
    )


if __name__ == "__main__":
    main()
