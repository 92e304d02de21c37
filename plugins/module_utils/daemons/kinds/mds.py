"""Metadata servers of file systems."""

from __future__ import annotations

from typing import Any, FrozenSet, Mapping

from .base import Kind


class MetadataServer(Kind):
    """A metadata server."""

    name = "mds"
    unit = "ceph-mds@{id}.service"
    entity = "mds.{id}"
    program = "ceph-mds"
    stops = 1
    data = "lib/ceph/mds/ceph-{id}"
    socket = "ceph-mds.{id}.asok"
    tells_version = True
    is_counted_on = True
    question = "status"
    lack = "it runs, but the monitors have not taken it up"

    def is_at_work(self, answer: Mapping[str, Any], others: FrozenSet[str] = frozenset()) -> bool:
        """Tell whether the monitors have taken it up."""
        del others
        state = str(answer.get("state", ""))
        return state.startswith("up:") and state != "up:boot"


KIND = MetadataServer()
