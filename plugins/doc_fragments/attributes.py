# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""What all modules of the collection have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules; each adds its own details."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and predict what would change without changing anything.
    support: full
  diff_mode:
    description: Returns what is different before and after.
    support: full
  platform:
    description: The systems that the module runs on.
    platforms: Linux
    support: full
  action_group:
    description: The groups that the module belongs to, for C(module_defaults).
    membership:
      - ceph_orch.ansible.all
    support: full
"""
