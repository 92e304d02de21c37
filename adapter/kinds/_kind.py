"""What the adapter knows of a kind of daemon: facts that are read, and hooks that are called.

One file of this package describes one kind; nothing outside names a kind to find out about it.
What hosts know of it (unit, paths, packages) stands with the modules that run there.
"""

from __future__ import annotations

from typing import (
    Any,
    ClassVar,
    Collection,
    Dict,
    FrozenSet,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from adapter.errors import InvalidValue
from adapter.interface import PlacementSpec, ServiceSpec
from adapter.kinds._containers import check_no_container
from adapter.kinds._view import ClusterView, ViewedDaemon
from adapter.names import NEW_ID

# (section, option, value) in the monitors' configuration.
Setting = Tuple[str, str, str]
Caps = Tuple[Tuple[str, str], ...]

# What is asked before a daemon is stopped or removed: nothing, or whether a quorum, a manager or
# a metadata server of each rank is left, or whether another one serves.
NOTHING, QUORUM, MANAGERS, RANKS, SERVING = "nothing", "quorum", "managers", "ranks", "serving"
# What every spec may say. ``count`` is an older way to write a placement.
_COMMON = frozenset(
    ("service_type", "service_id", "placement", "unmanaged", "preview_only", "config", "count")
)


class Kind:
    """A kind of daemon. The values here are those of a kind that needs nothing.

    ``entity`` is the name of its key, with ``{id}``, and its own section in the monitors'
    configuration; ``caps`` are what the key may do; ``section`` is that of the whole service, both
    with ``{service_id}``. ``plural`` names its daemons in a sentence.
    """

    service_type: str = ""
    # Whether its daemons are Ceph's: others have no section in the configuration, and most no key.
    is_ceph: bool = True
    # The type of its daemons, where it is another one, and those that go with each of them: the
    # host makes and removes them together, under the same id.
    daemons_are: str = ""
    companions: Tuple[str, ...] = ()
    plural: str = "daemons"
    entity: str = ""
    has_own_key: bool = True
    caps: Caps = ()
    # The unit of a daemon, with ``{id}``.
    unit: str = ""
    section: str = ""

    # Placement (contract 2.4). Without ``count`` each host has one.
    count: Optional[int] = 1
    # Several can share a host, each with a port of its own where it has one.
    many_on_a_host: bool = False
    # Daemons have the name of their host; of others a placement may choose it.
    named_by_host: bool = False
    named_freely: bool = False
    # A placement may say at which address or in which network a daemon is.
    addressed: bool = False

    # What a cluster cannot be managed without, and never has none of.
    cluster_needs: bool = False
    # Daemons are added one at a time.
    one_by_one: bool = False
    # Nothing comes of it before there are placement groups.
    needs_osds: bool = False
    # What must hold before one is stopped or removed; ``goes_singly`` is for those that serve.
    guard: str = NOTHING
    goes_singly: bool = False
    # The cluster's maps name each daemon; or the service map does while it runs.
    in_maps: bool = False
    in_service_map: bool = False

    # Fields of its spec that mean something here, beside those of every spec.
    fields: FrozenSet[str] = frozenset()
    # Those that no spec is without.
    needed: Tuple[str, ...] = ()
    # Whose options its daemons read, as `ceph config help` names it.
    reads: FrozenSet[str] = frozenset(("common",))
    # Options that are made of a field of another name.
    field_of: ClassVar[Mapping[str, str]] = {}
    # Options of a daemon's own section that are set when it is deployed.
    daemon_options: Tuple[str, ...] = ()

    # The field of a spec that names the port, and what daemons listen on whatever a spec says.
    port_field: str = "port"
    fixed_ports: Tuple[int, ...] = ()
    # Each daemon gets a port of its own, from the spec's on.
    has_own_port: bool = False

    # Each daemon of a service has a number of its own, from 0 on.
    has_ranks: bool = False

    # Whether its daemons read files that are made of the spec and of the state of the cluster.
    has_files: bool = False
    # Whether files of others name its daemons, also before they are there.
    is_asked: bool = False
    # Whether an administrator's alert rules are among them.
    has_rules: bool = False
    # The dashboard's option that names one of them, by its URL.
    dashboard_option: str = ""
    # Further options of the dashboard, which are set with it where daemons answer with TLS.
    beside_tls: ClassVar[Mapping[str, str]] = {}
    # Pools, each with its application, in which its daemons keep what they have: they are made
    # where there are none, and stay when the service goes.
    pools: Tuple[Tuple[str, str], ...] = ()
    # Modules of managers without which it would be of no use.
    needs_modules: Tuple[str, ...] = ()

    # Whether they stand for each other: those that run are told of a new one in the job that makes
    # it.
    has_peers: bool = False
    # A manager's module that keeps such services: it has one removed of which nobody knows, too.
    kept_by: str = ""
    # Whether nobody else may read these files.
    files_are_secret: bool = False
    # Fields with passwords, of which one is made where the spec names none: keepalived takes no
    # longer ones.
    generated: Tuple[str, ...] = ()

    # Roles that run before the one that deploys it.
    roles_before: Tuple[str, ...] = ()

    @property
    def daemon_type(self) -> str:
        """Return the type of its daemons, as `ceph orch ps` has it."""
        return self.daemons_are or self.service_type

    @property
    def operation(self) -> str:
        """Return the operation, playbook and method that deploys it."""
        return f"apply_{self.service_type.replace('-', '_')}"

    def unit_of(self, daemon_id: str) -> str:
        """Return the unit of a daemon that is made here."""
        return f"{self.unit}.service".format(id=daemon_id)

    def entity_of(self, daemon_id: str) -> str:
        """Return the name of a daemon's key, which is also its own section."""
        return self.entity.format(id=daemon_id)

    def caps_of(self, spec: ServiceSpec) -> Caps:
        """Return what the key of a service's daemons may do; the same whatever its fields say."""
        return tuple((who, may.format(service_id=spec.service_id or "")) for who, may in self.caps)

    def section_of(self, spec: ServiceSpec) -> str:
        """Return the section of a service in the monitors' configuration."""
        return self.section.format(service_id=spec.service_id or "")

    def default_placement(self) -> PlacementSpec:
        """Return the placement of a service that names none."""
        if self.count is None:
            return PlacementSpec(host_pattern="*")
        return PlacementSpec(count=self.count)

    def least(self, had: int) -> int:
        """Return how few daemons a change of labels or hosts may leave, of so many."""
        return 0

    # What a spec says.

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``InvalidValue`` for what a daemon of this kind would not start with."""

    def check_in_cluster(
        self, spec: ServiceSpec, others: Mapping[str, ServiceSpec], hosts: Mapping[str, Any]
    ) -> None:
        """Raise ``InvalidValue`` for what other services, or the hosts, have no room for.

        ``others`` are the other services' specs by name; ``hosts`` are what the hosts of the
        placement said of their interfaces, by name, without those that said nothing yet.
        """

    def chosen(
        self, spec: ServiceSpec, known: Optional[ServiceSpec], others: Mapping[str, ServiceSpec]
    ) -> ServiceSpec:
        """Return a spec, not checked yet, with what it leaves to us and has to be free.

        ``known`` is the service as it is kept, ``others`` are the other services' specs by name.
        """
        return spec

    def left_without(self, spec: ServiceSpec, kept: Collection[str]) -> str:
        """Return a sentence on what is left of a command whose last part this was, refused now.

        ``kept`` are the names of all services.
        """
        return ""

    def asked_with(self, spec: ServiceSpec, port: int) -> Tuple[Tuple[int, ...], str]:
        """Return the ports that are asked for with a port of a spec, and how one asks for it.

        For whom another port is looked for: all of them have to be free.
        """
        return (port,), ""

    def settings(self, spec: ServiceSpec) -> List[Setting]:
        """Return the settings that all daemons of a service need, without those of `config`."""
        return []

    def daemon_settings(
        self, spec: ServiceSpec, daemon_id: str, port: int, address: str
    ) -> List[Setting]:
        """Return the settings that one daemon needs before it starts.

        ``address`` is the one that it listens on, empty for all.
        """
        return []

    def secrets(self, spec: ServiceSpec) -> List[Tuple[str, str]]:
        """Return (config-key, text) that all daemons of a service read from the monitors."""
        return []

    def secret_keys(self, spec: ServiceSpec) -> List[str]:
        """Return the config-keys that go with a service."""
        return []

    def host_settings(self, spec: ServiceSpec) -> Dict[str, Any]:
        """Return what the host is told of each daemon, beside its key and port.

        ``stop_timeout`` is how many seconds systemd gives it to stop.
        """
        return {}

    def url_scheme(self, spec: ServiceSpec) -> str:
        """Return how daemons answer whom the dashboard asks: ``http`` or ``https``."""
        return "http"

    def read_at_start(self, spec: ServiceSpec) -> Dict[str, str]:
        """Return by field what daemons read when they start, beside options and host settings.

        Where one changes they are restarted, one after the other.
        """
        return {}

    def files(self, spec: ServiceSpec, view: ClusterView, daemon: ViewedDaemon) -> Dict[str, str]:
        """Return the texts of the files that a daemon reads, by their names.

        They are made again whenever the cluster changes; hosts get those that differ.
        """
        return {}

    def hides(self, file: str) -> bool:
        """Tell whether nobody else may read a file: its text is a secret of the job."""
        return self.files_are_secret

    def sources(self, spec: ServiceSpec) -> Sequence[str]:
        """Return the places of the texts that files are made of, as ``_sources`` writes them."""
        return ()

    def check_sources(self, spec: ServiceSpec, view: ClusterView) -> None:
        """Raise ``InvalidValue`` where no files can be made of what stands there now."""

    def virtual_addresses(self, spec: ServiceSpec) -> Tuple[str, ...]:
        """Return the addresses that a service has, whichever host holds them."""
        return ()

    def binds(self, spec: ServiceSpec) -> bool:
        """Tell whether daemons listen on their address in the spec's networks alone."""
        return True

    def first_port(self, spec: ServiceSpec) -> int:
        """Return the port of the first daemon of a host, where each has its own."""
        return 0

    def ports(self, spec: ServiceSpec, count: int) -> Tuple[int, ...]:
        """Return the ports that so many daemons of a service take together on a host."""
        return self.fixed_ports

    def listed_ports(self, spec: ServiceSpec) -> Sequence[int]:
        """Return the ports of a service, as `ceph orch ls` shows them."""
        return spec.get_port_start()

    def more_ports(self, spec: ServiceSpec) -> Tuple[int, ...]:
        """Return the ports that each daemon of a host would use, beside its own."""
        return ()

    def made_of_fields(self, spec: ServiceSpec) -> Dict[str, str]:
        """Return the options that are made of a spec's fields, each with the field."""
        return {option: self.field_of.get(option, option) for _, option, _ in self.settings(spec)}


def check_fields_of(kind: Kind, spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a field of a spec that has no effect for packages here."""
    check_no_container(spec, kind.fields)
    if spec.config and not kind.is_ceph:
        raise InvalidValue(
            "config",
            ", ".join(sorted(map(str, spec.config))),
            f"{kind.plural} read none of Ceph's options",
            "Leave it out.",
        )
    kind.check(spec)
    known = _COMMON | kind.fields
    resting = vars(ServiceSpec.from_json(_least(kind, spec)))
    for name, value in vars(spec).items():
        if name not in known and value and value != resting.get(name):
            raise InvalidValue(
                name,
                value,
                f"a {spec.service_type} service from packages has no such setting",
                "Leave it out, or use `config` for options of the daemon.",
            )
    _check_names(kind, spec)
    for host in spec.placement.hosts or ():
        if host.network and not kind.addressed:
            raise InvalidValue(
                "placement",
                str(host),
                f"{spec.service_type} daemons take no network",
                "Leave it out.",
            )


def _least(kind: Kind, spec: ServiceSpec) -> Dict[str, Any]:
    """Return the JSON of a spec of the same type that says no more than it must."""
    data: Dict[str, Any] = {"service_type": spec.service_type}
    needed = {name: getattr(spec, name) for name in kind.needed if getattr(spec, name, None)}
    data.update({"spec": needed} if needed else {})
    return {**data, "service_id": spec.service_id} if spec.service_id else data


def _check_names(kind: Kind, spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a daemon's name in a placement that cannot be given."""
    seen = set()
    for host in spec.placement.hosts or ():
        if not host.name:
            continue
        reason, remedy = "", "Leave it out."
        if not kind.named_freely:
            reason = f"the id of a {spec.service_type} daemon follows from service and host"
        elif not NEW_ID.fullmatch(host.name):
            reason, remedy = (
                "it is not a valid daemon name",
                "Use letters, digits, '-', '_' and inner dots.",
            )
        elif host.name in seen or (spec.placement.count_per_host or 1) > 1:
            reason, remedy = "more than one daemon would have it", "Give each its own."
        seen.add(host.name)
        if reason:
            raise InvalidValue("placement", str(host), reason, remedy)
