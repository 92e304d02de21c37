"""Before OSDs stop: those that keep the other copies are asked whether they answer.

The monitors tell what may stop from a map that has an OSD up for some 20 s after its host has lost
its power. Whoever stops another one in that time takes the last copy that serves.
"""

from __future__ import annotations

from typing import Collection, Mapping

from adapter.cluster.maps import Maps
from adapter.cluster.osd_map import Osd
from adapter.errors import AdapterError, some_of

SHOWN = 8


def check_peers(maps: Maps, ids: Collection[int], known: Mapping[int, Osd]) -> None:
    """Raise if an OSD that has placement groups together with these does not answer.

    Those that are to stop are asked too: where none of them answers either, it may well be that
    nobody here reaches OSDs (a firewall, another network), and nothing follows from silence.
    """
    stopping = [known[each] for each in ids if each in known and known[each].up]
    peers = [known[each] for each in maps.peers(ids) if each in known and known[each].up]
    if not stopping or not peers:
        return
    silent = maps.silent([*stopping, *peers])
    lost = sorted(osd.osd_id for osd in peers if osd.osd_id in silent)
    if not lost or all(osd.osd_id in silent for osd in stopping):
        return
    names = some_of((_describe(known[each]) for each in lost), SHOWN)
    some = len(lost) > 1
    raise AdapterError(
        f"{names} {'hold copies' if some else 'holds copies'} of the same data and "
        f"{'do' if some else 'does'} not answer, though the map still shows "
        f"{'them' if some else 'it'} up."
    )


def _describe(osd: Osd) -> str:
    host = f" on host {osd.host}" if osd.host else ""
    return f"osd.{osd.osd_id}{host} ({osd.address[0]}:{osd.address[1]})"
