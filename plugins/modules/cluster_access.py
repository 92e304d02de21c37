#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Give a host the configuration of its cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cluster_access
short_description: Give a host its cluster's configuration
description:
  - Writes C(/etc/ceph/ceph.conf) where there is none, between two marks, and keeps what stands
    between them as given. All other lines stay as they are. A file without the first mark is never
    changed, nor is one that sets C(mon_host) again below, for Ceph takes the last one; a host whose
    own names another cluster is refused.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the configuration before and after.
options:
  fsid:
    description:
      - The fsid of the cluster.
    type: str
    required: true
  conf:
    description:
      - The text of a minimal configuration, as C(ceph config generate-minimal-conf) prints it. It
        is needed only where the host has none.
    type: str
    default: ''
  admin:
    description:
      - With V(present) the host gets C(/etc/ceph/ceph.client.admin.keyring) as well, for root
        alone. A file that is there and does not begin with our mark stays as it is.
      - With V(absent) that file is removed where it is ours, and C(/etc/ceph/ceph.conf) where all
        of it is ours and no daemon or key of the host needs it. Nothing is written then.
      - Empty leaves the keyring alone.
    type: str
    choices: ['', present, absent]
    default: ''
  keyring:
    description:
      - What C(ceph auth get client.admin) prints, for O(admin=present). It is in no result, no
        difference and no log.
    type: str
    default: ''
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Let the host reach its cluster
  ceph_orch.ansible.cluster_access:
    fsid: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    conf: "{{ lookup('ansible.builtin.file', 'ceph.conf') }}"
"""

RETURN = r"""
ceph_orch_result:
  description: What the host has.
  returned: always
  type: dict
  contains:
    access:
      description:
        - For C(conf) one of V(present), V(written) and V(would be written). C(conf_backup) is the
          path of a copy of the old file; it is made once where somebody has changed our lines, or
          the site's own lines moved below them. For C(admin), where asked for, one of V(present),
          V(written), V(absent), V(removed) and these behind C(would be).
      type: dict
      sample: {conf: written}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cluster.access import AccessRefused
from ..module_utils.host.preparation import Preparation
from ..module_utils.system.reading import Roots


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "fsid": {"type": "str", "required": True},
            "conf": {"type": "str", "default": ""},
            "admin": {"type": "str", "choices": ["", "present", "absent"], "default": ""},
            "keyring": {"type": "str", "default": "", "no_log": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    preparation = Preparation(Roots(), params["fsid"], module.check_mode)
    try:
        if params["admin"] == "absent":
            preparation.check()
            preparation.unmake_administrator()
        else:
            preparation.configure(params["conf"])
        if params["admin"] == "present":
            preparation.make_administrator(params["keyring"])
    except AccessRefused as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}.")
    preparation.warn(module)
    module.exit_json(
        changed=preparation.changed,
        diff=preparation.diff,
        ceph_orch_result=preparation.result,
    )


if __name__ == "__main__":
    main()
