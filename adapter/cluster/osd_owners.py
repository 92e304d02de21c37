"""Which service an OSD belongs to, and which ids wait for a new disk.

An OSD says itself which drive group made it (``osdspec_affinity`` of its metadata). The store only
keeps what it does not say: an owner that somebody set for it (``osd_owner.<id>``), what a destroyed
OSD leaves for its successor (``osd_vacant.<id>``), and who made an OSD that has not been up yet
(``osd_made.<id>``): until it is, no map tells where it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

from adapter.cluster.fields import LAST_ID, Fields
from adapter.cluster.osd_map import Osd, OsdMap, OsdMetadata
from adapter.cluster.store import Record, Store, Unusable, read_records

HostOf = Callable[[str], Optional[str]]

OWNER, DESTROYED, PENDING = "osd_owner", "osd_vacant", "osd_made"
NO_SERVICE = "osd"
T = TypeVar("T")


@dataclass(frozen=True)
class DestroyedOsd:
    """The id of a destroyed OSD: its host, its service, and the keys of the disks that it was on.

    ``present`` are the keys of the other disks that its host had then, None where that is not
    known: a disk that was there before is not the one that was put in for it.
    """

    osd_id: int
    host: str
    service: str = NO_SERVICE
    disks: Tuple[str, ...] = ()
    present: Optional[Tuple[str, ...]] = None

    def fits(self, key: str) -> bool:
        """Tell whether a free disk of the host is one that was put in for the OSD's."""
        return key in self.disks or (self.present is not None and key not in self.present)


@dataclass(frozen=True)
class Owner:
    """The service that somebody gave an OSD to; another OSD with the same id is not meant."""

    service: str
    uuid: str = ""


@dataclass(frozen=True)
class PendingOsd:
    """Where an OSD was made that has not been up yet, and for which service."""

    host: str
    service: str = NO_SERVICE


class OsdOwners:
    """Owners and destroyed OSDs. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.problems: Dict[str, str] = {}
        self._owners: Dict[int, Owner] = {}
        self._destroyed: Dict[int, DestroyedOsd] = {}
        self._pending: Dict[int, PendingOsd] = {}
        self._in_map: Set[int] = set()
        self._owned_in_map: Set[int] = set()
        self._metadata: Mapping[int, OsdMetadata] = {}
        self._managed_host: HostOf = lambda name: None
        self.serial = 0
        self.reload()

    def reload(self) -> None:
        """Read the records; one that cannot be read is named in ``problems`` and kept."""
        self.problems = {}
        self._owners = self._read(OWNER, _owner)
        self._destroyed = self._read(DESTROYED, _destroyed)
        before = set(self._pending)
        self._pending = self._read(PENDING, _pending)
        self._in_map |= set(self._pending) - before
        self.serial += 1

    def _read(self, kind: str, parse: Callable[[int, Record], T]) -> Dict[int, T]:
        found, problems = read_records(
            self._store, kind, lambda name, record: (_number(name), parse(_number(name), record))
        )
        self.problems.update({f"{kind}.{name}": reason for name, reason in problems.items()})
        return dict(found.values())

    def unknown(self) -> List[str]:
        """Return the records without which nobody knows which OSDs a service has on a host.

        Where an OSD was made it says itself once it is up.
        """
        return sorted(
            key
            for key in self.problems
            if key.startswith(f"{OWNER}.")
            or (key.startswith(f"{PENDING}.") and not self._says_itself(key.partition(".")[2]))
        )

    def _says_itself(self, name: str) -> bool:
        return name.isdigit() and int(name) in self._metadata

    def is_known_destroyed(self, osd_id: int) -> bool:
        """Tell whether what a destroyed OSD left can be read, or was never written."""
        return f"{DESTROYED}.{osd_id}" not in self.problems

    def learn(self, metadata: Mapping[int, OsdMetadata], host_of: Optional[HostOf] = None) -> None:
        """Take over what the OSDs say of themselves.

        ``host_of`` tells which managed host a name means that an OSD or CRUSH uses, if any.
        """
        self._managed_host = host_of or (lambda name: None)
        known = {
            osd_id: replace(said, hostname=self._managed_host(said.hostname) or said.hostname)
            for osd_id, said in metadata.items()
        }
        if known != self._metadata:
            self._metadata = known
            self.serial += 1

    def metadata(self, osd_id: int) -> OsdMetadata:
        """Return what an OSD said of itself, which may be nothing."""
        return self._metadata.get(osd_id) or OsdMetadata(osd_id)

    def known(self) -> List[OsdMetadata]:
        """Return what all OSDs said of themselves."""
        return list(self._metadata.values())

    def service_of(self, osd_id: int) -> str:
        """Return the service of an OSD, ``osd`` for one that nobody's spec made."""
        owner = self._owners.get(osd_id)
        if owner is not None:
            return owner.service
        if osd_id in self._pending:
            return self._pending[osd_id].service
        affinity = self.metadata(osd_id).affinity
        return f"osd.{affinity}" if affinity and affinity != "None" else NO_SERVICE

    def of_service(self, service: str) -> List[int]:
        """Return the OSDs of a service, of those that said something of themselves."""
        return sorted(each for each in self._metadata if self.service_of(each) == service)

    def on_host(self, service: str, host: str, osd_map: OsdMap) -> Set[int]:
        """Return the OSDs of a service on a host, also those that have not been up yet."""
        pending = {
            each
            for each, by in self._pending.items()
            if (by.service, self._called_now(by.host)) == (service, host)
        }
        said = {
            each
            for each in self.of_service(service)
            if each in osd_map.osds
            and each not in self._pending
            and not osd_map.osds[each].destroyed
            and self.host_of(osd_map.osds[each]) == host
        }
        return pending | said

    def keep_pending(self, osd_id: int, by: PendingOsd) -> None:
        """Keep where an OSD was made, until it says so itself."""
        self._keep(PENDING, osd_id, {"host": by.host, "service": by.service})
        self._pending[osd_id] = by
        self._in_map.discard(osd_id)
        self.serial += 1

    def assign(self, osds: Sequence[Osd], service: str) -> None:
        """Set the owner of OSDs."""
        for osd in osds:
            self._keep(OWNER, osd.osd_id, {"service": service, "uuid": osd.uuid})
            self._owners[osd.osd_id] = Owner(service, osd.uuid)
            self.serial += 1

    def _keep(self, kind: str, osd_id: int, record: Optional[Record]) -> None:
        self._store.set(f"{kind}.{osd_id}", record)
        self.problems.pop(f"{kind}.{osd_id}", None)

    def keep_destroyed(self, destroyed: DestroyedOsd) -> None:
        """Keep what a destroyed OSD leaves to its successor."""
        record = {
            "host": destroyed.host,
            "service": destroyed.service,
            "disks": list(destroyed.disks),
            "present": None if destroyed.present is None else list(destroyed.present),
        }
        self._keep(DESTROYED, destroyed.osd_id, record)
        self._destroyed[destroyed.osd_id] = destroyed

    def destroyed(self, osd_id: int) -> Optional[DestroyedOsd]:
        """Return what a destroyed OSD left, if it is known."""
        return self._destroyed.get(osd_id)

    def free_ids(self, osd_map: OsdMap, host: str) -> List[int]:
        """Return the ids that wait on a host for a new disk.

        The host is that where the disk was: CRUSH may have been told another one since.
        """
        return sorted(
            osd.osd_id
            for osd in osd_map.osds.values()
            if osd.destroyed and self.host_of(osd) == host and self.is_known_destroyed(osd.osd_id)
        )

    def service_before(self, osd_id: int) -> str:
        """Return the service that a destroyed OSD was of, ``osd`` for one that had none."""
        destroyed = self._destroyed.get(osd_id)
        return destroyed.service if destroyed is not None else self.service_of(osd_id)

    def host_of(self, osd: Osd) -> str:
        """Return the host on which an OSD is, or was.

        That is the one where its removal found it, the managed one that it named itself when it
        started last, or the one that CRUSH has it on, which somebody may have moved it to.
        """
        destroyed = self._destroyed.get(osd.osd_id)
        if destroyed is not None and osd.destroyed and destroyed.host:
            return self._called_now(destroyed.host)
        said = self.metadata(osd.osd_id).hostname
        if said and self._managed_host(said):
            return said
        return self._managed_host(osd.host) or osd.host or said

    def _called_now(self, host: str) -> str:
        """Return the name that a host of a record has now: it may have been added under another."""
        return self._managed_host(host) or host

    def fits(self, osd_id: int, key: str) -> bool:
        """Tell whether a free disk was put in for the one of a destroyed OSD.

        Of an OSD that somebody else destroyed only the disk itself is known.
        """
        destroyed = self._destroyed.get(osd_id)
        return (
            destroyed.fits(key)
            if destroyed is not None
            else key in self.metadata(osd_id).device_ids
        )

    def had(self, osd_id: int, key: str) -> bool:
        """Tell whether a destroyed OSD is known to have been on a disk, by the disk's key."""
        destroyed = self._destroyed.get(osd_id)
        return key in (
            destroyed.disks if destroyed is not None else self.metadata(osd_id).device_ids
        )

    def was_on(self, osd_id: int, path: str, device_id: str) -> bool:
        """Tell whether a destroyed OSD is known to have been on a disk.

        Its label says only the id, which an OSD before it may have had.
        """
        destroyed, said = self._destroyed.get(osd_id), self.metadata(osd_id)
        if destroyed is not None:
            return (device_id or path) in destroyed.disks
        name = path.rpartition("/")[2]
        return device_id in said.device_ids if device_id else name in said.devices

    def follow(self, osd_map: OsdMap) -> None:
        """Forget destroyed ids that are used again, OSDs that were pending, and old owners."""
        if not osd_map.osds:
            return
        self._follow_owners(osd_map)
        for osd_id in list(self._destroyed):
            osd = osd_map.osds.get(osd_id)
            if osd is None or (not osd.destroyed and osd.up):
                self._keep(DESTROYED, osd_id, None)
                del self._destroyed[osd_id]
        for osd_id in list(self._pending):
            osd = osd_map.osds.get(osd_id)
            # A map that is older than the OSD does not have it yet.
            gone = osd is None and osd_id in self._in_map
            if gone or (osd is not None and osd.up and osd_id in self._metadata):
                self._keep(PENDING, osd_id, None)
                del self._pending[osd_id]
                self.serial += 1
            elif osd is not None:
                self._in_map.add(osd_id)

    def _follow_owners(self, osd_map: OsdMap) -> None:
        """Forget the owners of OSDs that are gone, also where a new one has the same id."""
        for osd_id, owner in list(self._owners.items()):
            osd = osd_map.osds.get(osd_id)
            # A map that is older than the OSD does not have it yet.
            gone = osd is None and osd_id in self._owned_in_map
            if osd is not None:
                self._owned_in_map.add(osd_id)
                gone = bool(owner.uuid) and not osd.destroyed and osd.uuid != owner.uuid
            if gone:
                self._keep(OWNER, osd_id, None)
                del self._owners[osd_id]
                self.serial += 1


def _number(name: str) -> int:
    # One with a zero before it would be another record of the same OSD.
    number = int(name) if re.fullmatch("0|[1-9][0-9]{0,9}", name) else LAST_ID + 1
    if number > LAST_ID:
        raise Unusable("its name is not an OSD id")
    return number


def _owner(osd_id: int, record: Record) -> Owner:
    read = Fields(record)
    return Owner(read.text("service", empty=False), read.text("uuid", ""))


def _pending(osd_id: int, record: Record) -> PendingOsd:
    read = Fields(record)
    return PendingOsd(read.text("host"), read.text("service", NO_SERVICE) or NO_SERVICE)


def _destroyed(osd_id: int, record: Record) -> DestroyedOsd:
    read = Fields(record)
    return DestroyedOsd(
        osd_id,
        read.text("host"),
        read.text("service", NO_SERVICE) or NO_SERVICE,
        read.texts("disks"),
        read.texts("present", None),
    )
