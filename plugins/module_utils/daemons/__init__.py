"""Ceph's daemons of a host: list, deploy, watch and remove them."""

from __future__ import annotations
