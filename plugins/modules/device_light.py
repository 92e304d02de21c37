#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Switch the identification and fault lights of disks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: device_light
short_description: Switch the identification or fault lights of disks
description:
  - Switches the identification or the fault light of disks on or off and reads back what the
    hardware says afterwards.
  - Several ways are tried in order until one works. Each one that does not is named with its
    reason when none does.
notes:
  - The state is read back from the way that was used, or from another one that can tell it. Where
    none can, C(read_back) is null and the light is switched each time.
  - ledctl is called with C(--listed-only), so that the lights of other disks stay as they are.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the lights' states before and after.
options:
  host:
    description:
      - The name of this host in O(locations); the other hosts' locations are left alone.
    type: str
    required: true
  locations:
    description:
      - The disks whose lights are meant.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description:
          - The name of the host that the disk is in.
        type: str
        required: true
      dev:
        description:
          - The name of the disk, with or without C(/dev/).
        type: str
        default: ''
      path:
        description:
          - The path of the disk's device file, also a link as in C(/dev/disk/by-path).
          - Without it O(locations[].dev) below C(/dev) is meant.
        type: str
        default: ''
  kind:
    description:
      - Which light.
    type: str
    choices: [ident, fault]
    required: true
  "on":
    description:
      - Whether the light shall be on.
    type: bool
    required: true
  methods:
    description:
      - The ways that are tried, in this order.
      - V(command) is O(command), V(enclosure) a slot of a SES enclosure in sysfs, V(npem) the LED
        of a PCIe slot in sysfs (Linux 6.12), V(ledctl) the tool of ledmon and V(lsmcli) that of
        libstoragemgmt.
      - By default all of them, V(command) first if it is set.
    type: list
    elements: str
    choices: [command, enclosure, npem, ledctl, lsmcli]
    default: []
  command:
    description:
      - The operator's own command, as a list of its words. C({path}), C({dev}), C({kind}) (ident or
        fault) and C({state}) (on or off) are replaced in each word. It is not run by a shell.
    type: list
    elements: str
    default: []
  sysfs_root:
    description:
      - Where the kernel's description of the hardware is mounted.
    type: path
    default: /sys
  once:
    description:
      - What the light is switched for, such as the name of a job. One that cannot be read back
        counts as unchanged where it was last switched for the same, and so; the host knows it until
        it starts anew. Empty is a change each time.
    type: str
    default: ''
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Find a disk in the rack
  ceph_orch.ansible.device_light:
    host: ceph-1
    locations:
      - host: ceph-1
        dev: sda
        path: /dev/disk/by-path/pci-0000:3b:00.0-scsi-0:0:4:0
    kind: ident
    "on": true

- name: Switch a fault light off with a vendor's tool
  ceph_orch.ansible.device_light:
    host: ceph-1
    locations:
      - host: ceph-1
        dev: sdb
    kind: fault
    "on": false
    command: [/opt/vendor/ledtool, --disk, "{path}", --state, "{state}"]
"""

RETURN = r"""
ceph_orch_result:
  description: What was switched on this host.
  returned: always
  type: dict
  contains:
    lights:
      description:
        - For each of the host's locations C(dev), C(path), C(kind), C(on) (what was wanted),
          C(method) (the way that worked) and C(read_back) (what the hardware says, or null).
      type: list
      elements: dict
      sample:
        - dev: sda
          path: /dev/sda
          kind: ident
          "on": true
          method: enclosure
          read_back: true
"""

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.leds.lights import WAYS, CannotSwitch, Way, find_light, state_word, switch
from ..module_utils.leds.sysfs import PATIENCE
from ..module_utils.system.done_once import DoneOnce
from ..module_utils.system.reading import Roots

PUBLISHED = ("dev", "path", "kind", "on", "method", "read_back")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "locations": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "host": {"type": "str", "required": True},
                    "dev": {"type": "str", "default": ""},
                    "path": {"type": "str", "default": ""},
                },
            },
            "kind": {"type": "str", "choices": ["ident", "fault"], "required": True},
            "on": {"type": "bool", "required": True},
            "methods": {
                "type": "list",
                "elements": "str",
                "choices": list(WAYS),
                "default": [],
            },
            "command": {"type": "list", "elements": "str", "default": []},
            "sysfs_root": {"type": "path", "default": "/sys"},
            "once": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    roots = Roots(sys=module.params["sysfs_root"])
    mine = [row for row in module.params["locations"] if row["host"] == module.params["host"]]
    lights, problems = act(roots, mine, module)
    result = {"lights": [{key: light[key] for key in PUBLISHED} for light in lights]}
    if problems:
        module.fail_json(msg=" ".join(problems), ceph_orch_result=result)
    module.exit_json(
        changed=any(light["changed"] for light in lights),
        diff=describe(lights),
        ceph_orch_result=result,
    )


def act(
    roots: Roots, locations: Iterable[Mapping[str, Any]], module: AnsibleModule
) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Switch this host's lights; return what was done and what could not be."""
    params = module.params
    ways = make_ways(roots, params["methods"], params["command"])
    lights = []
    problems = []
    try:
        # A wrong path is found before the first light is switched.
        wanted = [find_light(roots, location, params["kind"]) for location in locations]
    except CannotSwitch as error:
        return [], [str(error)]
    mark = f"{params['once']} {state_word(params['on'])}" if params["once"] else ""
    done = DoneOnce("lights", mark, most=1)
    for light in wanted:
        name = f"{light.kind} {light.path}"
        try:
            outcome = switch(light, params["on"], ways, simulate=module.check_mode)
        except CannotSwitch as error:
            problems.append(str(error))
            continue
        if outcome["before"] is None:
            # It is switched all the same: somebody may have used another way since.
            outcome["changed"] = not done.has(name)
            if not module.check_mode:
                done.note([name])
        lights.append(outcome)
    return lights, problems


def make_ways(
    roots: Roots, methods: List[str], command: List[str], patience: float = PATIENCE
) -> List[Way]:
    """Return the ways in the order in which they are tried.

    ``patience`` is how long (seconds) a light of the kernel's may need to read back as it was set.
    """
    names = methods or [name for name in WAYS if name != "command" or command]
    of_kernel = (roots, patience)
    arguments = {"command": (command,), "enclosure": of_kernel, "npem": of_kernel}
    return [WAYS[name](*arguments.get(name, ())) for name in names]


def describe(lights: Iterable[Mapping[str, Any]]) -> Dict[str, str]:
    """Return the difference that ``--diff`` shows."""
    rows: Dict[str, List[str]] = {"before": [], "after": []}
    for light in lights:
        after = light["on"] if light["changed"] else light["before"]
        for key, state in (("before", light["before"]), ("after", after)):
            rows[key].append(f"{light['path']} {light['kind']} {state_word(state)}\n")
    return {key: "".join(lines) for key, lines in rows.items()}


if __name__ == "__main__":
    main()
