"""Records that cannot be used or kept: what waits for them, and what writes them anew."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Collection, Dict, List, Mapping, Protocol, Tuple, cast

from adapter.cluster.hosts import Hosts
from adapter.cluster.osd_owners import DESTROYED, OWNER, PENDING, OsdOwners
from adapter.cluster.store import Store
from adapter.errors import NotKept, UnreadableRecord, some_of

log = logging.getLogger(__name__)

# What was not kept is tried again within minutes; so long it is shown that it was not (seconds).
UNKEPT_SHOWN = 900.0
PAUSE = "state.paused"
# Which directory of `orch-ansible` has hosts and services; written by `mgr take-over`.
HOLDER = "state.holder"
# When a manager last had the hosts in its care, in epoch seconds; 0: it was disabled on purpose.
PRESENT = "state.present"
REASON_LENGTH = 160
SHOWN_KEYS = 5
# By kind: the operation whose jobs do what such a record says.
OPERATIONS = {
    "osd_creation": "create_osds",
    "osd_removal": "remove_osds",
    "service_action": "service_action",
}
# By kind: what waits for it, and what writes it anew.
ADVICE = {
    "host": (
        "services stay as they are and no OSD is made until then",
        "`ceph orch host add {name} ADDR` writes it anew with the labels that the host had, `ceph "
        "orch host rm {name} --offline --force` removes it",
    ),
    "spec": (
        "the service is left as it is; while it is a drive group's, no OSD is removed and no disk "
        "erased",
        "`ceph orch apply` of {name} writes it anew, `ceph orch rm {name}` removes the record",
    ),
    "osd_creation": (
        "no OSD is made on {name}",
        "when no OSD is being made there, {removed} removes it",
    ),
    "osd_removal": (
        "nothing more is done to the OSD",
        "`ceph orch osd rm stop {name}` removes it and says what the OSD has now; then `ceph orch "
        "osd rm {name}` with its options writes it anew",
    ),
    "osd_owner": (
        "no drive group makes OSDs",
        "`ceph orch osd set-spec-affinity SERVICE {name}` writes it anew",
    ),
    "osd_vacant": (
        "the id is given to no new disk",
        "`ceph orch osd rm {name} --replace` writes it anew where the OSD is not destroyed yet; "
        "{removed} removes it",
    ),
    "osd_made": (
        "no drive group makes OSDs until the OSD is up",
        "when it is up, {removed} removes it",
    ),
    "maintenance": (
        "the host neither enters maintenance nor leaves it",
        "`ceph orch host maintenance exit {name} --force` takes noout away from what is the host's "
        "own, and puts back what the host itself has kept of its units",
    ),
    "upgrade": (
        "the upgrade does not go on, and hosts and daemons are left as they are",
        "`ceph osd dump` shows which hosts have noout from it, `ceph fs get FS` how many ranks a "
        "file system has; {removed} removes it, and `ceph orch upgrade start` goes on where the "
        "packages and daemons are",
    ),
    "service_action": (
        "the restart does not go on",
        "`ceph orch restart {name}` writes it anew",
    ),
    "daemon_action": (
        "what was asked of the daemons is not done",
        "asking for it again writes it anew; {removed} removes it",
    ),
    "unused_key": (
        "the key of the removed daemon stays with the monitors",
        "`ceph auth ls` shows it; when it is gone, {removed} removes the record",
    ),
    "removed_mon": (
        "a removal that failed is not finished",
        "when `ceph orch ps` no longer lists the monitor, {removed} removes the record",
    ),
    "deployed": (
        "no daemon is deployed on {name}",
        "{removed} removes it; the daemons there are then known "
        "by their names, and `ceph orch redeploy` of their services writes it anew",
    ),
    "tuned_profile": (
        "tuned profiles stay as they are on all hosts",
        "`ceph orch tuned-profile apply` of {name} writes it anew, `ceph orch tuned-profile rm "
        "{name}` removes it",
    ),
    "alert_rules": (
        "Prometheus keeps the alert rules that it has, and what it asks",
        "`ceph orch prometheus set-custom-alerts -i FILE` writes it anew; a file with `groups: []` "
        "removes them",
    ),
    "settings": (
        "no option of {name} is set or removed in the monitors' configuration, and no daemon of it "
        "deployed",
        "`ceph config dump` shows the options; {removed} removes the record, and the options of "
        "its spec are set again; what they had before is not known then, and not put back when "
        "the service goes",
    ),
    "state": (
        "the orchestrator is treated as paused",
        "`ceph orch resume` or `ceph orch pause` writes it anew",
    ),
}


class Holder(Protocol):
    """What keeps the records of one kind in memory."""

    problems: Dict[str, str]

    def reload(self) -> Any:
        """Read all records."""
        ...


class AtWork(Holder, Protocol):
    """What keeps the records of work that may be under way."""

    def look(self) -> None:
        """Name the records that cannot be read, and go on with the others as they are known."""
        ...


class BadRecords:
    """The records that cannot be used, of all kinds. Callers hold the orchestrator's lock.

    ``others`` are the holders of the further kinds.
    """

    def __init__(
        self, store: Store, hosts: Hosts, owners: OsdOwners, others: Mapping[str, Holder]
    ) -> None:
        self._store, self._hosts, self._owners, self._others = store, hosts, owners, others
        self._seen: Dict[str, Tuple[Any, ...]] = {}

    def reasons(self) -> Dict[str, str]:
        """Return why records cannot be used, by their keys."""
        kinds = {"host": self._hosts.problems}
        kinds.update({kind: holder.problems for kind, holder in self._others.items()})
        found = {
            f"{kind}.{name}": reason
            for kind, problems in kinds.items()
            for name, reason in problems.items()
        }
        found.update(self._owners.problems)
        pause = self.pause()
        return {**found, PAUSE: pause} if pause else found

    def pause(self) -> str:
        """Return why the record of the pause cannot be used, or an empty text."""
        try:
            record = self._store.get(PAUSE)
        except UnreadableRecord as error:
            return error.reason
        if record is None or isinstance(record.get("paused"), bool):
            return ""
        return "the field paused is neither true nor false"

    def describe(self) -> Dict[str, str]:
        """Return for `ceph health detail`, by key: the reason, what waits, and the remedy."""
        return {key: self._words(key, reason) for key, reason in self.reasons().items()}

    def _words(self, key: str, reason: str) -> str:
        kind, _, name = key.partition(".")
        removed = self._store.removed_by(key)
        waits, remedy = (text.format(name=name, removed=removed) for text in ADVICE[kind])
        shown = self._store.shown_by(key)
        return f"{reason[:REASON_LENGTH].rstrip('.')}; {waits}. {shown} shows it; {remedy}."

    def of_hosts(self) -> str:
        """Return what holds everything that depends on which hosts there are, or nothing."""
        return _held([f"host.{name}" for name in self._hosts.problems])

    def of_osds(self) -> str:
        """Return what holds the plans of drive groups, or nothing."""
        hosts = [f"host.{name}" for name in self._hosts.problems]
        return _held([*hosts, *self._owners.unknown()])

    def read_again(self, running: Collection[str] = ()) -> None:
        """Take over what somebody has changed in the store.

        ``running`` are the operations under way. A job ends with the record that it was begun
        with: until then another one is only named, where it cannot be used.
        """
        for kind, holder in self._others.items():
            self._read_again([kind], holder, at_work=OPERATIONS.get(kind) in running)
        self._read_again([OWNER, DESTROYED, PENDING], self._owners)

    def _read_again(self, kinds: List[str], holder: Holder, *, at_work: bool = False) -> None:
        """Read kinds of records again if their holder may not know them as they are."""
        found = [self._store.items(kind) for kind in kinds]
        seen = (at_work, tuple((each, each.unreadable) for each in found))
        if self._seen.get(kinds[0]) == seen:
            return
        if at_work:
            cast(AtWork, holder).look()
        else:
            holder.reload()
        self._seen[kinds[0]] = seen


class Unkept:
    """What the loop has to write and could not, for `ceph health detail`; it is tried again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: Dict[str, Tuple[float, str]] = {}

    def note(self, error: NotKept) -> None:
        """Note that a record was not kept."""
        with self._lock:
            self._errors[error.key] = (time.monotonic(), str(error))
        log.error("%s", error)

    def reasons(self, now: float) -> Dict[str, str]:
        """Return by key why records were not kept when that was tried last."""
        with self._lock:
            oldest = now - UNKEPT_SHOWN
            self._errors = {key: each for key, each in self._errors.items() if each[0] > oldest}
            return {key: text for key, (_, text) in self._errors.items()}


def _held(keys: List[str]) -> str:
    if not keys:
        return ""
    named = some_of(sorted(keys), SHOWN_KEYS)
    which = "the record" if len(keys) == 1 else "the records"
    return f"waiting until {which} {named} can be used again (`ceph health detail`)"
