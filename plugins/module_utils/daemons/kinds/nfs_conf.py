"""What NFS-Ganesha reads of a gateway, as text. Pure functions."""

from __future__ import annotations

POOL = ".nfs"

_CONF = """\
# Made by ceph-orch-ansible. `ceph nfs cluster config set` adds to it.
NFS_CORE_PARAM {{
    Protocols = 4;
    NFS_Port = {port};
    Enable_NLM = false;
    Enable_RQUOTA = false;
    Enable_UDP = false;
    mount_path_pseudo = true;
    # Not every host lets a program say that the kernel must not wait for memory in its name.
    allow_set_io_flusher_fail = true;
}}

NFSv4 {{
    Delegations = false;
    RecoveryBackend = rados_cluster;
    Minor_Versions = 0, 1, 2;
    Server_Scope = "{cluster}-{namespace}";{idmap}
}}

RADOS_KV {{
    UserId = "nfs.{id}";
    nodeid = "{id}";
    pool = "{pool}";
    namespace = "{namespace}";
}}

RADOS_URLS {{
    UserId = "nfs.{id}";
    watch_url = "{url}";
}}

RGW {{
    cluster = "ceph";
    name = "client.nfs.{id}";
    # librgw would look for it elsewhere, and end the gateway with the first export of a bucket.
    init_args = "--keyring={keyring}";
}}

%url {url}
"""


def exports_of(namespace: str) -> str:
    """Return the name of the object that says which exports a service has."""
    return f"conf-nfs.{namespace}"


def ganesha_conf(
    daemon_id: str, cluster: str, port: int, namespace: str, keyring: str, idmap: str = ""
) -> str:
    """Return the configuration of a gateway.

    ``namespace`` is the service's id, ``keyring`` the file with the gateway's key, ``idmap`` that
    with what users of clients are called, if there is one.
    """
    return _CONF.format(
        id=daemon_id,
        cluster=cluster,
        port=port,
        pool=POOL,
        namespace=namespace,
        keyring=keyring,
        url=f"rados://{POOL}/{namespace}/{exports_of(namespace)}",
        idmap=f'\n    IdmapConf = "{idmap}";' if idmap else "",
    )
