"""The variables of the roles that bring daemons to run and take them away."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables

# A package may have to be fetched first, and a monitor reads the whole store of another one.
APPLY_TIMEOUT = 900.0
REMOVE_TIMEOUT = 420.0
ROLE = "daemon_deploy"

Daemons = Mapping[str, Sequence[Mapping[str, Any]]]


def apply_variables(
    daemons: Daemons,
    cluster: str,
    conf: str = "",
    python: str = "",
    modules: Sequence[str] = (),
) -> Variables:
    """Return the variables that bring daemons of a kind to run.

    ``daemons`` are by host; each has id, keyring_file (a file of the job's secrets; empty: the
    host has the key, or there is none), port, addr, and what else its kind tells hosts.
    ``cluster`` is the fsid, ``conf`` the ceph.conf for a host that has none. ``python`` is the
    interpreter that managers run jobs with, ``modules`` are those that are enabled in the cluster.
    """
    backend = {"orchestrator_backend_python": python} if python else {}
    return {
        **backend,
        **({f"{ROLE}_modules": list(modules)} if modules else {}),
        f"{ROLE}_daemons": {host: [dict(row) for row in rows] for host, rows in daemons.items()},
        f"{ROLE}_fsid": cluster,
        f"{ROLE}_conf": conf,
    }


def remove_variables(daemons: Daemons, cluster: str, purge: bool) -> Variables:
    """Return the variables that take daemons away; each has daemon_type and daemon_id."""
    rows = {host: [dict(row) for row in given] for host, given in daemons.items()}
    return {
        "daemon_remove_daemons": rows,
        "daemon_remove_fsid": cluster,
        "daemon_remove_purge": purge,
    }
