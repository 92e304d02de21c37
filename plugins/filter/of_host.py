# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Take what a mapping by host has for one host, also of a mapping that is JSON text."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: of_host
short_description: Take what a mapping by host has for one host
description:
  - Returns what a mapping has under the name of a host. The mapping may be JSON text, as a survey
    of AWX asks for it. An empty text is an empty mapping.
  - What the text holds is data; it is never evaluated as a template.
options:
  _input:
    description:
      - The mapping by the names of hosts, or the text.
    type: raw
    required: true
  host:
    description:
      - The name of the host.
    type: str
    required: true
  otherwise:
    description:
      - What is returned for a host without an entry.
    type: raw
    required: true
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Act on the daemons of this host
  ceph_orch.ansible.daemon_action:
    action: restart
    units: "{{ wanted | ceph_orch.ansible.of_host(inventory_hostname, []) }}"
  vars:
    wanted: '{"h1": ["ceph-mds@a.service"]}'
"""

RETURN = r"""
_value:
  description: What the mapping has for the host.
  type: raw
"""

from typing import Any, Callable, Dict, Mapping

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils.json_text import NotJson, parsed


def of_host(value: Any, host: str, otherwise: Any) -> Any:
    """Return the entry of a host."""
    found = value
    if isinstance(value, str):
        try:
            found = wrap_var(parsed(value)) if value.strip() else {}
        except NotJson as error:
            raise AnsibleFilterError(f"What hosts have to do is not JSON: {error}.") from None
    if not isinstance(found, Mapping):
        raise AnsibleFilterError(
            f'What hosts have to do is not a mapping by their names, as in {{"{host}": ...}}.'
        )
    return found.get(host, otherwise)


class FilterModule:
    """The filter for Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"of_host": of_host}
