"""Alertmanager: each host has one at most. Its silences stay when it is removed."""

from __future__ import annotations

import json
import re
from typing import List, Tuple

from ..shapes import WantedShape
from .program import Program
from .program_parts import OwnFile, listen_address

_CONFIG, _PEERS = "alertmanager.yml", "peers.json"
# The port at which several of them talk to each other.
_CLUSTER_PORT = 9094
_PLACE = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")


class Alertmanager(Program):
    """An Alertmanager."""

    name = "alertmanager"
    unit = "prometheus-alertmanager.service"
    program = "prometheus-alertmanager"
    path = "/-/ready"
    user = "prometheus"
    store = "lib/prometheus/ceph-orch-alertmanager"
    files = (
        OwnFile(_CONFIG, ("amtool", "check-config")),
        # Its command is made of it.
        OwnFile(_PEERS, reload=False),
    )

    def objection(self, wanted: WantedShape) -> str:
        """Return what speaks against its peers: words of its command are made of them."""
        return read_peers(wanted)[2]

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]:
        """Return the command. One alone listens for no others."""
        own, peers, _ = read_peers(wanted)
        argv = [
            "/usr/bin/prometheus-alertmanager",
            f"--config.file={folder}/{_CONFIG}",
            f"--storage.path={store}",
            f"--web.listen-address={listen_address(wanted)}",
        ]
        if not peers:
            return [*argv, "--cluster.listen-address="]
        all_addresses = "[::]" if own.startswith("[") else "0.0.0.0"  # noqa: S104
        own = f"[{wanted.addr}]" if ":" in wanted.addr else wanted.addr or own
        at = own if wanted.addr else all_addresses
        advertised = [f"--cluster.advertise-address={own}:{_CLUSTER_PORT}"] if own else []
        return [
            *argv,
            f"--cluster.listen-address={at}:{_CLUSTER_PORT}",
            *advertised,
            *(f"--cluster.peer={each}:{_CLUSTER_PORT}" for each in peers),
        ]


def read_peers(wanted: WantedShape) -> Tuple[str, List[str], str]:
    """Return its own address, those of its peers, and what is wrong with the file of both.

    The file is ``{"own": ADDRESS, "peers": [ADDRESS, ...]}``; IPv6 addresses are in brackets.
    """
    text = wanted.files.get(_PEERS)
    if text is None:
        return "", [], ""
    try:
        found = json.loads(text)
        own, peers = found["own"], found["peers"]
    except (ValueError, LookupError, TypeError):
        return "", [], f"{_PEERS} is not a mapping of own and peers"
    if not isinstance(peers, list):
        return "", [], f"{_PEERS}: its peers are no list"
    for each in [*([own] if own != "" else []), *peers]:
        if not isinstance(each, str) or not _PLACE.fullmatch(each):
            return "", [], f"{_PEERS}: it has {str(each)[:60]!r}, which is no address"
    return own, peers, ""


KIND = Alertmanager()
