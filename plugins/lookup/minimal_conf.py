# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Choose the ceph.conf that hosts get."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: minimal_conf
short_description: Choose the ceph.conf that hosts get
description:
  - Returns the text that is given. Where a job of the orchestrator is done again by hand, the text
    may be old by then, and hosts would lose monitors that were added since. The monitors are asked
    for it instead, by C(ceph config generate-minimal-conf) on the controller; where that does not
    go, there is a warning, and hosts keep the file that they have.
options:
  _terms:
    description:
      - The text. An empty one stays empty.
    required: true
  by_hand:
    description:
      - Whether a job is done again by hand.
    type: bool
    default: false
    vars:
      - name: ceph_orch_by_hand
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Give the host access to its cluster
  ceph_orch.ansible.cluster_access:
    fsid: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    conf: "{{ lookup('ceph_orch.ansible.minimal_conf', given) }}"
"""

RETURN = r"""
_raw:
  description: The text.
  type: list
  elements: str
"""

from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..plugin_utils.monitors import REMEDY, NoAnswer, ask


class LookupModule(LookupBase):
    """Choose the text."""

    def run(self, terms, variables=None, **kwargs):
        """Return one text."""
        self.set_options(var_options=variables, direct=kwargs)
        given = str(terms[0])
        if not given.strip() or not self.get_option("by_hand"):
            return [given]
        try:
            return [ask("config", "generate-minimal-conf")]
        except NoAnswer as error:
            Display().warning(
                f"No ceph.conf can be fetched: {error}. Hosts keep the one that they "
                f"have. To give them one: {REMEDY}"
            )
            return [""]
