"""Name what belongs to a daemon of each kind: unit, key, directory, as Ceph's packages have it."""

from __future__ import annotations

import os
import re

from ..system.reading import clean
from .hand_made import unit_by_hand

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_ID_LIMIT = 120


class DaemonRefused(Exception):
    """Say why a daemon is not touched, and what to do about it."""


class Kind:
    """A kind of daemon. In all texts ``{id}`` stands for the daemon's id.

    ``unit`` and ``entity`` are the unit's and the key's name, ``data`` the data directory below
    /var (empty where there is none), ``keyring`` the keyring below /var or /etc, ``program`` what
    the unit runs, ``target`` the target that starts it with the host, ``socket`` the name of its
    administration socket, ``ports`` what it listens on whatever its configuration says.
    """

    def __init__(self, name, unit, entity, program, **places):
        self.name = name
        self.unit = unit + ".service"
        self.entity = entity
        self.program = program
        self.target = places.get("target", "")
        self.data = places.get("data", "")
        self.keyring = places.get("keyring", "var/" + self.data + "/keyring")
        self.socket = places.get("socket", "")
        self.ports = places.get("ports", ())


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "mon",
            "ceph-mon@{id}",
            "mon.",
            "ceph-mon",
            data="lib/ceph/mon/ceph-{id}",
            socket="ceph-mon.{id}.asok",
            ports=(3300, 6789),
        ),
        Kind(
            "mgr",
            "ceph-mgr@{id}",
            "mgr.{id}",
            "ceph-mgr",
            data="lib/ceph/mgr/ceph-{id}",
            socket="ceph-mgr.{id}.asok",
        ),
        Kind(
            "mds",
            "ceph-mds@{id}",
            "mds.{id}",
            "ceph-mds",
            data="lib/ceph/mds/ceph-{id}",
            socket="ceph-mds.{id}.asok",
        ),
        Kind(
            "rgw",
            "ceph-radosgw@rgw.{id}",
            "client.rgw.{id}",
            "radosgw",
            data="lib/ceph/radosgw/ceph-rgw.{id}",
            # `systemctl enable` fails: the unit asks for an alias that an instance cannot have.
            target="ceph-radosgw.target",
        ),
        Kind(
            "rbd-mirror",
            "ceph-rbd-mirror@rbd-mirror.{id}",
            "client.rbd-mirror.{id}",
            "rbd-mirror",
            keyring="etc/ceph/ceph.client.rbd-mirror.{id}.keyring",
        ),
        Kind(
            "cephfs-mirror",
            "cephfs-mirror@cephfs-mirror.{id}",
            "client.cephfs-mirror.{id}",
            "cephfs-mirror",
            keyring="etc/ceph/ceph.client.cephfs-mirror.{id}.keyring",
        ),
        Kind(
            "crash",
            "ceph-crash",
            "client.crash.{id}",
            "ceph-crash",
            keyring="etc/ceph/ceph.client.crash.{id}.keyring",
        ),
        Kind(
            "ceph-exporter",
            "ceph-exporter",
            "client.ceph-exporter.{id}",
            "ceph-exporter",
            keyring="etc/ceph/ceph.client.ceph-exporter.{id}.keyring",
        ),
    )
}


class Daemon:
    """One daemon of a host, with the places of what it needs.

    ``unit`` is the unit that it runs as; empty is the one that daemons have which are made here.
    """

    def __init__(self, roots, daemon_type, daemon_id, unit=""):
        self.kind = KINDS[daemon_type]
        if len(daemon_id) > _ID_LIMIT or not _ID.fullmatch(daemon_id):
            raise DaemonRefused(
                f"Invalid daemon_id {clean(daemon_id)!r} of a {daemon_type}. Use letters, digits, "
                f"'-' and '_' in parts divided by dots, at most {_ID_LIMIT} characters."
            )
        self.daemon_id = daemon_id
        self.name = f"{daemon_type}.{daemon_id}"
        own = self.kind.unit.format(id=daemon_id)
        self.unit = unit or own
        self.is_by_hand = self.unit != own
        if self.is_by_hand and self.unit != unit_by_hand(self.kind, daemon_id):
            raise DaemonRefused(
                f"Invalid unit {clean(unit)!r} of {self.name}: it is none that a {daemon_type} of "
                f"this id has. Leave it out, or give {own}."
            )
        self.entity = self.kind.entity.format(id=daemon_id)
        below = {"var": roots.var, "etc": roots.etc}
        top, _, rest = self.kind.keyring.format(id=daemon_id).partition("/")
        self.keyring_path = os.path.join(below[top], rest)
        data = self.kind.data.format(id=daemon_id)
        self.data_path = os.path.join(roots.var, data) if data else ""
        socket = self.kind.socket.format(id=daemon_id)
        self.socket_path = os.path.join(roots.ceph_run, socket) if socket else ""
