"""The exporters of the daemons' counters."""

from __future__ import annotations

from typing import Any, ClassVar, List, Mapping, Tuple

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.interface.addresses import is_ip
from adapter.kinds._kind import Kind, Setting

_PORT = 9926
# The option of each field, which is set where it says something else than Ceph.
_OPTIONS = {
    "addrs": "exporter_addr",
    "port": "exporter_http_port",
    "prio_limit": "exporter_prio_limit",
    "stats_period": "exporter_stats_period",
}


class Exporters(Kind):
    """The exporter of Ceph's counters: one on each host."""

    service_type = "ceph-exporter"
    plural = "exporters of Ceph's counters"
    entity = "client.ceph-exporter.{id}"
    unit = "ceph-exporter"
    caps = (("mon", "profile ceph-exporter"), ("osd", "allow r"), ("mgr", "allow r"))
    section = "client.ceph-exporter"
    count = None
    named_by_host = True
    is_asked = True
    fields = frozenset(_OPTIONS)
    reads = frozenset(("common", "ceph-exporter"))
    field_of: ClassVar[Mapping[str, str]] = {option: name for name, option in _OPTIONS.items()}

    def check(self, spec: Any) -> None:
        """Raise ``InvalidValue`` for what an exporter would not start with."""
        if spec.addrs and not is_ip(spec.addrs):
            raise InvalidValue(
                "addrs",
                spec.addrs,
                "it is not an IP address",
                "Give one address, e.g. 10.0.0.5; or :: for all.",
            )
        for name in ("prio_limit", "stats_period"):
            least = 1 if name == "stats_period" else 0
            value = getattr(spec, name)
            if value is not None and value < least:
                raise InvalidValue(
                    name, value, f"it is less than {least}", f"Give {least} or more."
                )

    def settings(self, spec: ServiceSpec) -> List[Setting]:
        """Return what the fields say."""
        resting: Any = ServiceSpec.from_json({"service_type": self.service_type})
        return [
            (self.section_of(spec), option, str(getattr(spec, name)))
            for name, option in _OPTIONS.items()
            if getattr(spec, name, None) not in (None, "", getattr(resting, name))
        ]

    def ports(self, spec: ServiceSpec, count: int) -> Tuple[int, ...]:
        """Return the one port that it listens on."""
        return (int(getattr(spec, "port", None) or _PORT),)


KIND = Exporters()
