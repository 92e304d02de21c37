#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Stop all of Ceph's daemons on a host for a while, and put them back."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_maintenance
short_description: Stop all of Ceph's daemons on a host, or put them back
description:
  - On entry it masks the units of all of Ceph's daemons of the host, then stops them, gateways and
    metadata servers first, then OSDs and managers, at last monitors. So nothing starts them, also
    not a restart of the host or an upgrade of packages.
  - How each unit was is written to C(/var/lib/ceph-orch-ansible/maintenance.json) before. A unit
    that was masked, stopped or disabled already is so afterwards.
  - On exit exactly that is undone, monitors first, all others together right behind them. The file
    is removed when all daemons that ran are started. Data directories of OSDs that a restart of the
    host took away are made anew.
  - On exit the monitors are asked about the host's OSDs, with the host's key for making OSDs or an
    OSD's own. One that runs on another host by now is not started and stays masked, one that the
    cluster has no more is not started.
  - Else the cluster is not asked and not told. Set C(noout) for the OSDs before, and ask whether
    they can be missed.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the units before and after.
options:
  step:
    description:
      - Whether maintenance begins or ends.
    type: str
    choices: [enter, exit]
    required: true
  part:
    description:
      - Which daemons are stopped on entry. With C(services) OSDs, managers and monitors go on, with
        C(data) monitors alone.
    type: str
    choices: [all, data, services]
    default: all
  units:
    description:
      - What entering changed, as it was returned then, for a host that has lost its own record. Of
        these only what is masked still is put back.
    type: list
    elements: dict
    default: []
  force:
    description:
      - Whether maintenance ends although daemons do not start.
    type: bool
    default: false
  wait:
    description:
      - For how many seconds a unit may take to become active.
    type: int
    default: 60
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Stop all daemons
  ceph_orch.ansible.host_maintenance:
    step: enter

- name: Start them again
  ceph_orch.ansible.host_maintenance:
    step: exit
"""

RETURN = r"""
ceph_orch_result:
  description:
    - What was changed and is to be undone, and what M(ceph_orch.ansible.host_report) says with
      C(gather=[daemons]).
  returned: always
  type: dict
  contains:
    maintenance:
      description:
        - C(units) with C(unit), C(kind), C(ran) and C(how) of each unit, and C(not_started) with
          the reason by unit.
      type: dict
      sample:
        units:
          - unit: ceph-osd@3.service
            kind: osd
            ran: true
            how: mask
        not_started: {}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.daemons.listing import DaemonsUnreadable
from ..module_utils.host.maintenance import Change, Maintenance, describe
from ..module_utils.host.maintenance_record import RecordUnreadable, path_of, read_held
from ..module_utils.host.state import state_after
from ..module_utils.system.host_lock import HostIsBusy, HostLock
from ..module_utils.system.reading import Roots
from ..module_utils.systemd.units import UnitsFailed

_LOCK_TIMEOUT = 600.0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": ["enter", "exit"], "required": True},
            "part": {"type": "str", "choices": ["all", "data", "services"], "default": "all"},
            "units": {"type": "list", "elements": "dict", "default": []},
            "force": {"type": "bool", "default": False},
            "wait": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    roots = Roots()
    try:
        if module.check_mode:
            change = act(module, Maintenance(roots))
        else:
            with HostLock(_LOCK_TIMEOUT, part="daemons"):
                change = act(module, Maintenance(roots))
    except (UnitsFailed, DaemonsUnreadable, HostIsBusy) as failure:
        module.fail_json(msg=str(failure))
    except RecordUnreadable as problem:
        forced = "--force puts back what the orchestrator has kept of it. Or unmask"
        way = forced if module.params["units"] else "Unmask"
        module.fail_json(
            msg=(
                f"What maintenance has changed here is not known: {problem}. {way} and start the "
                f"units by hand (`systemctl list-unit-files --state=masked`), then remove "
                f"{path_of(roots)}."
            )
        )
    except OSError as error:
        module.fail_json(msg=f"{error.filename or path_of(roots)}: {error.strerror}.")
    published = {
        "maintenance": {
            "units": [each.to_json() for each in change.record.units],
            "not_started": change.problems,
        },
        **state_after(roots, module.check_mode),
    }
    for unit in change.others:
        module.warn(f"{unit} is another cluster's or nobody's, and is left alone.")
    for why in change.gone.values():
        module.warn(why)
    before, after = describe(change, module.params["step"])
    if change.problems and not module.params["force"]:
        said = " ".join(dict.fromkeys(change.problems.values()))
        module.fail_json(msg=said, ceph_orch_result=published)
    module.exit_json(
        changed=change.is_needed,
        diff={"before": before, "after": after},
        ceph_orch_result=published,
    )


def act(module: AnsibleModule, maintenance: Maintenance) -> Change:
    """Do the step, or find what it would do; return that."""
    params = module.params
    if params["step"] == "enter":
        change = maintenance.plan_entry(params["part"], read_held(params["units"]))
        if change.is_needed and not module.check_mode:
            maintenance.enter(change)
        return change
    change = maintenance.plan_exit(read_held(params["units"]), params["force"])
    if change.is_needed and not module.check_mode:
        maintenance.leave(change, max(params["wait"], 1), params["force"])
    return change


if __name__ == "__main__":
    main()
