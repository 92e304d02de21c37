"""Ceph's own options, as the monitors describe them, and the ``config`` of specs held against it.

What was answered is kept: an option changes with the version of the monitors alone.
"""

from __future__ import annotations

import errno
import threading
from functools import partial
from typing import Dict, List, Optional

from adapter.cluster.ceph_options import Option, check_value
from adapter.cluster.maps import Maps
from adapter.cluster.parallel import run_parallel
from adapter.errors import AdapterError, InvalidValue, NotReady
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.kinds import kind_of


class OptionTable:
    """The options that were asked for. May be used by several threads."""

    def __init__(self, maps: Maps) -> None:
        self._maps = maps
        self._known: Dict[str, Option] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Option:
        """Return an option; raises ``InvalidValue`` where Ceph has none of that name."""
        with self._lock:
            known = self._known.get(name)
        if known is None:
            try:
                known = self._maps.option(name)
            except OrchestratorError as error:
                if abs(error.errno) != errno.ENOENT:
                    raise
                raise InvalidValue(
                    "config",
                    name,
                    "Ceph has no option of this name",
                    "`ceph config ls` lists the options.",
                ) from None
            with self._lock:
                self._known[name] = known
        return known

    def needs_restart(self, name: str) -> bool:
        """Tell whether a daemon takes over another value of an option only when it starts."""
        try:
            return self.get(name).needs_restart
        except InvalidValue:
            return False

    def same(self, name: str, one: str, other: str) -> bool:
        """Tell whether two values of an option mean the same."""
        try:
            return one == other or self.get(name).same(one, other)
        except InvalidValue:
            return False

    def is_odd(self, name: str) -> bool:
        """Tell whether the monitors write values of an option in a way that only they know."""
        try:
            return self.get(name).type in ("addr", "addrvec")
        except InvalidValue:
            return False

    def plain(self, name: str, value: str) -> str:
        """Return a value in one way of writing it, so that the same is told from another."""
        try:
            return str(self.get(name).parse(value))
        except (InvalidValue, ValueError):
            return value

    def check(self, spec: ServiceSpec) -> None:
        """Raise for a value under ``config`` that the monitors would refuse.

        ``InvalidValue`` names option, value and what is allowed; where several are wrong,
        ``AdapterError`` has them all. ``NotReady`` is where the monitors do not answer: nothing is
        accepted unseen.
        """
        names: List[str] = sorted(map(str, spec.config or {}))
        try:
            found = run_parallel([partial(self._problem, spec, name) for name in names])
        except OrchestratorError as error:
            raise NotReady(
                f"The config of {spec.service_name()} cannot be checked: {error}",
                "The spec is not saved; try again when the monitors answer.",
            ) from error
        problems = [problem for problem in found if problem is not None]
        if len(problems) > 1:
            raise AdapterError(" ".join(map(str, problems)))
        if problems:
            raise problems[0]

    def _problem(self, spec: ServiceSpec, name: str) -> Optional[InvalidValue]:
        """Return what is wrong with an option of a spec, or None."""
        value = (spec.config or {})[name]
        field = kind_of(spec.service_type).made_of_fields(spec).get(name)
        if field:
            reason = f"it follows from {field} of the spec"
            return InvalidValue(
                f"config {name}", value, reason, f"Set {field}, and leave this out."
            )
        try:
            check_value(self.get(name), value, spec.service_type)
        except InvalidValue as error:
            return error
        return None
