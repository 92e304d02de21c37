"""The kinds of daemons that are deployed here: one file each, found by itself.

A file defines ``KIND``. To add a kind is to add its file; docs/architecture.md says what else.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Dict, Iterator, List

from adapter.interface import ServiceSpec
from adapter.kinds import _sources as sources
from adapter.kinds._absent import not_deployed
from adapter.kinds._containers import check_no_container, of_containers
from adapter.kinds._kind import (
    MANAGERS,
    NOTHING,
    QUORUM,
    RANKS,
    SERVING,
    Kind,
    Setting,
    check_fields_of,
)
from adapter.kinds._managers import is_followed
from adapter.kinds._osd import KIND as OSD
from adapter.kinds._view import ClusterView, ViewedDaemon, target


def _found() -> Iterator[Kind]:
    for _, name, _ in pkgutil.iter_modules(__path__):
        if not name.startswith("_"):
            kind: Kind = importlib.import_module(f"{__name__}.{name}").KIND
            yield kind


KINDS: Dict[str, Kind] = {kind.service_type: kind for kind in _found()}
# The same by the type of their daemons; and with those that go with others.
DAEMONS: Dict[str, Kind] = {kind.daemon_type: kind for kind in KINDS.values()}
COMPANIONS: Dict[str, Kind] = {name: kind for kind in KINDS.values() for name in kind.companions}
_ALL: Dict[str, Kind] = {**COMPANIONS, **DAEMONS, **KINDS, OSD.service_type: OSD}
_OTHER = Kind()


def kind_of(service_type: str) -> Kind:
    """Return a kind, also that of OSDs; of a type that is unknown here one that needs nothing."""
    return _ALL.get(service_type, _OTHER)


def daemon_type_of(spec: ServiceSpec) -> str:
    """Return the type of a service's daemons, as `ceph orch ps` has it."""
    return kind_of(spec.service_type).daemon_type or spec.service_type


def daemon_of_unit(unit: str) -> str:
    """Return the daemon (``mon.h1``) that a unit made here runs, empty for any other unit."""
    for kind in _ALL.values():
        before, found, _ = kind.unit.partition("{id}")
        if found and unit.startswith(before) and unit.endswith(".service"):
            return f"{kind.daemon_type}.{unit[len(before) : -len('.service')]}"
    return ""


def check_fields(spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a field of a spec that has no effect for packages here."""
    check_fields_of(KINDS[spec.service_type], spec)


def hands_over(service_type: str) -> bool:
    """Tell whether the active daemon of a kind lets another one take over before it goes."""
    return kind_of(service_type).guard == MANAGERS


def service_settings(spec: ServiceSpec) -> List[Setting]:
    """Return (section, option, value) that all daemons of a service need."""
    kind = KINDS[spec.service_type]
    section = kind.section_of(spec)
    given = [(section, str(name), str(value)) for name, value in (spec.config or {}).items()]
    return [*kind.settings(spec), *given]


__all__ = [
    "COMPANIONS",
    "DAEMONS",
    "KINDS",
    "MANAGERS",
    "NOTHING",
    "QUORUM",
    "RANKS",
    "SERVING",
    "ClusterView",
    "Kind",
    "Setting",
    "ViewedDaemon",
    "check_fields",
    "check_no_container",
    "daemon_of_unit",
    "daemon_type_of",
    "hands_over",
    "is_followed",
    "kind_of",
    "not_deployed",
    "of_containers",
    "service_settings",
    "sources",
    "target",
]
