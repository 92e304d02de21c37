"""Keys are with the monitors and in their own files on the hosts that need them, nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest

from tests.lab_tests.lab_client import STATE, Lab
from tests.lab_tests.secret_places import Found, Watch, on_disks
from tests.lab_tests.services.every_verb import actions, all_services, devices, hosts
from tests.lab_tests.services.service_lab import Services

SSH_KEY = "the manager's ssh key"
# A monitor that is removed is moved there whole, and nobody else comes in.
REMOVED = "/var/lib/ceph/removed/mon-"
# ceph-volume gives it a new OSD's key so, and we have no part in it.
CEPHS_OWN = "/usr/bin/ceph-authtool /var/lib/ceph/osd/ceph-"
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


def is_own(place: Found, needed: Mapping[str, set[str]], monitors: Iterable[str]) -> bool:
    """Tell whether a file may have a secret: it is its own, nobody else's, on the right host."""
    if place.host in monitors and place.path.startswith("/var/lib/ceph/mon/"):
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


@pytest.fixture(scope="module")
def unrecorded(services: Services) -> Services:
    """Return the services of a cluster whose disks have no key in a wrong place to begin with."""
    lab = services.lab
    needed = homes(services)
    before = [place for place in on_disks(lab, lab.hosts(), keys(lab)) if not _kept(place, needed)]
    assert before == [], "left by what was there before"
    return services


def _kept(place: Found, needed: Mapping[str, set[str]]) -> bool:
    return is_own(place, needed, needed["mon."])


def test_no_key_is_anywhere_else(unrecorded: Services) -> None:
    """Seen to fail without ``hide_keys``: the keys are in ceph-volume's log."""
    services, lab = unrecorded, unrecorded.lab
    with Watch(lab) as watch:
        hosts(lab)
        devices(lab)
        with all_services(services):
            actions(services)
            known, needed = keys(lab), homes(services)
            stray = [
                place
                for place in on_disks(lab, lab.hosts(), known)
                if not is_own(place, needed, needed["mon."])
            ]
            assert stray == []
            told = "".join(lab.ok(*words) for words in SAID)
        shown = [text for seen in watch.seen().values() for text in seen.values()]
        assert [text for text in shown if not text.startswith(CEPHS_OWN)] == []
    assert [name for name, key in known.items() if key in told] == []
    dump = lab.ceph_json("config-key", "dump")
    assert [
        name for name, text in dump.items() if any(key in str(text) for key in known.values())
    ] == ["mgr/ansible/ssh_identity_key"]
    gone = {name: key for name, key in known.items() if name not in keys(lab)}
    assert len(gone) > 5, "no daemon was removed"
    left = [
        place
        for place in on_disks(lab, lab.hosts(), gone)
        if not place.path.startswith(("/var/lib/ceph/mon/", REMOVED))
    ]
    assert left == [], "keys of daemons that are gone"
    for host in lab.hosts():
        script = "test ! -e $1 || stat -c '%a %U' $1"
        assert lab.sh(host, script, REMOVED.rpartition("/")[0]).strip() in ("", "700 ceph")


# What an operator is shown.
SAID = (
    ("ansible", "job", "ls", "--all", "-f", "json"),
    ("config", "dump"),
    ("orch", "ls", "--export"),
    ("orch", "ps", "-f", "json"),
    ("health", "detail"),
    ("log", "last", "1000"),
    ("crash", "ls"),
)
