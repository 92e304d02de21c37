#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Keep the kernel settings of tuned profiles on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: tuned_profiles
short_description: Keep the kernel settings of tuned profiles on a host
description:
  - Writes one file in C(/etc/sysctl.d) for each profile, sets the values that it names, and reads
    each of them back. Only what the kernel says afterwards counts.
  - What a setting had before is kept in C(/var/lib/ceph-orch-ansible/sysctl.json) before it is
    changed, and put back when no profile has the setting any more. Where another file sets it, that
    value is set; where somebody else has changed it since, it stays.
  - A profile with a setting that the host does not have, that can only be read, or that the kernel
    refuses is named, and stays as it was before. The others are kept.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  check_mode:
    details: What the kernel would refuse is only seen when it is set.
  diff_mode:
    details: Returns the files and the settings before and after.
options:
  fsid:
    description:
      - The fsid of the cluster, which stands in the files. A host whose record names another
        cluster is refused.
    type: str
    default: ''
  profiles:
    description:
      - All profiles that the host shall have. Each is a mapping of settings to values, both texts.
        The files of others that this module wrote are removed.
    type: dict
    default: {}
  release:
    description:
      - Whether the host is no longer managed. All profiles are taken away then; what cannot be put
        back is a warning, and nothing is remembered.
    type: bool
    default: false
  takeover:
    description:
      - Whether a host whose record names another cluster may be changed.
    type: bool
    default: false
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Let many connections wait
  ceph_orch.ansible.tuned_profiles:
    profiles:
      network:
        net.core.somaxconn: "4096"
        net.ipv4.tcp_rmem: 4096 131072 16777216
"""

RETURN = r"""
ceph_orch_result:
  description: What the host has.
  returned: always
  type: dict
  contains:
    tuned_profiles:
      description:
        - C(values) is what the kernel has of the settings in all profiles, C(restored) what it has
          of those that were put back, C(refused) says by profile why it is not in force, C(notes)
          what somebody has to know.
      type: dict
      sample: {values: {net.core.somaxconn: "4096"}, restored: {}, refused: {}, notes: []}
"""

from contextlib import ExitStack
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.record import claimed_by_other, read_record
from ..module_utils.host.tuned_files import TunedFiles
from ..module_utils.host.tuned_memory import Memory, Unreadable
from ..module_utils.host.tuned_profiles import FOREIGN_FILE, TunedProfiles
from ..module_utils.system.host_lock import HostIsBusy, HostLock
from ..module_utils.system.reading import Roots
from ..module_utils.system.sysctl import Kernel

# Seconds for which another run is waited for.
LOCK_TIMEOUT = 60.0


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "fsid": {"type": "str", "default": ""},
            "profiles": {"type": "dict", "default": {}},
            "release": {"type": "bool", "default": False},
            "takeover": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = {} if module.params["release"] else texts(module)
    refuse_foreign(module)
    try:
        with ExitStack() as stack:
            if not module.check_mode:
                stack.enter_context(HostLock(LOCK_TIMEOUT, part="kernel-settings"))
            roots = Roots()
            memory = remembered(module, roots)
            profiles = TunedProfiles(
                Kernel(roots),
                TunedFiles(roots),
                memory,
                module.params["fsid"],
                module.check_mode,
            )
            if module.params["release"]:
                profiles.release()
            else:
                profiles.apply(wanted)
    except HostIsBusy as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}.")
    for note in profiles.notes:
        module.warn(note)
    finish(module, profiles)


def remembered(module: AnsibleModule, roots: Roots) -> Memory:
    """Return what settings had before; fail where nobody knows it, unless the host is released."""
    try:
        return Memory(roots)
    except Unreadable as error:
        unknown = f"{error}: what kernel settings had before is not known"
        if not module.params["release"]:
            module.fail_json(
                msg=f"{unknown}. Restore the file, or remove it to keep the values that they have "
                "now."
            )
        module.warn(f"{unknown}, and they keep the values that they have now")
        return Memory.forgotten(roots)


def texts(module: AnsibleModule) -> Dict[str, Dict[str, str]]:
    """Return the profiles, or fail where they are not mappings of texts."""
    for name, settings in module.params["profiles"].items():
        if not isinstance(settings, dict) or not all(
            isinstance(each, str) for pair in settings.items() for each in pair
        ):
            module.fail_json(msg=f"The profile {name} is not a mapping of texts. Quote its values.")
    return dict(module.params["profiles"])


def refuse_foreign(module: AnsibleModule) -> None:
    """Fail when the host's record says that another cluster manages it."""
    other = claimed_by_other(read_record(), module.params["fsid"])
    asked = module.params["fsid"] or module.params["release"]
    if other and asked and not module.params["takeover"]:
        if not module.params["fsid"]:
            # Only a release asks without one, with the variable of the host's record.
            module.fail_json(
                msg=f"The host is managed for the cluster {other}, and nothing was said of which "
                "cluster this is. If it is this one (`ceph fsid`), name it: host_record_fsid. "
                "If it is another one, remove the host there first."
            )
        module.fail_json(
            msg=f"The host is managed by another cluster: its record names {other}. Remove it "
            "there first (or set tuned_profiles_takeover)."
        )


def finish(module: AnsibleModule, profiles: TunedProfiles) -> None:
    """Return what was done, or fail with what is not as it was asked for."""
    failed = [
        f"The tuned profile {name} stays as it was: {'; '.join(texts)}."
        for name, texts in sorted(profiles.refused.items())
    ]
    if not module.params["release"]:
        failed += [f"{text}." for text in profiles.unrestored.values()]
    common: Dict[str, Any] = {
        "changed": profiles.changed,
        "diff": profiles.diff,
        "ceph_orch_result": {"tuned_profiles": profiles.result},
    }
    if failed:
        taken = all(FOREIGN_FILE in text for texts in profiles.refused.values() for text in texts)
        corrects = "`ceph orch tuned-profile add-setting` or `rm-setting` corrects a profile."
        remedy = "" if profiles.refused and taken else corrects
        module.fail_json(msg=" ".join([*failed, remedy]).rstrip(), **common)
    module.exit_json(**common)


if __name__ == "__main__":
    main()
