"""Daemons made by hand on the lab, with the commands of Ceph's manual deployment."""

from __future__ import annotations

from tests.lab_tests.lab_client import Lab

PLACES = {
    "mds": ("mds.{id}", "/var/lib/ceph/mds/ceph-{id}", "ceph-mds@{id}"),
    "rgw": ("client.rgw.{id}", "/var/lib/ceph/radosgw/ceph-rgw.{id}", "ceph-radosgw@rgw.{id}"),
}
TARGETS = {"mds": "ceph-mds.target", "rgw": "ceph-radosgw.target"}
CAPS = {
    "mds": "mon 'profile mds' mgr 'profile mds' osd 'allow rw tag cephfs *=*' mds allow",
    "rgw": "mon 'allow rw' osd 'allow rwx'",
}
MAKE = """
umask 077; mkdir -p "$1"; cat >"$1/keyring"; chown -R ceph:ceph "$1"; chmod 755 "$1"
test -e /etc/ceph/ceph.conf || { echo "$3" >/etc/ceph/ceph.conf; chmod 644 /etc/ceph/ceph.conf; }
systemctl add-wants -q "$4" "$2"; systemctl start "$2"
"""
REMOVE = 'systemctl disable -q --now "$2"; systemctl reset-failed "$2" || true; rm -rf "$1"'


def make(lab: Lab, host: str, kind: str, identity: str) -> None:
    """Make a daemon on a host and start it."""
    entity, directory, unit = (text.format(id=identity) for text in PLACES[kind])
    key = lab.sh(lab.first, f"ceph auth get-or-create {entity} {CAPS[kind]}")
    conf = lab.sh(lab.first, "ceph config generate-minimal-conf")
    lab.sh(host, MAKE, directory, unit, conf, TARGETS[kind], stdin=key)


def remove(lab: Lab, host: str, kind: str, identity: str) -> None:
    """Take such a daemon away again."""
    entity, directory, unit = (text.format(id=identity) for text in PLACES[kind])
    lab.ssh(host, "sh", "-c", REMOVE, "sh", directory, unit)
    lab.ok("auth", "rm", entity)
