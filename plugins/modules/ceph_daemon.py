#!/usr/bin/python
# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Bring Ceph's daemons to run on a host, or take them away."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ceph_daemon
short_description: Bring Ceph's daemons to run on a host, or take them away
description:
  - Installs the packages that are missing, writes the host's C(ceph.conf) where there is none,
    gives each daemon its key and its data directory, enables and starts its unit, and waits until
    the daemon does its work. All of a host goes into one call.
  - All preconditions are checked before anything is changed, for all daemons. A taken port, a
    missing key or a missing unit is refused, and nothing is done on the host.
  - A daemon that runs already is left as it is. One whose key has changed is restarted, and one
    that was started before what it reads at its start was changed (C(since)).
  - A monitor's store is made of the cluster's map of monitors, and the monitor joins by itself,
    whatever C(mon_initial_members) the configuration has. It works when its quorum holds another
    one of that map. The store of one that leads a cluster of its own, and that the cluster's
    quorum does not name, is put aside and made anew.
  - With O(state=absent) the unit is stopped for good, and directory and key are removed. Absent
    daemons are ignored. Of a daemon that somebody made by hand, under another unit than ours have
    (C(ceph-radosgw@radosgw.gateway)), that unit goes; its directory and its key stay and are named.
    Nothing is deployed over such a one. Where something is mounted on or below what would be
    removed, nothing is stopped and nothing removed on the host.
  - At the end it says who the host is and which daemons run, as M(ceph_orch.ansible.host_report)
    does, so that no other call has to ask.
notes:
  - OSDs are made by M(ceph_orch.ansible.osd_create).
  - Keys are in no result, no difference and no log.
extends_documentation_fragment:
  - ceph_orch.ansible.attributes
attributes:
  diff_mode:
    details: Returns the daemons before and after.
  action_group:
    membership:
      - ceph_orch.ansible.all
      - ceph_orch.ansible.cluster
options:
  state:
    description:
      - Whether the daemons shall be there.
    type: str
    choices: [present, absent]
    default: present
  daemons:
    description:
      - The daemons.
    type: list
    elements: dict
    required: true
    suboptions:
      daemon_type:
        description:
          - The kind of daemon, such as V(mds). The README of the role C(daemon_deploy) lists the
            kinds.
        type: str
        required: true
      daemon_id:
        description:
          - The daemon's id, as C(ceph orch ps) shows it behind the kind. For V(crash) and
            V(ceph-exporter) it is the host's name.
        type: str
        required: true
        aliases: [id]
      keyring_file:
        description:
          - The name of the daemon's keyring in O(keyrings). Empty keeps the key that the host has.
        type: str
        default: ''
      port:
        description:
          - The port that the daemon will listen on. It must be free or the daemon's own; V(0) looks
            at none.
        type: int
        default: 0
      addr:
        description:
          - The address that the daemon will listen on; empty means all. A monitor needs one.
        type: str
        default: ''
      stop_timeout:
        description:
          - The seconds that systemd gives a gateway to stop; V(0) is as many as its package says.
        type: int
        default: 0
      args:
        description:
          - Arguments that a program of another package than Ceph's (V(node-exporter), for example)
            gets behind those that it always has. Daemons of Ceph take none.
        type: list
        elements: str
        default: []
      settings:
        description:
          - What a gateway is told besides, by names that the README of C(daemon_deploy) has.
        type: dict
        default: {}
      files:
        description:
          - The texts of the files that a program of another package than Ceph's reads, by their
            names. The README of the role C(daemon_deploy) has the names of each kind. Where the
            program has a check of its own, one that it refuses is not put in place, and nothing is
            changed.
        type: dict
        default: {}
      secret_files:
        description:
          - The names of files that have passwords or private keys in them, each with the name of
            its text in O(keyrings). There it stands in base64 as the key of the daemon's name and
            the file's, C([haproxy.web.h1.kxqwzn.haproxy.cfg]). One whose text is empty stays as
            the host has it.
        type: dict
        default: {}
      unit:
        description:
          - With O(state=absent), the unit that the daemon runs as, as
            M(ceph_orch.ansible.host_report) says it. It must be one that a daemon of this kind and
            id can have. Empty finds it.
        type: str
        default: ''
      since:
        description:
          - When the settings that the daemon reads at its start were changed last, in seconds since
            the epoch. One that runs and was started before is restarted, once. V(0) is never.
        type: float
        default: 0.0
  keyrings:
    description:
      - The texts of keyrings by the names that O(daemons[].keyring_file) gives them, as C(ceph auth
        get) prints them. The lookup P(ceph_orch.ansible.keyrings#lookup) reads them from files.
    type: dict
    default: {}
  cluster:
    description:
      - The fsid of the cluster. The host's configuration must name it.
    type: str
    required: true
  conf:
    description:
      - The text of a minimal configuration, as C(ceph config generate-minimal-conf) prints it. It
        is written as M(ceph_orch.ansible.cluster_access) does. Empty leaves the host's.
    type: str
    default: ''
  packages:
    description:
      - The packages that the daemons need, by the family of the distribution, as
        M(ceph_orch.ansible.package_install) takes them. Empty installs none. Where there is no
        daemon, nothing is installed.
    type: dict
    default: {}
  wait:
    description: For how many seconds a daemon may take until it does its work.
    type: int
    default: 60
  purge:
    description:
      - With O(state=absent), whether data is deleted that is kept otherwise. A monitor's store is
        moved to C(/var/lib/ceph/removed) then; Prometheus' data stays where it is.
    type: bool
    default: false
  timeout:
    description: For how many seconds another run on this host is waited for.
    type: int
    default: 60
author:
  - The ceph-orch-ansible developers (@ceph-orch-ansible)
"""

EXAMPLES = r"""
- name: Run a metadata server
  ceph_orch.ansible.ceph_daemon:
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    packages:
      Debian: [ceph-mds]
      RedHat: [ceph-mds]
    daemons:
      - daemon_type: mds
        daemon_id: data.h2.kxqwzn
        keyring_file: mds.keyring
    keyrings:
      mds.keyring: "{{ lookup('ansible.builtin.file', 'mds.keyring') }}"

- name: Take it away
  ceph_orch.ansible.ceph_daemon:
    state: absent
    cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
    daemons:
      - daemon_type: mds
        daemon_id: data.h2.kxqwzn
"""

RETURN = r"""
ceph_orch_result:
  description:
    - What became of the daemons. Where nothing failed there is also what
      M(ceph_orch.ansible.host_report) says with C(gather=[daemons]).
  returned: always
  type: dict
  contains:
    deployed:
      description:
        - With O(state=present), for each daemon C(daemon_type), C(daemon_id), C(unit) and C(state)
          (present, created, started, restarted, reconfigured, or one of these behind C(would be)).
      type: list
      elements: dict
      sample:
        - daemon_type: mds
          daemon_id: data.h2.kxqwzn
          unit: ceph-mds@data.h2.kxqwzn.service
          state: created
    removed:
      description:
        - With O(state=absent), the same; C(state) is absent, removed or would be removed. C(kept)
          is where a monitor's store is now, C(left) what stays of a daemon that was made by hand,
          C(mask) the mask of a template that stays.
      type: list
      elements: dict
      sample:
        - daemon_type: mds
          daemon_id: data.h2.kxqwzn
          unit: ceph-mds@data.h2.kxqwzn.service
          state: removed
          kept: ''
          left: []
          mask: ''
    packages:
      description:
        - With O(packages), for each C(name) and C(state) (present, installed, would be installed).
      type: list
      elements: dict
      sample:
        - name: ceph-mds
          state: present
    access:
      description:
        - With O(conf), under C(conf) one of present, written and would be written. C(conf_backup)
          as in M(ceph_orch.ansible.cluster_access).
      type: dict
      sample: {conf: present}
"""

import contextlib
from typing import Any, ContextManager, Dict, List, Optional, Tuple, Union

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.cluster.access import AccessRefused
from ..module_utils.cluster.ceph_user import NoCephUser
from ..module_utils.daemons.deployment import Deployment
from ..module_utils.daemons.kinds.base import DaemonRefused
from ..module_utils.daemons.kinds.registry import extras_of
from ..module_utils.daemons.removal import Removal
from ..module_utils.daemons.requested import (
    Request,
    needs_cluster,
    refuse_other_cluster,
    refuse_units,
    starts_with_packages,
    unlike_each_other,
)
from ..module_utils.daemons.rows import changes, describe
from ..module_utils.daemons.wanted import wanted_of
from ..module_utils.host.preparation import Preparation
from ..module_utils.host.state import state_after
from ..module_utils.system.host_lock import HostIsBusy, HostLock
from ..module_utils.system.package_manager import PackagesRefused
from ..module_utils.system.reading import Roots
from ..module_utils.systemd.units import UnitsFailed

KEYS = {"present": "deployed", "absent": "removed"}
REFUSALS = (AccessRefused, DaemonRefused, HostIsBusy, NoCephUser, PackagesRefused, UnitsFailed)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "daemons": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "daemon_type": {"type": "str", "required": True},
                    "daemon_id": {"type": "str", "required": True, "aliases": ["id"]},
                    "keyring_file": {"type": "str", "default": ""},
                    "port": {"type": "int", "default": 0},
                    "addr": {"type": "str", "default": ""},
                    "stop_timeout": {"type": "int", "default": 0},
                    "args": {"type": "list", "elements": "str", "default": []},
                    "settings": {"type": "dict", "default": {}},
                    "files": {"type": "dict", "default": {}, "no_log": True},  # with passwords
                    "secret_files": {"type": "dict", "default": {}, "no_log": False},
                    "unit": {"type": "str", "default": ""},
                    "since": {"type": "float", "default": 0.0},
                },
            },
            "keyrings": {"type": "dict", "default": {}, "no_log": True},
            "cluster": {"type": "str", "required": True},
            "conf": {"type": "str", "default": ""},
            "packages": {"type": "dict", "default": {}},
            "wait": {"type": "int", "default": 60},
            "purge": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    roots = Roots()
    host = Preparation(roots, module.params["cluster"], module.check_mode)
    rows, problems = work(module, roots, host) if module.params["daemons"] else ([], [])
    result = {KEYS[module.params["state"]]: rows, **host.result}
    host.warn(module)
    if problems:
        module.fail_json(
            msg=" ".join(problems), changed=host.changed or changes(rows), ceph_orch_result=result
        )
    module.exit_json(
        changed=host.changed or changes(rows),
        diff=[*host.diff, describe(rows)],
        ceph_orch_result={**result, **state_after(roots, module.check_mode)},
    )


def work(
    module: AnsibleModule, roots: Roots, host: Preparation
) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Bring daemons to run or take them away; return their rows, and what went wrong."""
    done: Union[Deployment, Removal]
    try:
        daemons = unlike_each_other(roots, module.params["daemons"])
        if module.params["state"] == "absent":
            with nobody_else(module):
                done = remove(module, roots, daemons)
        else:
            host.install(module.params["packages"], quiet=not starts_with_packages(daemons))
            with nobody_else(module):
                if needs_cluster(daemons):
                    host.configure(module.params["conf"])
                done = deploy(module, roots, daemons, host)
    except REFUSALS as error:
        return [], [str(error)]
    except OSError as error:
        return [], [f"{error.filename}: {error.strerror}." if error.filename else str(error)]
    return done.rows, done.problems


def nobody_else(module: AnsibleModule) -> ContextManager[Optional[HostLock]]:
    """Return the lock on this host's daemons; nothing is locked in check mode."""
    if module.check_mode:
        return contextlib.nullcontext()
    return HostLock(max(module.params["timeout"], 1), part="daemons")


def deploy(
    module: AnsibleModule, roots: Roots, daemons: List[Request], host: Preparation
) -> Deployment:
    """Bring daemons to run, or predict it."""
    params = module.params
    check_host(module, roots, needs_cluster(daemons))
    refuse_units([daemon for daemon, _ in daemons])
    wanted = [wanted_of(params, *daemon, installs=host.installs) for daemon in daemons]
    extras = extras_of(roots, params["conf"], touch=not module.check_mode)
    deployment = Deployment(roots, wanted, extras, max(params["wait"], 1))
    # In check mode the units of packages that would be installed are not there yet.
    deployment.refuse(module.check_mode and host.installs)
    if module.check_mode:
        deployment.predict()
    else:
        deployment.do()
    return deployment


def remove(module: AnsibleModule, roots: Roots, daemons: List[Request]) -> Removal:
    """Take daemons away, or predict it."""
    check_host(module, roots)
    going = [daemon for daemon, _ in daemons]
    removal = Removal(roots, going, extras_of(roots), purge=module.params["purge"])
    if module.check_mode:
        removal.predict()
    else:
        removal.do()
    return removal


def check_host(module: AnsibleModule, roots: Roots, needs_conf: bool = True) -> None:
    """Refuse a host that belongs to another cluster, or does not know the one that is needed."""
    may_be_unknown = not needs_conf or module.check_mode or module.params["state"] == "absent"
    refuse_other_cluster(roots, module.params["cluster"], may_be_unknown=may_be_unknown)


if __name__ == "__main__":
    main()
