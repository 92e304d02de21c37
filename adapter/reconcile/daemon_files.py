"""The files of daemons that are none of Ceph's: made of specs and of the cluster as it is now."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from adapter.cluster.marks import mark
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import InvalidValue, UnreadableRecord
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.kinds import MANAGERS, ClusterView, ViewedDaemon, daemon_type_of, is_followed, kind_of
from adapter.reconcile.port_choice import HostDaemon
from adapter.reconcile.source_texts import SourceTexts, text_at
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

Files = Dict[str, str]
# How often the monitors' configuration is read (seconds).
LOOK = 30.0


class DaemonFiles:
    """Make the files, and tell which daemons have others.

    They are made again only when what they are made of has changed.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._view: Tuple[Tuple[Any, ...], ClusterView] = ((), ClusterView(""))
        self._sources = SourceTexts(core.maps)
        # What files follow from in the monitors' configuration; ``serial`` counts its changes.
        self._settings: Dict[Tuple[str, str], str] = {}
        self._modules: Tuple[str, ...] = ()
        self._is_read = False
        # What services lack, as (host, id): it is asked before it is there.
        self._planned: Dict[str, Tuple[Tuple[str, str], ...]] = {}
        self._look_at = 0.0
        self.serial = 0
        self._made: Dict[HostDaemon, Tuple[ClusterView, Wanted, Files]] = {}

    def look(self) -> None:
        """Read anew at the next step what files are made of: somebody says that it has changed."""
        self._look_at = 0.0

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``OrchestratorError`` where no files can be made of what other modules keep."""
        kind = kind_of(spec.service_type)
        texts = {place: text_at(self._core.maps, place) for place in kind.sources(spec)}
        if texts:
            with self._core.lock:
                view = self.view()
            kind.check_sources(spec, replace(view, texts=texts))

    def step(self, now: float) -> None:
        """Read the configuration that files follow from, when it is time to."""
        with self._core.lock:
            kept = [each.spec for each in self._core.specs.all() if not each.deleted]
        used = any(kind_of(each.service_type).has_files for each in kept)
        if not used or now < self._look_at:
            return
        self._look_at = now + LOOK
        changes = self._sources.serial
        self._sources.follow(
            place for each in kept for place in kind_of(each.service_type).sources(each)
        )
        with self._core.lock:
            self.serial += self._sources.serial - changes
        try:
            found = self._core.maps.settings()
        except OrchestratorError as error:
            log.warning("files of daemons follow the configuration as it was: %s", error)
            return
        mine = {pair: each for pair, each in found.items() if is_followed(pair[1])}
        with self._core.lock:
            # Managers that have not told their modules yet have not lost them.
            modules = self._core.watch.managers.modules or self._modules
            if (mine, modules) != (self._settings, self._modules):
                self._settings, self._modules = mine, modules
                self.serial += 1
            self._is_read = True

    @under_lock
    def plan(self, wanted: Wanted, places: Sequence[DaemonPlacement]) -> None:
        """Note what of a service is to be deployed, where others ask its daemons."""
        if not kind_of(wanted.spec.service_type).is_asked:
            return
        found = tuple(sorted((each.hostname, each.daemon_id) for each in places))
        if found != self._planned.get(wanted.name, ()):
            self._planned[wanted.name] = found
            self.serial += 1

    def of(
        self,
        wanted: Wanted,
        hostname: str,
        daemon_id: str,
        beside: Sequence[DaemonPlacement] = (),
    ) -> Files:
        """Return the texts of the files that a daemon shall have, by name.

        ``beside`` are places of the service that are deployed together. Raises ``InvalidValue``
        where its host has not what it needs, ``UnreadableRecord`` where nobody knows its rules.
        """
        kind = kind_of(wanted.spec.service_type)
        if not kind.has_files:
            return {}
        with self._core.lock:
            if kind.has_rules:
                self._core.alert_rules.get(wanted.name)
            view = self.view()
        if beside and kind.has_peers:
            return self.make(self._with(view, wanted, beside), wanted, hostname, daemon_id)
        which = (hostname, f"{kind.daemon_type}.{daemon_id}")
        made = self._made.get(which)
        if made is None or made[0] is not view or made[1].spec is not wanted.spec:
            made = (view, wanted, self.make(view, wanted, hostname, daemon_id))
            self._made[which] = made
        return made[2]

    def make(self, view: ClusterView, wanted: Wanted, hostname: str, daemon_id: str) -> Files:
        """Return the texts of the files that a daemon would have in a cluster like this."""
        one = self._viewed(view, wanted, hostname, daemon_id)
        return kind_of(wanted.spec.service_type).files(wanted.whole_spec(), view, one)

    def _with(
        self, view: ClusterView, wanted: Wanted, places: Sequence[DaemonPlacement]
    ) -> ClusterView:
        """Return the cluster as it is with daemons that are still to be made."""
        viewed = (self._viewed(view, wanted, each.hostname, each.daemon_id) for each in places)
        new = (each for each in viewed if each not in view.daemons)
        return replace(view, daemons=(*view.daemons, *new))

    def stale(self, wanted: Wanted, kept: Sequence[Daemon]) -> List[Daemon]:
        """Return the daemons that run and were given other files than they shall have."""
        if not kind_of(wanted.spec.service_type).has_files or not self._is_read:
            return []
        found = []
        for daemon in kept:
            with self._core.lock:
                name = f"{daemon_type_of(wanted.spec)}.{daemon.daemon_id}"
                known = self._core.deployments.get(daemon.hostname, name)
            has = known.files if known is not None else ""
            try:
                shall = self.of(wanted, daemon.hostname, daemon.daemon_id)
            except (InvalidValue, UnreadableRecord):
                # It keeps what it has: its host has changed, and says so when it is deployed. Or
                # a record cannot be used, and health says so.
                continue
            if daemon.runs and daemon.ok and has != mark_of(shall):
                found.append(daemon)
        return found

    @under_lock
    def view(self) -> ClusterView:
        """Return the cluster as it is now; the same one as long as nothing has changed."""
        core = self._core
        state = (
            core.reports.serial,
            core.hosts.serial,
            core.places.serial,
            core.deployments.serial,
            core.specs.serial,
            core.alert_rules.serial,
            core.watch.managers.active,
            self.serial,
        )
        if self._view[0] != state:
            new = self._read()
            # What nobody would see in a file is no change.
            self._view = (state, self._view[1] if new == self._view[1] else new)
        return self._view[1]

    def _read(self) -> ClusterView:
        core = self._core
        addresses = {host.hostname: host.addr for host in core.hosts.all()}
        daemons = [
            self._daemon(hostname, row, addresses.get(hostname, hostname))
            for hostname, row in core.places.own()
        ]
        daemons.sort(key=lambda each: (each.kind, each.hostname, each.daemon_id))
        specs = {each.name: each.spec for each in core.specs.all()}
        virtual = [
            address
            for spec in specs.values()
            for address in kind_of(spec.service_type).virtual_addresses(spec)
        ]
        view = ClusterView(
            core.cluster,
            tuple(daemons),
            addresses,
            self._settings,
            modules=self._modules,
            active=core.watch.managers.active,
            rules=core.alert_rules.all(),
            coming=tuple(self._coming(addresses, daemons)),
            texts=self._sources.texts,
        )
        if not virtual:
            return view
        found = {hostname: core.reports.get(hostname) for hostname in addresses}
        interfaces = {
            name: each.facts.get("interfaces") for name, each in found.items() if each is not None
        }
        return replace(
            view,
            interfaces={name: each for name, each in interfaces.items() if isinstance(each, dict)},
            virtual=tuple(sorted(virtual)),
            specs=specs,
        )

    def _coming(
        self, addresses: Mapping[str, str], there: Sequence[ViewedDaemon]
    ) -> Iterator[ViewedDaemon]:
        """Yield what is to be deployed: nobody has to be told of it again when it is there."""
        core = self._core
        known = {(each.hostname, each.kind, each.daemon_id) for each in there}
        for service, places in sorted(self._planned.items()):
            wanted = core.specs.find(service)
            if wanted is None or wanted.deleted:
                continue
            kind, usual = daemon_type_of(wanted.spec), self._usual(service)
            for host, identity in places:
                if host in addresses and (host, kind, identity) not in known:
                    has = core.deployments.get(host, f"{kind}.{identity}")
                    address = (has.addr if has is not None else "") or addresses[host]
                    ports = (has.ports if has is not None else ()) or usual
                    yield ViewedDaemon(
                        *(kind, identity, service, host, address, ports[0] if ports else 0, False),
                        rank=has.rank if has is not None else -1,
                    )

    def _usual(self, service: str) -> Tuple[int, ...]:
        """Return the port of each daemon of a service, where its spec is enough to say it."""
        known = self._core.specs.find(service)
        kind = kind_of(known.spec.service_type) if known is not None else None
        if known is None or kind is None or kind.has_own_port:
            return ()
        return kind.ports(known.spec, 1)[:1]

    def _daemon(self, hostname: str, row: Dict[str, Any], address: str) -> ViewedDaemon:
        core, kind, identity = self._core, str(row["daemon_type"]), str(row["daemon_id"])
        known = core.deployments.get(hostname, f"{kind}.{identity}")
        service = core.daemon_services.of(hostname, kind, identity)
        # What it was told is what it will listen on; else what it listens on, once it does.
        ports = [*(known.ports if known is not None else ()), *row["ports"], *self._usual(service)]
        return ViewedDaemon(
            kind,
            identity,
            service,
            hostname,
            (known.addr if known is not None else "") or address,
            ports[0] if ports else 0,
            row["state"] == "running",
            tuple(row["ports"]) if kind_of(kind).guard == MANAGERS else (),
            known.rank if known is not None else -1,
        )

    @staticmethod
    def _viewed(view: ClusterView, wanted: Wanted, hostname: str, daemon_id: str) -> ViewedDaemon:
        """Return a daemon as it is, or as one that is still to be made."""
        kind = daemon_type_of(wanted.spec)
        for each in view.daemons:
            if (each.kind, each.hostname, each.daemon_id) == (kind, hostname, daemon_id):
                return each
        address = view.addresses.get(hostname, hostname)
        return ViewedDaemon(kind, daemon_id, wanted.name, hostname, address, 0)


def secret_texts(name: str, files: Files) -> Dict[str, Tuple[str, str]]:
    """Return by file the name of a job's secret, and its text: a keyring that has it as its key."""
    found = {}
    for file, text in sorted(files.items()):
        key = base64.b64encode(text.encode()).decode()
        found[file] = f"{name}.{file}.keyring", f"[{name}.{file}]\n\tkey = {key}\n"
    return found


def mark_of(files: Files) -> str:
    """Return what stands for files, nothing where there are none."""
    return mark(json.dumps(files, sort_keys=True)) if files else ""
