"""What must hold after daily work: the services that are wanted, where, and with which settings.

Pure: from a seed it draws what is done next, and says what is to be seen when it is quiet.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

LABELS = ("gold", "blue")
PORTS = range(8100, 8190, 10)
# What may be set per kind, with values that Ceph takes: the first two a running daemon follows.
OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "mds": {
        "mds_cache_memory_limit": ("2147483648", "4294967296"),
        "mds_log_max_segments": ("150", "200"),
    },
    "rgw": {
        "rgw_thread_pool_size": ("64", "128", "256"),
        "rgw_enable_usage_log": ("true", "false"),
    },
    "rbd-mirror": {"rbd_mirror_concurrent_image_syncs": ("4", "6")},
}
NAMED = ("mds", "rgw")
MOST_SERVICES = 6


@dataclass(frozen=True)
class Placement:
    """Where a service is: on ``hosts``, on those with a ``label``, or ``count`` of them."""

    hosts: tuple[str, ...] = ()
    label: str = ""
    count: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as a spec has it."""
        if self.label:
            return {"label": self.label}
        return {"hosts": list(self.hosts)} if self.hosts else {"count": self.count}


@dataclass(frozen=True)
class Service:
    """A service as it was applied last. ``old`` are options that it had once."""

    kind: str
    service_id: str
    placement: Placement
    port: int = 0
    config: tuple[tuple[str, str], ...] = ()
    old: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return its name."""
        return f"{self.kind}.{self.service_id}" if self.service_id else self.kind

    def to_json(self) -> dict[str, Any]:
        """Return its spec."""
        spec: dict[str, Any] = {"service_type": self.kind, "placement": self.placement.to_json()}
        if self.service_id:
            spec["service_id"] = self.service_id
        if self.port:
            spec["spec"] = {"rgw_frontend_port": self.port}
        if self.config:
            spec["config"] = dict(self.config)
        return spec


@dataclass(frozen=True)
class Act:
    """Something that somebody does, or that happens. ``what`` is a service, host or label."""

    kind: str
    what: str = ""
    value: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.what, self.value)))


@dataclass
class Model:
    """The cluster as it is wanted. ``hosts`` are all, ``labels`` by host."""

    hosts: tuple[str, ...]
    services: dict[str, Service] = field(default_factory=dict)
    labels: dict[str, frozenset[str]] = field(default_factory=dict)

    def wanted(self, service: Service) -> tuple[str, ...] | int:
        """Return the hosts of a service, or how many daemons it has where it chooses them."""
        placement = service.placement
        if placement.label:
            return tuple(h for h in self.hosts if placement.label in self.labels.get(h, ()))
        if placement.hosts:
            return tuple(sorted(placement.hosts))
        return placement.count

    # What comes next.

    def draw(self, chance: random.Random) -> Act:
        """Return something that can be done now, and take it over as done."""
        kinds = [kind for kind, often in _OFTEN.items() for _ in range(often)]
        while True:
            act = getattr(self, f"_{chance.choice(kinds).replace('-', '_')}")(chance)
            if act is not None:
                return act  # type: ignore[no-any-return]

    def _some(self, chance: random.Random, *kinds: str) -> Service | None:
        """Return a service that is somewhere: one that no host matches cannot be applied."""
        found = [
            each
            for each in self.services.values()
            if (not kinds or each.kind in kinds) and self.wanted(each)
        ]
        return chance.choice(found) if found else None

    def _put(self, service: Service, act: str) -> Act:
        self.services[service.name] = service
        return Act(act, service.name)

    def _placement(self, chance: random.Random) -> Placement:
        draw = chance.random()
        if draw < 0.3:
            label = chance.choice(LABELS)
            if any(label in each for each in self.labels.values()):
                return Placement(label=label)
        if draw < 0.6:
            return Placement(count=chance.choice((1, 2, 3)))
        number = chance.choice((1, 2, 3))
        return Placement(hosts=tuple(sorted(chance.sample(self.hosts, number))))

    def _free_port(self, chance: random.Random) -> int:
        used = {each.port for each in self.services.values()}
        return chance.choice([port for port in PORTS if port not in used])

    def _apply(self, chance: random.Random) -> Act | None:
        if len(self.services) >= MOST_SERVICES:
            return None
        kind = chance.choice(("mds", "mds", "rgw", "rgw", "rbd-mirror", "crash"))
        service_id = chance.choice("abc") if kind in NAMED else ""
        service = Service(kind, service_id, self._placement(chance))
        if service.name in self.services:
            return None
        if kind == "rgw":
            service = replace(service, port=self._free_port(chance))
        return self._put(service, "apply")

    def _scale(self, chance: random.Random) -> Act | None:
        service = self._some(chance)
        if service is None:
            return None
        return self._put(replace(service, placement=self._placement(chance)), "apply")

    def _port(self, chance: random.Random) -> Act | None:
        service = self._some(chance, "rgw")
        if service is None:
            return None
        return self._put(replace(service, port=self._free_port(chance)), "apply")

    def _config(self, chance: random.Random) -> Act | None:
        service = self._some(chance, *OPTIONS)
        if service is None:
            return None
        option = chance.choice(sorted(OPTIONS[service.kind]))
        config = dict(service.config)
        if option in config and chance.random() < 0.4:
            del config[option]
        else:
            config[option] = chance.choice(OPTIONS[service.kind][option])
        old = (service.old | {name for name, _ in service.config}) - set(config)
        changed = replace(service, config=tuple(sorted(config.items())), old=frozenset(old))
        return self._put(changed, "apply")

    def _again(self, chance: random.Random) -> Act | None:
        service = self._some(chance)
        return None if service is None else Act("apply", service.name)

    def _remove(self, chance: random.Random) -> Act | None:
        service = self._some(chance)
        if service is None or len(self.services) < 2:
            return None
        del self.services[service.name]
        return Act("remove", service.name)

    def _rename(self, chance: random.Random) -> Act | None:
        service = self._some(chance, *NAMED)
        if service is None:
            return None
        other = replace(service, service_id=chance.choice("abc"))
        if other.name in self.services:
            return None
        if other.port:
            other = replace(other, port=self._free_port(chance))
        del self.services[service.name]
        self.services[other.name] = replace(other, old=frozenset())
        return Act("rename", service.name, other.name)

    def _label(self, chance: random.Random) -> Act:
        host, label = chance.choice(self.hosts), chance.choice(LABELS)
        has = self.labels.get(host, frozenset())
        if label in has and chance.random() < 0.5:
            self.labels[host] = has - {label}
            return Act("label-rm", host, label)
        self.labels[host] = has | {label}
        return Act("label-add", host, label)

    def _act(self, chance: random.Random, kind: str) -> Act | None:
        service = self._some(chance)
        return None if service is None else Act(kind, service.name)

    def _restart(self, chance: random.Random) -> Act | None:
        return self._act(chance, "restart")

    def _redeploy(self, chance: random.Random) -> Act | None:
        return self._act(chance, "redeploy")

    def _stop_by_hand(self, chance: random.Random) -> Act | None:
        return self._act(chance, "stop-by-hand")

    def _stop_and_redeploy(self, chance: random.Random) -> Act | None:
        return self._act(chance, "stop-and-redeploy")

    def _kill(self, chance: random.Random) -> Act | None:
        return self._act(chance, "kill")

    def _edit(self, chance: random.Random) -> Act | None:
        """Somebody changes a value that a spec names; it is the spec's again."""
        service = self._some(chance, *OPTIONS)
        if service is None or not service.config:
            return None
        option = chance.choice([name for name, _ in service.config])
        return Act("edit", service.name, option)

    def _mgr_fail(self, chance: random.Random) -> Act:
        return Act("mgr-fail")

    def _kill_manager(self, chance: random.Random) -> Act:
        return Act("kill-manager")


# How often each is chosen.
_OFTEN = {
    "apply": 6,
    "scale": 4,
    "port": 3,
    "config": 4,
    "again": 1,
    "remove": 2,
    "rename": 1,
    "label": 4,
    "restart": 2,
    "redeploy": 1,
    "stop-by-hand": 2,
    "stop-and-redeploy": 2,
    "kill": 2,
    "edit": 2,
    "mgr-fail": 1,
    "kill-manager": 1,
}
