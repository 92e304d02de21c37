#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Upgrade the daemons of a host by hand; the action of the same name does it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: daemon_upgrade
short_description: Upgrade the daemons of a host
description:
  - Restarts those of a host's daemons that do not run a version of Ceph, after Ceph's packages of
    the host were brought to it (M(ceph_orch.ansible.host_upgrade)). It is for clusters without a
    manager that does so.
  - The monitors are asked on the controller, with the access of whoever runs the playbook. What
    changes the host is done there by other modules of this collection.
  - Monitors, OSDs and metadata servers are restarted when C(ok-to-stop) says that they can be
    missed; the OSDs of a host together where that is so, and else one by one, with C(noout) for
    just these OSDs. An active manager hands over before the packages of its host change. The
    cluster's maps have to show each daemon back with the new version.
  - What is changed of the cluster for a while is kept in the monitors' store
    (C(ceph-orch-ansible/upgrade_by_hand)), so that a run after one that was cut off puts it back.
  - Each run of a playbook has a key of its own there (C(ceph-orch-ansible/upgrade_by_hand_run.)),
    from its first turn to the last host's turn without O(kinds), or to its first failure. While one
    is at work another one is refused. That of a run whose processes have ended is removed by the
    next run on the same machine.
  - Use it with one host at a time (C(serial)), as the playbook C(upgrade_start) does.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    support: none
    details: The playbook's output names what was restarted.
options:
  version:
    description:
      - A version of Ceph (V(20.2.5)) or of its packages (V(20.2.5+ds-1)).
    type: str
    required: true
  step:
    description:
      - With V(begin) it is only seen that no other upgrade of the cluster is at work, and nothing
        is changed. With V(restart) daemons have their turn.
    type: str
    choices: [begin, restart]
    default: restart
  kinds:
    description:
      - The kinds of daemons that have their turn, such as V(mon). Without any, the packages of a
        host that has none of them are changed, and what was changed for the upgrade is put back.
    type: list
    elements: str
    default: []
  leading:
    description:
      - Whether the active manager, the monitors' leader and metadata servers that have a rank have
        their turn as well.
    type: bool
    default: true
  older:
    description:
      - Whether packages and daemons may go back to an older version of the same release (V(20.2.5)
        to V(20.2.4)). From one release to another Ceph has no way back.
    type: bool
    default: false
  timeout:
    description:
      - For how many seconds the monitors are asked whether daemons can be missed, and then daemons
        that were restarted are waited for.
    type: int
    default: 300
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Upgrade the OSDs of a host
  ceph_orch.ansible.daemon_upgrade:
    version: 20.2.5
    kinds: [osd]
"""

RETURN = r"""
ceph_orch_result:
  description: What became of the host.
  returned: always
  type: dict
  contains:
    upgrade:
      description:
        - C(packages) with the version that each package was given, and C(restarted), the daemons.
      type: dict
      sample:
        packages:
          ceph-common: 20.2.5+ds-1
        restarted: [osd.2, osd.4]
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "step": {"type": "str", "choices": ["begin", "restart"], "default": "restart"},
            "kinds": {"type": "list", "elements": "str", "default": []},
            "leading": {"type": "bool", "default": True},
            "older": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="The action of this name was not found. Install the whole collection.")


if __name__ == "__main__":
    main()
