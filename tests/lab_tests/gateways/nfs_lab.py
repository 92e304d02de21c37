"""The lab with a file system and a bucket for NFS clusters, and a client with libnfs."""

from __future__ import annotations

import json
from typing import Any

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services, with_osds

USER = ("--uid=nfs", "--display-name=nfs", "--access-key=AKN", "--secret-key=SKN")
# What may be left on a host; the packages and their own files stay.
LEFT = """
find /etc/ceph-orch-ansible /etc/systemd/system /run /etc/ceph /var/lib/ceph \\
  -name '*ceph-orch-nfs*' -o -path '/etc/ceph-orch-ansible*' -o -name '*client.nfs*' \\
  2>/dev/null || true
systemctl list-units 'ceph-orch-nfs@*' --all --no-legend
systemctl is-enabled nfs-ganesha rpcbind.socket 2>/dev/null || true
"""
CLIENT = "h3"


def prepare(cluster: Lab) -> Services:
    """Return the services of a lab whose metadata server and object gateway are on h1."""
    with_osds(cluster)
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    clear(found)
    if "cfs" not in cluster.ok("fs", "ls"):
        cluster.ok("fs", "volume", "create", "cfs", "--placement=1 h1")
    cluster.ok("orch", "apply", "rgw", "web", "--placement=h1", "--port=7480")
    for host in ("h1", CLIENT):
        get = "apt-get -qq update && apt-get -qq -y install libnfs-utils >/dev/null"
        cluster.sh(host, f"which nfs-cp >/dev/null || {{ {get}; }}")
    found.wait_runs("rgw.web", 1)
    found.wait_runs("mds.cfs", 1)
    cluster.sh(cluster.first, f"radosgw-admin user create {' '.join(USER)} >/dev/null 2>&1 || true")
    s3(cluster, "-X PUT", "bkt")
    # The pool of objects is made with the first one, which a gateway for NFS may not do.
    cluster.sh(CLIENT, "printf hello >/tmp/hello")
    s3(cluster, "-T /tmp/hello", "bkt/by-s3")
    return found


def clear(services: Services) -> None:
    """Remove all NFS clusters."""
    for name in [each for each in services.ls() if each.startswith("nfs.")]:
        services.lab.ok("nfs", "cluster", "rm", name.partition(".")[2])
        wait_until(f"{name} is gone", lambda name=name: name not in services.ls(), SECONDS)


def s3(lab: Lab, words: str, place: str) -> str:
    """Ask the object gateway of h1."""
    ask = "curl -sf --connect-timeout 2 --max-time 20 --aws-sigv4 aws:amz:default:s3 -u AKN:SKN"
    return lab.sh(CLIENT, f"{ask} {words} http://{lab.machines['h1'].addr}:7480/{place}")


def objects(lab: Lab, name: str) -> list[str]:
    """Return what the pool has of a cluster."""
    return lab.sh(lab.first, f"rados -p .nfs -N {name} ls").split()


def info(lab: Lab, name: str) -> dict[str, Any]:
    """Return what `ceph nfs cluster info` says of a cluster."""
    found: dict[str, Any] = json.loads(lab.ok("nfs", "cluster", "info", name))[name]
    return found


def keys(services: Services) -> list[str]:
    """Return the names of the keys that are left of NFS clusters."""
    return [name for name in services.auth_names() if "nfs" in name]
