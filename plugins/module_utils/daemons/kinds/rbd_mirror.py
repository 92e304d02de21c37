"""Mirrors of block device images."""

from __future__ import annotations

from .base import Kind


class RbdMirror(Kind):
    """A mirror of images."""

    name = "rbd-mirror"
    unit = "ceph-rbd-mirror@rbd-mirror.{id}.service"
    entity = "client.rbd-mirror.{id}"
    is_counted_on = True
    program = "rbd-mirror"
    keyring = "etc/ceph/ceph.client.rbd-mirror.{id}.keyring"


KIND = RbdMirror()
