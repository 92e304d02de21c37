"""Where the keys of a cluster belong: with the monitors, and in their own files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tests.lab_tests.lab_client import STATE, Lab
from tests.lab_tests.secret_places import Found
from tests.lab_tests.services.service_lab import Services

SSH_KEY = "the manager's ssh key"
# A monitor that is removed is moved there whole, and nobody else comes in.
REMOVED = "/var/lib/ceph/removed/mon-"
MONITORS = "/var/lib/ceph/mon/"
ADMIN_KEYRING = "/etc/ceph/ceph.client.admin.keyring"
# Where a daemon looks for its key, by its user; others have theirs in /etc/ceph.
OWN = {
    re.escape(SSH_KEY): "{state}/identity",
    r"client\.bootstrap-(.+)": "/var/lib/ceph/bootstrap-{0}/ceph.keyring",
    r"client\.(rgw\..+)": "/var/lib/ceph/radosgw/ceph-{0}/keyring",
    r"(mgr|mds|osd)\.(.+)": "/var/lib/ceph/{0}/ceph-{1}/keyring",
}
# Kinds of daemons whose users are called otherwise than the daemon.
CLIENTS = ("rgw", "rbd-mirror", "cephfs-mirror", "crash")


def keys(lab: Lab) -> dict[str, str]:
    """Return the keys of all users of the cluster, and a line of the ssh key."""
    rows = lab.ceph_json("auth", "ls")["auth_dump"]
    private = lab.sh(lab.first, f"cat {STATE}/identity").splitlines()
    mon = lab.sh(lab.first, "cat /var/lib/ceph/mon/*/keyring").partition("key = ")[2].split()[0]
    return {**{row["entity"]: row["key"] for row in rows}, "mon.": mon, SSH_KEY: private[2]}


def homes(services: Services) -> dict[str, set[str]]:
    """Return by user the hosts that need its key."""
    lab = services.lab
    found: dict[str, set[str]] = {"mon.": set(), "client.admin": set(lab.hosts())}
    for row in services.ps():
        kind, identity, host = row["daemon_type"], row["daemon_id"], row["hostname"]
        user = f"client.{kind}.{identity}" if kind in CLIENTS else f"{kind}.{identity}"
        found.setdefault("mon." if kind == "mon" else user, set()).add(host)
        if kind == "osd":
            found.setdefault("client.bootstrap-osd", set()).add(host)
        if kind == "mgr":
            found.setdefault(SSH_KEY, set()).add(host)
    return found


def strays(places: Iterable[Found], needed: Mapping[str, set[str]]) -> list[Found]:
    """Return the places that no secret belongs in; ``needed`` is as ``homes`` gives it."""
    return [place for place in places if not _is_own(place, needed)]


def _is_own(place: Found, needed: Mapping[str, set[str]]) -> bool:
    """Tell whether a file may have a secret: it is its own, nobody else's, on the right host."""
    if place.host in needed["mon."] and place.path.startswith(MONITORS):
        return True
    if place.path.startswith(REMOVED):
        return True
    if place.whose == "client.admin":
        return place.path == ADMIN_KEYRING and place.mode == "600"
    private = place.mode == "600" and place.owner == "ceph"
    return private and place.host in needed.get(place.whose, ()) and _is_named(place)


def _is_named(place: Found) -> bool:
    """Tell whether a file has the name under which its daemon looks for its key."""
    for user, path in OWN.items():
        found = re.fullmatch(user, place.whose)
        if found:
            return place.path == path.format(*found.groups(), state=STATE)
    return place.path == f"/etc/ceph/ceph.{place.whose}.keyring"
