"""What other modules keep for daemons that files are made of: shares, users, keys."""

from __future__ import annotations

import logging
from typing import Dict, Iterable, Mapping, Tuple

from adapter.cluster.maps import Maps
from adapter.interface import OrchestratorError
from adapter.kinds import sources

log = logging.getLogger(__name__)


class SourceTexts:
    """The texts at the places that services name, as they were read last.

    ``serial`` counts their changes. What cannot be read now stays as it was: a cluster that does
    not answer has not said that nobody may come any more.
    """

    def __init__(self, maps: Maps) -> None:
        self._maps = maps
        self._texts: Mapping[str, str] = {}
        self._said: Dict[str, str] = {}
        self.serial = 0

    @property
    def texts(self) -> Mapping[str, str]:
        """Return the texts by place; there are passwords in them. It is not to be changed."""
        return self._texts

    def follow(self, places: Iterable[str]) -> None:
        """Read these places; others are forgotten."""
        found: Dict[str, str] = {}
        for place in dict.fromkeys(places):
            try:
                found[place] = text_at(self._maps, place)
                self._said.pop(place, None)
            except OrchestratorError as error:
                if place in self._texts:
                    found[place] = self._texts[place]
                if self._said.get(place) != str(error):
                    self._said[place] = str(error)
                    log.warning("%s cannot be read: %s", place, error)
        if found != self._texts:
            self._texts = found
            self.serial += 1


def text_at(maps: Maps, place: str) -> str:
    """Return what is kept at a place; raises ``OrchestratorError``."""
    if place == sources.CONF:
        return maps.minimal_conf()
    if place.startswith(sources.KEY):
        return maps.keyring(place[len(sources.KEY) :])
    if place.startswith(sources.CONFIG_KEY):
        return maps.secret(place[len(sources.CONFIG_KEY) :])
    return maps.object_text(*_object(place))


def _object(place: str) -> Tuple[str, str, str]:
    """Return pool, namespace and name of an object."""
    pool, _, rest = place[len(sources.OBJECT) :].partition("/")
    namespace, _, name = rest.partition("/")
    return pool, namespace, name
