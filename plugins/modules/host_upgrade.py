#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Bring Ceph's packages of a host to another version; no other daemon than named is touched."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_upgrade
short_description: Bring Ceph's packages of a host to another version
description:
  - Installs, with apt-get or dnf, another version of all packages of Ceph that a host has, from the
    repositories that it has. All are named with their exact version, and no other one is taken.
  - No daemon is started, stopped or restarted by it but for O(units). On Debian
    F(/usr/sbin/policy-rc.d) forbids it to this transaction, on EL C(CEPH_AUTO_RESTART_ON_UPGRADE),
    and C(needrestart) is suspended. A file of the administrator's is put back afterwards. What is
    put aside is recorded before in F(/var/lib/ceph-orch-ansible/upgrade.json), so that a run after
    one that was killed puts it back.
  - Configuration files that the administrator has changed stay as they are, and are named.
  - What a package manager has left halfway is finished first.
  - Packages go back to an older version with O(older) alone, and only within a release of Ceph.
  - Packages that are kept as they are (C(apt-mark hold), C(dnf versionlock)), a version that a
    repository has not of all packages, packages that would be removed, be they Ceph's or others
    that somebody has installed (C(apt-mark showmanual), libraries aside), and too little space are
    refused before anything is changed.
notes:
  - The package manager is run by systemd, so it goes on to its end whatever becomes of the module
    or the connection. Another run waits for it.
  - The lists of packages are those that the host has; M(ceph_orch.ansible.package_lists) reads them
    anew.
  - Daemons go on with what they have loaded. Restart them soon.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the packages before and after.
options:
  version:
    description:
      - A version of Ceph (V(20.2.5)) or of its packages (V(20.2.5+ds-1)). Not needed to put back.
    type: str
    default: ''
  step:
    description:
      - With V(prepare) packages are only fetched, and what speaks against the upgrade is found.
        V(put_back) puts back what an upgrade that was killed has put aside.
    type: str
    choices: [prepare, install, put_back]
    default: install
  units:
    description:
      - The units of daemons that are restarted when packages have changed, with O(step=install)
        alone. Where nothing changes they are left alone.
      - A manager reads files of its packages while it runs, so it is stopped before they change.
        systemd starts it again when the transaction ends, whatever becomes of the module.
    type: list
    elements: str
    default: []
  older:
    description:
      - Whether packages may go back to an older version that a repository has, of the same release
        (V(20.2.5) to V(20.2.4)). From one release to another Ceph has no way back.
    type: bool
    default: false
  timeout:
    description:
      - For how many seconds another run, and then the package manager, is waited for.
    type: int
    default: 1500
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Upgrade Ceph's packages
  ceph_orch.ansible.host_upgrade:
    version: 20.2.5
"""

RETURN = r"""
ceph_orch_result:
  description: What became of the packages.
  returned: always
  type: dict
  contains:
    upgrade:
      description:
        - C(packages) with the version that each package was given, C(kept_files), the configuration
          files that differ from the packages' because the administrator has changed them, and
          C(put_back), whether an upgrade before had left something behind, and C(restarted), the
          units that were restarted.
      type: dict
      sample:
        packages:
          ceph-common: 20.2.5+ds-1
        kept_files: []
        put_back: false
        restarted: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.system.host_lock import HostIsBusy
from ..module_utils.system.package_manager import PackagesRefused
from ..module_utils.system.package_upgrade import INSTALL, PUT_BACK, STEPS, TARGET, PackageUpgrade
from ..module_utils.system.reading import Roots, clean
from ..module_utils.systemd.units import UnitsFailed
from ..module_utils.systemd.with_packages import managers, refusal, start_again


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "default": ""},
            "step": {"type": "str", "choices": list(STEPS), "default": INSTALL},
            "units": {"type": "list", "elements": "str", "default": []},
            "older": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 1500},
        },
        supports_check_mode=True,
    )
    version, step = module.params["version"], module.params["step"]
    units = list(dict.fromkeys(module.params["units"]))
    nothing = {"upgrade": {"packages": {}, "kept_files": [], "put_back": False, "restarted": []}}
    if step != PUT_BACK and not TARGET.fullmatch(version):
        module.fail_json(
            msg=f"Invalid version {clean(version, 80)!r}: give a version such as 20.2.5.",
            ceph_orch_result=nothing,
        )
    if units and step != INSTALL:
        module.fail_json(
            msg=f"Invalid units: the step {step} restarts no daemon. Give none.",
            ceph_orch_result=nothing,
        )
    if module.params["older"] and step == PUT_BACK:
        module.fail_json(
            msg=f"Invalid older: the step {step} changes no package. Leave it out.",
            ceph_orch_result=nothing,
        )
    try:
        problem = refusal(units)
        if problem:
            module.fail_json(msg=problem, ceph_orch_result=nothing)
        work = PackageUpgrade(
            Roots(),
            version,
            step,
            max(module.params["timeout"], 1),
            module.check_mode,
            managers(units),
            older=module.params["older"],
        )
    except (PackagesRefused, HostIsBusy, UnitsFailed) as error:
        module.fail_json(msg=str(error), ceph_orch_result=nothing)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}.", ceph_orch_result=nothing)
    changes = work.changes if step == INSTALL else {}
    changed = bool(changes) or work.ran or (step != "prepare" and work.put_back)
    restarted = units if changed else []
    result = {
        "upgrade": {
            "packages": changes,
            "kept_files": [clean(each) for each in work.kept_files],
            "put_back": work.put_back,
            "restarted": restarted,
        }
    }
    try:
        if restarted and not module.check_mode:
            start_again(restarted, managers(restarted) if changes else [])
    except UnitsFailed as error:
        result["upgrade"]["restarted"] = []
        module.fail_json(
            msg=f"The packages have changed, but their daemons do not start again: {error}",
            ceph_orch_result=result,
        )
    lines = [f"{name} {changes[name]}" for name in sorted(changes)]
    lines += [f"{unit}: restarted" for unit in restarted]
    module.exit_json(
        changed=changed,
        diff={"before": "", "after": "".join(f"{line}\n" for line in lines)},
        ceph_orch_result=result,
    )


if __name__ == "__main__":
    main()
