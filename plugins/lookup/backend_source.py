# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Look on the controller for the tree that managers' hosts get."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: backend_source
short_description: Look for the tree that managers' hosts get
description:
  - Looks on the controller for what M(ceph_orch.ansible.backend_install) sends. A checkout and
    C(/usr/share/ceph-orch-ansible) have it. A collection that C(ansible-galaxy) installed has not;
    then the Python package ceph-orch-ansible has it, where it is installed for the Python that
    runs Ansible.
options:
  _terms:
    description:
      - Not used.
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: See that this backend is here to be sent
  ansible.builtin.assert:
    that: query('ceph_orch.ansible.backend_source') | length > 0
"""

RETURN = r"""
_raw:
  description: The directory that holds the playbooks of the tree; nothing where there is none.
  type: list
  elements: str
"""

from ansible.plugins.lookup import LookupBase

from ..plugin_utils.backend_source import backend_source


class LookupModule(LookupBase):
    """Look for the tree."""

    def run(self, terms, variables=None, **kwargs):
        """Return the directory of the tree's content, or nothing."""
        content, _package = backend_source()
        return [content] if content else []
