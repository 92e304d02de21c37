"""The variables of the roles that deploy daemons: the same for each kind."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables

# Installing a package on a slow mirror takes minutes.
TIMEOUT = 900.0


def deploy_variables(
    role: str, daemons: Mapping[str, Sequence[Mapping[str, Any]]], cluster: str, conf: str
) -> Variables:
    """Return the variables of a role that deploys ``daemons`` (by host) of the cluster."""
    return {
        "cluster_access_fsid": cluster,
        "cluster_access_conf": conf,
        f"{role}_daemons": {host: list(rows) for host, rows in daemons.items()},
        f"{role}_cluster": cluster,
    }
