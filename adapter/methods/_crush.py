"""Where a host stands in CRUSH, as its spec says it."""

from __future__ import annotations

from typing import Mapping, Optional

from adapter.cluster.locations import bucket_of, place_of, words_of
from adapter.core import Core
from adapter.errors import InvalidValue

Location = Optional[Mapping[str, str]]


def check_location(core: Core, hostname: str, location: Location) -> None:
    """Raise ``InvalidValue`` for a location that cannot be one, or that nobody can be told.

    The monitors are asked for the buckets that there are, but not for what a host has already.
    """
    words = words_of(hostname, location)
    if words and (core.mon is None or not core.cluster):
        raise InvalidValue(
            "location",
            ", ".join(words),
            "there is no cluster here whose CRUSH map could have it",
            "Leave it out, or add the host by `ceph orch host add`.",
        )
    known = core.hosts.get(hostname).location if hostname in core.hosts else None
    if location and dict(location) != dict(known or {}):
        place_of(hostname, location, core.maps.crush_tree())


def put_host(core: Core, hostname: str, location: Location) -> None:
    """Make the host's bucket in CRUSH and have it where its spec says; without one do nothing.

    Done again it changes nothing. Raises ``OrchestratorError``.
    """
    if location:
        place = place_of(hostname, location, core.maps.crush_tree())
        core.maps.put_host(bucket_of(hostname), place)
