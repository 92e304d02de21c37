#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Install the invoker on a host, for a user whose sudo is locked down."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: invoker_install
short_description: Install the invoker on a host, for a user whose sudo is locked down
description:
  - Installs C(/usr/local/libexec/ceph-orch-invoker), a program of this collection that does what
    its other modules do, and the one rule of sudo that lets a user run it as root without a
    password and without arguments.
  - The program is made on the controller, of this collection and the C(module_utils) of the Ansible
    that runs there. It is one file, which belongs to root alone and imports nothing else but
    Python's standard library.
  - The host can be worked on through it from then on, by a user who may do nothing else as root,
    where it has the variable C(ceph_orch_invoker).
notes:
  - This itself needs all of root's rights. It cannot be done through the invoker.
  - Other rules of sudo are left alone. What else the user may do is a warning.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns which files are made, changed and removed.
  action:
    description: Has a part that runs on the controller, which makes the program.
    support: full
options:
  state:
    description:
      - Whether the host shall have the invoker.
    type: str
    choices: [present, absent]
    default: present
  user:
    description:
      - The user that logs in to the host. Needed with O(state=present).
    type: str
    default: ''
  python:
    description:
      - The interpreter on the host that runs the invoker.
    type: str
    default: /usr/bin/python3
  limits:
    description:
      - What is allowed on this host in addition, as C(/etc/ceph-orch-invoker.json) has it. Without
        it that file is left as it is.
    type: dict
  digest:
    description:
      - What the program is; filled in by the part on the controller.
    type: str
    default: ''
  content:
    description:
      - The program; filled in by the part on the controller.
    type: str
    default: ''
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Let the user orch work on the host through the invoker
  ceph_orch.ansible.invoker_install:
    user: orch

- name: Allow a command for the lights of disks besides
  ceph_orch.ansible.invoker_install:
    user: orch
    limits:
      light_commands:
        - [/usr/local/sbin/light, '{path}', '{state}']
"""

RETURN = r"""
ceph_orch_result:
  description: What became of the invoker.
  returned: always
  type: dict
  contains:
    invoker:
      description:
        - C(state) (present, installed, absent, removed, or one of these behind C(would be)),
          C(changes), a line each, and the C(sha256) of the program.
      type: dict
      sample:
        state: installed
        changes:
          - make /usr/local/libexec/ceph-orch-invoker
          - make /etc/sudoers.d/ceph-orch-invoker
        sha256: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
"""

import base64
import hashlib
import os
import pwd
import zlib
from typing import List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.invoker.installation import (
    INVOKER,
    RULE,
    CannotInstall,
    File,
    check_host,
    check_user,
    describe,
    digest_of,
    other_rules,
    rule_of,
    states,
    wanted_limits,
)
from ..module_utils.invoker.limits import PATH as LIMITS


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "user": {"type": "str", "default": ""},
            "python": {"type": "str", "default": "/usr/bin/python3"},
            "limits": {"type": "dict"},
            "digest": {"type": "str", "default": ""},
            "content": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params
    absent = params["state"] == "absent"
    if os.geteuid() != 0:
        module.fail_json(msg="Only root can install the invoker or remove it: use become.")
    if not absent and not params["content"] and digest_of() != params["digest"]:
        # The part on the controller sends the program.
        module.exit_json(changed=True, wants_content=True)
    try:
        files = [File(path, None) for path in (RULE, INVOKER, LIMITS)] if absent else wanted(module)
        changes = describe(files)
        if not module.check_mode:
            for file in files:
                if file.verb:
                    file.put()
    except CannotInstall as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}.")
    more = [] if absent else other_rules(params["user"])
    if more:
        module.warn(
            f"The user {params['user']} may do more by sudo than run the invoker: "
            f"{'; '.join(more)}. As long as that is so, sudo is not locked down."
        )
    module.exit_json(
        changed=bool(changes),
        diff={"before": "", "after": "".join(f"{line}\n" for line in changes)},
        ceph_orch_result={
            "invoker": {**states(changes, absent, module.check_mode), "sha256": params["digest"]}
        },
    )


def wanted(module: AnsibleModule) -> List[File]:
    """Return the files as they shall be, the program first; raises ``CannotInstall``."""
    params = module.params
    check_user(params["user"])
    try:
        pwd.getpwnam(params["user"])
    except KeyError:
        raise CannotInstall(
            f"There is no user {params['user']} on this host. Make it first, with the public key "
            "of the orchestrator in its authorized_keys."
        ) from None
    check_host(params["python"])
    if params["content"]:
        program = zlib.decompress(base64.b64decode(params["content"]))
    else:
        with open(INVOKER, "rb") as stream:
            program = stream.read()
    if hashlib.sha256(program).hexdigest() != params["digest"]:
        raise CannotInstall("The program did not arrive as it was sent. Try again.")
    rule = File(RULE, rule_of(params["user"]).encode())
    return [File(INVOKER, program), *wanted_limits(params["limits"]), rule]


if __name__ == "__main__":
    main()
