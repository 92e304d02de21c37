"""What a deployment asks of hosts, and what daemons that run lack of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.service_changes import Setting
from adapter.cluster.set_options import Pair
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.interface import ServiceSpec
from adapter.kinds import DAEMONS, KINDS, daemon_type_of, kind_of
from adapter.reconcile.daemon_digests import DaemonDigests
from adapter.reconcile.daemon_files import DaemonFiles, Files, mark_of, secret_texts
from adapter.reconcile.daemon_lacks import DaemonLacks
from adapter.reconcile.found_daemons import known_or_found
from adapter.reconcile.port_choice import HostDaemon, reserve_ports
from adapter.reconcile.service_settings import ServiceSettings
from adapter.state_lock import under_lock


@dataclass
class Asked:
    """What a deployment asks of hosts: rows and records by host, options, entities by keyring."""

    daemons: Dict[str, List[Dict[str, Any]]] = field(default_factory=dict)
    known: Dict[str, List[Deployment]] = field(default_factory=dict)
    own: List[Setting] = field(default_factory=list)
    entities: Dict[str, str] = field(default_factory=dict)
    # What stands for the files of each daemon.
    files: Dict[HostDaemon, str] = field(default_factory=dict)
    # Texts that only the job and its hosts may read, by name.
    secrets: Dict[str, str] = field(default_factory=dict, repr=False)


class DaemonGoals:
    """Compare what daemons shall have with what they have."""

    def __init__(self, core: Core, digests: DaemonDigests, settings: ServiceSettings) -> None:
        self._core, self._digests = core, digests
        self.files = DaemonFiles(core)
        self._lacks = DaemonLacks(core, settings)

    def compared(
        self,
        wanted: Wanted,
        addressed: Sequence[Tuple[DaemonPlacement, str]],
        there: Sequence[Daemon],
        now: Mapping[Pair, str],
    ) -> Tuple[Asked, Dict[HostDaemon, str], Dict[HostDaemon, List[str]]]:
        """Return what hosts are asked for, the digests after it, and what daemons lack of it.

        ``now`` is the monitors' configuration before anything is set.
        """
        places = [place for place, _ in addressed]
        ports = reserve_ports(self._core, wanted, places, there)
        asked = self._asked(wanted, addressed, ports)
        digests = self._digests_after(wanted, places, ports)
        return asked, digests, self._behind(wanted, places, ports, digests, asked.own, now)

    def _asked(
        self,
        wanted: Wanted,
        addressed: Sequence[Tuple[DaemonPlacement, str]],
        ports: Mapping[HostDaemon, int],
    ) -> Asked:
        """Return what hosts are asked for, and what is kept of it."""
        spec, asked = wanted.spec, Asked()
        for place, address in addressed:
            port = ports.get((place.hostname, place.daemon_id), int(getattr(spec, "port", 0) or 0))
            settings = kind_of(spec.service_type).daemon_settings(
                spec, place.daemon_id, port, address
            )
            asked.own += settings
            entity = KINDS[spec.service_type].entity_of(place.daemon_id)
            if entity:
                asked.entities[keyring_of(entity)] = entity
            row = {
                "id": place.daemon_id,
                "keyring_file": keyring_of(entity) if entity else "",
                "port": port,
                "addr": address,
                **kind_of(spec.service_type).host_settings(spec),
            }
            beside = [each for each, _ in addressed]
            files = self.files.of(wanted, place.hostname, place.daemon_id, beside)
            self._give_files(spec, place.daemon_id, files, row, asked)
            asked.files[place.hostname, place.daemon_id] = mark_of(files)
            asked.daemons.setdefault(place.hostname, []).append(row)
            new = self._deployment(wanted, place, row, [option for _, option, _ in settings])
            new = replace(new, rank=self._rank(wanted, new, asked))
            asked.known.setdefault(place.hostname, []).append(new)
        return asked

    @staticmethod
    def _give_files(
        spec: ServiceSpec, daemon_id: str, files: Files, row: Dict[str, Any], asked: Asked
    ) -> None:
        """Put the files of a daemon into its row, and into the job's secrets what is to be one."""
        kind = kind_of(spec.service_type)
        secret = {name: text for name, text in files.items() if kind.hides(name)}
        shown = {name: text for name, text in files.items() if name not in secret}
        if secret:
            hidden = secret_texts(f"{daemon_type_of(spec)}.{daemon_id}", secret)
            asked.secrets.update(hidden.values())
            row["secret_files"] = {file: name for file, (name, _) in hidden.items()}
        if shown:
            row["files"] = shown

    def _rank(self, wanted: Wanted, daemon: Deployment, asked: Asked) -> int:
        """Return the number of a daemon: the one that it has, or the first that none has."""
        if not kind_of(wanted.spec.service_type).has_ranks or daemon.rank >= 0:
            return daemon.rank
        with self._core.lock:
            known = [each for _, each in self._core.deployments.of_service(wanted.name)]
        known += [each for of_host in asked.known.values() for each in of_host]
        taken = {each.rank for each in known}
        return next(number for number in itertools.count() if number not in taken)

    @under_lock
    def unused_options(self, known: Mapping[str, Sequence[Deployment]]) -> List[Pair]:
        """Return what daemons have of their own and shall no more."""
        found: List[Pair] = []
        for hostname, daemons in known.items():
            for daemon in daemons:
                before = self._core.deployments.get(hostname, daemon.daemon)
                section = DAEMONS[daemon.daemon_type].entity_of(daemon.daemon_id)
                options = before.options if before is not None else ()
                found += [(section, each) for each in options if each not in daemon.options]
        return found

    def _digests_after(
        self, wanted: Wanted, places: Sequence[DaemonPlacement], ports: Mapping[HostDaemon, int]
    ) -> Dict[HostDaemon, str]:
        """Return the digests that daemons have when they are deployed, without their keys."""
        found: Dict[HostDaemon, str] = {}
        for place in places:
            which = place.hostname, place.daemon_id
            found[which] = self._digests.goal(wanted, which, ports.get(which, 0))
        return found

    def _behind(
        self,
        wanted: Wanted,
        places: Sequence[DaemonPlacement],
        ports: Mapping[HostDaemon, int],
        digests: Mapping[HostDaemon, str],
        own: Sequence[Setting],
        there: Mapping[Pair, str],
    ) -> Dict[HostDaemon, List[str]]:
        """Return the daemons that do not have what they shall, each with what it lacks."""
        found: Dict[HostDaemon, List[str]] = {}
        for place in places:
            which = place.hostname, place.daemon_id
            lacks = self._lacks.of(wanted, place, ports.get(which, 0), digests[which], own, there)
            if lacks:
                found[which] = lacks
        return found

    def _deployment(
        self, wanted: Wanted, place: DaemonPlacement, row: Mapping[str, Any], options: Sequence[str]
    ) -> Deployment:
        """Return what is kept of a daemon before it is deployed."""
        with self._core.lock:
            known = known_or_found(self._core, place.hostname, wanted, place.daemon_id)
        ports = (int(row["port"]),) if row["port"] else ()
        return replace(
            known, service=wanted.name, ports=ports, addr=str(row["addr"]), options=tuple(options)
        )


def keyring_of(entity: str) -> str:
    """Return the name of the job's file with a key."""
    return f"{entity.strip('.')}.keyring"
