#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Start, stop or restart Ceph's daemons on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: daemon_action
short_description: Start, stop or restart Ceph's daemons
description:
  - Starts, stops or restarts units of Ceph's packages, all of a host in one call, and waits until
    they are so. A failed state is reset first.
  - A daemon that was started must stay up for a moment; the module fails with the last lines of one
    that does not. A monitor, manager, metadata server or object gateway must also do its work, as
    its administration socket or its port says.
  - A unit that is started already or stopped already is left alone. A restart always changes, but
    for one with the same O(once) as before.
  - At the end it says who the host is and which daemons run, as M(ceph_orch.ansible.host_report)
    does, so that no other call has to ask.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the states of the units before and after.
options:
  action:
    description:
      - What to do.
    type: str
    choices: [start, stop, restart]
    required: true
  units:
    description:
      - The units, such as C(ceph-osd@3.service).
    type: list
    elements: str
    required: true
  wait:
    description:
      - For how many seconds a unit may take to become active.
    type: int
    default: 60
  once:
    description:
      - What the restart is for, such as the name of a job. A unit that was restarted for the same
        already, and runs, is left alone; the host knows it until it starts anew. Empty restarts
        each time.
    type: str
    default: ''
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Restart an OSD
  ceph_orch.ansible.daemon_action:
    action: restart
    units: [ceph-osd@3.service]
"""

RETURN = r"""
ceph_orch_result:
  description:
    - The states of the units. Where nothing failed there is also what
      M(ceph_orch.ansible.host_report) says with C(gather=[daemons]).
  returned: always
  type: dict
  contains:
    units:
      description:
        - For each unit C(unit) and C(state), as systemd calls it; C(idle) is one that runs and does
          not do its work.
      type: list
      elements: dict
      sample:
        - unit: ceph-osd@3.service
          state: active
"""

import re
from typing import Dict, Iterable, List, Mapping, Set

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.daemons.at_work import answering, have_to_stay, idle
from ..module_utils.host.state import state_after
from ..module_utils.system.done_once import DoneOnce
from ..module_utils.system.reading import Roots, clean
from ..module_utils.systemd.faults import KNOWN, fault_of
from ..module_utils.systemd.units import (
    UnitsFailed,
    act,
    is_alive,
    runs,
    show_units,
    wait_active,
)

UNIT = re.compile(r"(ceph|cephfs)[A-Za-z0-9@._:-]{0,200}\.service")
# A daemon that cannot run ends within this time.
SETTLE = 1.0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "action": {"type": "str", "choices": ["start", "stop", "restart"], "required": True},
            "units": {"type": "list", "elements": "str", "required": True},
            "wait": {"type": "int", "default": 60},
            "once": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    units = list(dict.fromkeys(module.params["units"]))
    action = module.params["action"]
    restarted = DoneOnce("restarts", module.params["once"] if action == "restart" else "")
    refuse_strangers(module, units)
    try:
        before = show_units(units)
        refuse_unknown(module, before)
        refuse_faulty(module, action, before)
        concerned = [
            unit
            for unit in units
            if needs(action, before[unit]) and not (restarted.has(unit) and runs(before[unit]))
        ]
        if concerned and not module.check_mode:
            answered = answering(Roots(), concerned)
            do(action, concerned, max(module.params["wait"], 1))
            if action != "stop":
                refuse_idle(module, units, concerned, answered)
            if action == "restart" and module.params["once"]:
                restarted.note(concerned)
        after = before if module.check_mode else show_units(units)
    except UnitsFailed as failure:
        module.fail_json(msg=str(failure), ceph_orch_result={"units": rows(units)})
    states = {unit: after[unit].get("ActiveState", "") for unit in units}
    if module.check_mode:
        states.update({unit: "inactive" if action == "stop" else "active" for unit in concerned})
    module.exit_json(
        changed=bool(concerned),
        diff={
            "before": describe({unit: before[unit].get("ActiveState", "") for unit in units}),
            "after": describe(states, action if action == "restart" else ""),
        },
        ceph_orch_result={
            "units": [{"unit": name, "state": states[name]} for name in units],
            **state_after(Roots(), module.check_mode),
        },
    )


def refuse_idle(
    module: AnsibleModule, units: List[str], started: List[str], answered: Set[str]
) -> None:
    """Fail for daemons that run and do not do their work."""
    problems = idle(Roots(), started, max(module.params["wait"], 1), answered)
    if problems:
        states = rows(units)
        for row in states:
            if row["unit"] in problems:
                row["state"] = "idle"
        said = " ".join(problems[unit] for unit in sorted(problems))
        module.fail_json(msg=said, ceph_orch_result={"units": states})


def refuse_strangers(module: AnsibleModule, units: Iterable[str]) -> None:
    """Fail for a unit that is none of Ceph's."""
    for unit in units:
        if not UNIT.fullmatch(unit):
            module.fail_json(
                msg=(
                    f"Invalid unit {clean(unit)!r}: it is not a unit of Ceph. Give a name such as "
                    "ceph-osd@3.service."
                )
            )


def refuse_faulty(
    module: AnsibleModule, action: str, states: Mapping[str, Mapping[str, str]]
) -> None:
    """Fail for a unit that cannot be started; it can be stopped all the same."""
    faults = [fault_of(unit, state) for unit, state in states.items() if action != "stop"]
    if any(faults):
        module.fail_json(msg=" ".join(filter(None, faults)))


def refuse_unknown(module: AnsibleModule, states: Mapping[str, Mapping[str, str]]) -> None:
    """Fail for a unit that the host has not."""
    unknown = [unit for unit, state in states.items() if state.get("LoadState") not in KNOWN]
    if unknown:
        module.fail_json(
            msg=(
                f"There is no unit {', '.join(unknown)} on this host. Look with `systemctl "
                "list-units 'ceph*'`."
            )
        )


def needs(action: str, state: Mapping[str, str]) -> bool:
    """Tell whether a unit is not yet as the action makes it."""
    if action == "start":
        return state.get("ActiveState") != "active"
    return action == "restart" or is_alive(state)


def do(action: str, units: List[str], wait: float) -> None:
    """Let systemd act, and wait for the end of it."""
    act(action, units)
    if action != "stop":
        # Those that can be asked are, right after it.
        wait_active(units, wait, SETTLE if have_to_stay(Roots(), units) else 0.0)
        return
    left = [unit for unit, state in show_units(units).items() if state["ActiveState"] == "failed"]
    if left:
        # It did not end well, but it has ended.
        act("reset-failed", left)


def rows(units: List[str]) -> List[Dict[str, str]]:
    """Return the states of the units as far as systemd tells them."""
    try:
        states = show_units(units)
    except UnitsFailed:
        return []
    return [{"unit": unit, "state": states[unit].get("ActiveState", "")} for unit in units]


def describe(states: Mapping[str, str], remark: str = "") -> str:
    """Return the states as text for the difference."""
    suffix = f" ({remark}ed)" if remark else ""
    return "".join(f"{unit}: {state}{suffix}\n" for unit, state in states.items())


if __name__ == "__main__":
    main()
