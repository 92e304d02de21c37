"""The variables of the roles that bring daemons to run and take them away."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from adapter.operations._registry import Variables

# A package may have to be fetched first, and a monitor reads the whole store of another one.
APPLY_TIMEOUT = 900.0
REMOVE_TIMEOUT = 420.0

# The role of each kind of daemon.
ROLES: Dict[str, str] = {
    "mon": "ceph_mon",
    "mgr": "ceph_mgr",
    "mds": "ceph_mds",
    "rgw": "ceph_rgw",
    "rbd-mirror": "ceph_rbd_mirror",
    "cephfs-mirror": "ceph_cephfs_mirror",
    "crash": "ceph_crash",
    "ceph-exporter": "ceph_exporter",
}

Daemons = Mapping[str, Sequence[Mapping[str, Any]]]


def apply_phases(kind: str, *before: str) -> Tuple[str, ...]:
    """Return the roles that run, in order, to bring daemons of a kind to run."""
    return (*before, ROLES[kind])


def apply_variables(kind: str, daemons: Daemons, cluster: str, conf: str) -> Variables:
    """Return the variables that bring daemons of a kind to run, by host.

    Each daemon has id, keyring_file (a file of the job's secrets; empty: the host has the key),
    port and addr.
    """
    role = ROLES[kind]
    return {
        f"{role}_daemons": {host: [dict(row) for row in rows] for host, rows in daemons.items()},
        f"{role}_cluster": cluster,
        f"{role}_conf": conf,
    }


def remove_variables(daemons: Daemons, cluster: str, purge: bool) -> Variables:
    """Return the variables that take daemons away; each has daemon_type and daemon_id."""
    rows = {host: [dict(row) for row in given] for host, given in daemons.items()}
    return {
        "ceph_daemon_remove_daemons": rows,
        "ceph_daemon_remove_cluster": cluster,
        "ceph_daemon_remove_purge": purge,
    }
