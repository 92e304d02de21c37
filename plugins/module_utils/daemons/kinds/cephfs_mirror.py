"""Mirrors of file systems."""

from __future__ import annotations

from .base import Kind


class CephfsMirror(Kind):
    """A mirror of file systems."""

    name = "cephfs-mirror"
    unit = "cephfs-mirror@cephfs-mirror.{id}.service"
    entity = "client.cephfs-mirror.{id}"
    is_counted_on = True
    program = "cephfs-mirror"
    keyring = "etc/ceph/ceph.client.cephfs-mirror.{id}.keyring"


KIND = CephfsMirror()
