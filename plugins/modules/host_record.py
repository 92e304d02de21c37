#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Keep the record on a host that says who manages it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: host_record
short_description: Keep the record that says by which cluster a host is managed
description:
  - Writes or removes a small JSON file on the host that names the host as the orchestrator calls
    it, its address and labels, and the cluster that it belongs to.
  - A host whose record names another cluster is not touched, so that two orchestrators do not
    manage one host by mistake.
  - With O(state=absent) the administrator's keyring goes too where it was put there by
    M(ceph_orch.ansible.cluster_access), and C(/etc/ceph/ceph.conf) where all of it is ours and no
    daemon or key needs it. On a host without an OSD so does the key that OSDs were made with, in
    C(/var/lib/ceph/bootstrap-osd), where it was put there by M(ceph_orch.ansible.osd_create).
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the record before and after.
  action_group:
    membership:
      - ceph_orch.ansible.all
      - ceph_orch.ansible.cluster
options:
  state:
    description:
      - Whether the record shall be there.
    type: str
    choices: [present, absent]
    default: present
  path:
    description:
      - The file that holds the record. Its directory is made when it is missing. A directory called
        C(ceph-orch-ansible) is removed with the record when nothing else is in it.
    type: path
    default: /var/lib/ceph-orch-ansible/host.json
  hostname:
    description:
      - The name by which the orchestrator knows the host.
      - Required when O(state=present).
    type: str
  addr:
    description:
      - The address at which the orchestrator reaches the host.
    type: str
    default: ''
  labels:
    description:
      - The labels that the host carries.
    type: list
    elements: str
    default: []
  cluster:
    description:
      - The fsid of the cluster that manages the host; empty for an orchestrator without a cluster,
        for which every cluster is another one.
    type: str
    default: ''
  takeover:
    description:
      - Whether a record that names another cluster may be replaced or removed.
    type: bool
    default: false
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Say that the host is ours
  ceph_orch.ansible.host_record:
    hostname: ceph-1
    addr: 192.0.2.11
    labels: [osd, rgw]
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11

- name: Release the host
  ceph_orch.ansible.host_record:
    state: absent
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
"""

RETURN = r"""
ceph_orch_result:
  description: The record as it is afterwards.
  returned: always
  type: dict
  contains:
    record:
      description: C(schema), C(hostname), C(addr), C(labels) and C(cluster), or null.
      type: dict
      sample:
        schema: 1
        hostname: ceph-1
        addr: 192.0.2.11
        labels: [osd, rgw]
        cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
"""

import os
from typing import Any, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.host.admin_key import AdminKey
from ..module_utils.host.bootstrap_key import to_remove as key_to_remove
from ..module_utils.host.record import (
    RECORD_PATH,
    claimed_by_other,
    encode_record,
    is_kept,
    make_record,
    read_record,
    remove_record,
    write_record,
)
from ..module_utils.system.reading import Roots


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "path": {"type": "path", "default": RECORD_PATH},
            "hostname": {"type": "str"},
            "addr": {"type": "str", "default": ""},
            "labels": {"type": "list", "elements": "str", "default": []},
            "cluster": {"type": "str", "default": ""},
            "takeover": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ["hostname"])],
        supports_check_mode=True,
    )
    params = module.params
    path = params["path"]
    before = read_record(path)
    wanted = None
    if params["state"] == "present":
        if not params["hostname"]:
            module.fail_json(msg="Invalid hostname '': it is empty. Give the host's name.")
        wanted = make_record(
            params["hostname"], params["addr"], params["labels"], params["cluster"]
        )
    refuse_foreign(module, before)
    admin = AdminKey(Roots(), params["cluster"])
    try:
        files = {}
        if not wanted and params["cluster"]:
            files = {**admin.to_remove(), **key_to_remove(Roots(), params["cluster"])}
    except OSError as error:
        module.fail_json(msg=f"{error.filename or path} cannot be read: {error.strerror}.")
    changed = not is_kept(path, wanted) if wanted else os.path.lexists(path)
    if not module.check_mode:
        try:
            # The record last: as long as it is there, the host is ours to clean.
            admin.remove(files)
            if changed:
                apply(path, wanted)
        except OSError as error:
            module.fail_json(msg=f"{error.filename or path} cannot be changed: {error.strerror}.")
    diff = {
        "before": encode_record(before),
        "after": encode_record(wanted),
        "before_header": path,
        "after_header": path,
    }
    gone = [{"before": "(of ours)\n", "after": "", "before_header": each} for each in files]
    module.exit_json(
        changed=changed or bool(files),
        diff=[diff, *gone] if gone else diff,
        ceph_orch_result={"record": wanted},
    )


def refuse_foreign(module: AnsibleModule, record: Optional[Mapping[str, Any]]) -> None:
    """Fail when the record says that another cluster manages the host."""
    other = claimed_by_other(record, module.params["cluster"])
    if other and not module.params["takeover"]:
        if not module.params["cluster"]:
            module.fail_json(
                msg=(
                    f"The host is managed for the cluster {other}, and nothing was said of which "
                    "cluster this is. If it is this one (`ceph fsid`), name it: host_record_fsid. "
                    "If it is another one, remove the host there first."
                )
            )
        module.fail_json(
            msg=(
                f"The host is managed by another cluster: its record names {other}. Remove it "
                f"there first; if that cluster is gone, remove {module.params['path']} on the host "
                "(or set host_record_takeover)."
            )
        )


def apply(path: str, record: Optional[Mapping[str, Any]]) -> None:
    """Write or remove the record."""
    if record is None:
        remove_record(path)
    else:
        write_record(path, record)


if __name__ == "__main__":
    main()
