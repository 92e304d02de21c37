# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Take a list as it is, or as text."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: as_list
short_description: Take a list as it is, or as text
description:
  - Returns the list that is given, or that a text holds as JSON or separated by commas, as a survey
    of AWX asks for it. An empty text is an empty list.
  - What the text holds is data; it is never evaluated as a template.
options:
  _input:
    description:
      - The list, or the text.
    type: raw
    required: true
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Show the labels
  ansible.builtin.debug:
    msg: "{{ 'mon,osd' | ceph_orch.ansible.as_list }}"
"""

RETURN = r"""
_value:
  description: The list.
  type: list
  elements: raw
"""

from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils.json_text import NotJson, parsed


def as_list(value: Any) -> Any:
    """Return the list."""
    found = value
    if isinstance(value, str):
        found = wrap_var(_from_text(value.strip()))
    if not isinstance(found, (list, tuple)):
        raise AnsibleFilterError("It is neither a list nor a text that holds one.")
    return list(found)


def _from_text(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return parsed(text)
    except NotJson as error:
        raise AnsibleFilterError(f"A list is not JSON: {error}.") from None


class FilterModule:
    """The filter for Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return it by its name."""
        return {"as_list": as_list}
