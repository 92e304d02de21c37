"""The orchestrator's store in the mons: ``ceph config-key`` under ``mgr/ansible/``."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from typing import Any, Dict, List, Mapping, Optional, Protocol, Set, Tuple

from adapter.cluster import packed_records
from adapter.cluster.packed_records import PART, SMALLEST, VALUE_SIZE, TooLarge, record_of
from adapter.cluster.store import Record, Records, Unusable
from adapter.errors import NotKept, UnreadableRecord

log = logging.getLogger(__name__)

PREFIX = "mgr/ansible/"
REMEDIES = {
    errno.EFBIG: "`ceph config set mon mon_config_key_max_entry_size 65536` allows larger values.",
    errno.EACCES: "The manager's key needs the caps mon 'allow profile mgr'.",
    errno.ENOSPC: "Make room on the monitors' disks.",
}
TIDY_INTERVAL = 60.0
ASK_AGAIN = "Nothing was changed: try again when `ceph -s` shows that the monitors are well."
NOT_KNOWN = (
    "It may have been written all the same: look at it when `ceph -s` shows that the monitors are "
    "well, then try again."
)


class Monitors(Protocol):
    """The part of MgrModule that keeps values.

    Reads are answered from memory, which follows the monitors a moment later.
    """

    def get_store(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """Return a value."""
        ...

    def get_store_prefix(self, key_prefix: str) -> Dict[str, str]:
        """Return the values whose keys begin so, by whole key."""
        ...

    def mon_command(
        self, cmd_dict: Dict[str, Any], inbuf: Optional[str] = None
    ) -> Tuple[int, str, str]:
        """Ask the monitors and return status, output and error."""
        ...


class _Written:
    """A value that was written and is not seen in the mgr's memory yet.

    ``old`` are the values that its memory may still show until then.
    """

    def __init__(self, value: Optional[str], old: Set[Optional[str]]) -> None:
        self.value, self.old = value, old


class MonStore:
    """Keep records as JSON in the mons' key-value store; all managers share it.

    ``MgrModule.set_store`` hides a refusal: it changes the mgr's own memory first, and then logs
    the value. So values are written by a mon command, whose status counts, and read back from the
    monitors. Large records are compressed and cut (``packed_records``).
    """

    def __init__(self, mgr: Monitors) -> None:
        self._mgr = mgr
        # One writer at a time; who reads does not wait for the monitors.
        self._writing = threading.RLock()
        self._lock = threading.Lock()
        self._written: Dict[str, _Written] = {}
        self._value_size = VALUE_SIZE
        self._tidy_at = 0.0
        self._loose_before: Set[str] = set()
        # By kind and key: the value that was read last, and what it says.
        self._parsed: Dict[str, Dict[str, Tuple[str, Record]]] = {}

    # Records.

    def get(self, key: str) -> Optional[Record]:
        """Return the record, or None; raises ``UnreadableRecord``."""
        value = self._value(key)
        if value is None:
            return None
        try:
            return record_of(value, self._value)
        except ValueError as error:
            raise UnreadableRecord(key, str(error), f"{self.shown_by(key)} shows it.") from error

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace the record; None removes it. Raises ``NotKept``.

        Then it is as it was, unless the remedy says that nobody knows.
        """
        self.set_text(key, None if record is None else json.dumps(dict(record)))

    def items(self, kind: str) -> Records:
        """Return all records of a kind; those that are no JSON mapping are named as unreadable."""
        prefix, found = f"{kind}.", Records()
        before, parsed = self._parsed.get(kind, {}), {}
        for key, value in sorted(self._values(prefix).items()):
            known = before.get(key)
            try:
                same = known is not None and known[0] == value
                record = known[1] if same and known else record_of(value, self._value)
            except ValueError as error:
                found.unreadable[key[len(prefix) :]] = str(error)
                continue
            parsed[key] = (value, record)
            found[key[len(prefix) :]] = dict(record)
        self._parsed[kind] = parsed
        return found

    def shown_by(self, key: str) -> str:
        """Return the command that shows the record."""
        return f"`ceph config-key get {PREFIX}{key}`"

    def removed_by(self, key: str) -> str:
        """Return the command that removes the record."""
        return f"`ceph config-key rm {PREFIX}{key}`"

    # Texts.

    def get_text(self, key: str) -> Optional[str]:
        """Return a text, or None; raises ``UnreadableRecord``."""
        value = self._value(key)
        try:
            return None if value is None else packed_records.text_of(value, self._value)
        except Unusable as error:
            raise UnreadableRecord(key, str(error), f"{self.shown_by(key)} shows it.") from error

    def set_text(self, key: str, text: Optional[str]) -> None:
        """Replace a text; None removes it. Raises ``NotKept``, which shows nothing of it."""
        with self._writing:
            old = self._value(key)
            if text is None:
                self._put(key, None, 0, old)
            else:
                self._set_text(key, text, old)
            # Whatever was cut before is of no use any more.
            self._drop_parts(set(_parts_of(old)) - set(_parts_of(self._value(key))))

    def _set_text(self, key: str, text: str, old: Optional[str]) -> None:
        """Write a text whole if it fits, or else compressed and cut; smaller if need be."""
        if len(text) <= self._value_size:
            try:
                self._put(key, text, len(text), old)
            except NotKept as error:
                if error.code != errno.EFBIG or len(text) <= SMALLEST:
                    raise
            else:
                return
        try:
            letters = packed_records.packed(text)
        except TooLarge as error:
            remedy = "Make it shorter, e.g. a pattern in place of a list, or make two of it."
            raise NotKept(key, len(text), str(error), remedy, errno.EFBIG) from None
        while True:
            size = self._value_size
            head, parts = packed_records.values_of(key, text, letters, size)
            try:
                self._put_cut(key, head, parts, len(text), old)
            except NotKept as error:
                if error.code != errno.EFBIG or size <= SMALLEST:
                    raise
            else:
                return
            self._value_size = max(SMALLEST, size // 2)
            log.info("the monitors take no values of %s bytes: trying smaller ones", size)

    def _put_cut(
        self, key: str, head: str, parts: Dict[str, str], size: int, old: Optional[str]
    ) -> None:
        """Write the parts of a record and then its head; the parts that were there stay."""
        new = set(parts) - set(_parts_of(old))
        try:
            for name, value in parts.items():
                self._put_part(name, value, key, size)
        except NotKept:
            self._drop_parts(new)
            raise
        try:
            self._put(key, head, size, old)
        except NotKept:
            # Where nobody knows which head is there, the parts of both stay.
            status, there = self._command("config-key get", key)
            if status == -errno.ENOENT or (status == 0 and there != head):
                self._drop_parts(new)
            raise
        for name, value in parts.items():
            status, there = self._command("config-key get", name)
            if status or there != value:
                restored = self._restore(key, old)
                if restored:
                    self._drop_parts(new)
                remedy = ASK_AGAIN if restored else NOT_KNOWN
                raise NotKept(key, size, "a part of it is not in the monitors", remedy)

    def _drop_parts(self, keys: Set[str]) -> None:
        """Remove parts that no head names; what cannot be removed now is removed by ``tidy``."""
        for key in sorted(keys):
            status = self._command("config-key rm", key)[0]
            if status:
                log.warning("%s stays in the monitors: %s", key, os.strerror(abs(status)))
                return
            self._note(key, None)

    def tidy(self, now: float) -> int:
        """Remove the parts that no head names: of a manager that ended while it wrote them.

        Those that were without a head a minute ago already: a manager that is just being replaced
        may still write one. Returns how many were removed. ``now`` is monotonic.
        """
        if now < self._tidy_at:
            return 0
        self._tidy_at = now + TIDY_INTERVAL
        for key in list(self._written):
            # Looked at, what the mgr's memory shows by now need not be remembered.
            self._value(key)
        with self._writing:
            loose = self._loose() if self._values(f"{PART}.") else set()
            gone = loose & self._loose_before
            self._drop_parts(gone)
            self._loose_before = loose - gone
        return len(gone)

    def _loose(self) -> Set[str]:
        """Return the parts in the monitors that no head names; none where a head is damaged."""
        status, out = self._command("config-key dump", "")
        try:
            found = json.loads(out) if status == 0 else {}
            values = {key[len(PREFIX) :]: str(value) for key, value in found.items()}
            named = {part for value in values.values() for part in _named_parts(value)}
        except ValueError:
            return set()
        return {key for key in values if key.startswith(f"{PART}.")} - named

    # Single values.

    def _put_part(self, name: str, value: str, key: str, size: int) -> None:
        """Write a part of the record ``key``; it is read back when its head is there."""
        status = self._command("config-key set", name, value)[0]
        if status:
            raise _refused(key, size, status)
        self._note(name, value)

    def _put(self, key: str, value: Optional[str], size: int, old: Optional[str]) -> None:
        """Write a value and read it back from the monitors; ``old`` is what is there.

        What they have then is what counts: a command that fails may have been done before.
        """
        prefix = "config-key rm" if value is None else "config-key set"
        refused = self._command(prefix, key, value)[0]
        status, found = self._command("config-key get", key)
        there = None if status == -errno.ENOENT else found
        if status not in (0, -errno.ENOENT):
            # It may be there or not. What was there is certain, if the monitors take it.
            if self._restore(key, old):
                raise _refused(key, size, refused or status)
            raise NotKept(key, size, "the monitors do not answer", NOT_KNOWN, abs(status))
        if there == value:
            self._note(key, value)
        elif refused:
            raise _refused(key, size, refused)
        else:
            reason = "the monitors answer with another value: somebody else changed it meanwhile"
            raise NotKept(key, size, reason, "Look at it, then try again.")

    def _restore(self, key: str, old: Optional[str]) -> bool:
        """Have the monitors keep what was there before; tell whether they do."""
        prefix = "config-key rm" if old is None else "config-key set"
        status = self._command(prefix, key, old)[0]
        if status:
            log.warning("it is not known whether %s was changed in the monitors", key)
            return False
        self._note(key, old)
        return True

    def _command(self, prefix: str, key: str, value: Optional[str] = None) -> Tuple[int, str]:
        """Ask the monitors. The value is not in the command, which their audit log shows."""
        command = {"prefix": prefix, "key": f"{PREFIX}{key}"}
        status, out, _ = self._mgr.mon_command(command, inbuf=value)
        # What they say of an error could have the value in it: only its number is told.
        return -abs(int(status)), str(out)

    # What is in the mgr's memory, and what will be there in a moment.

    def _note(self, key: str, value: Optional[str]) -> None:
        with self._lock:
            shown = self._mgr.get_store(key)
            before = self._written.get(key)
            old = {shown} | ({*before.old, before.value} if before else set())
            self._written[key] = _Written(value, old - {value})

    def _value(self, key: str) -> Optional[str]:
        with self._lock:
            return self._newest(key, self._mgr.get_store(key))

    def _values(self, prefix: str) -> Dict[str, str]:
        with self._lock:
            shown = self._mgr.get_store_prefix(prefix)
            keys: List[str] = [*shown, *(k for k in self._written if k.startswith(prefix))]
            found = {key: self._newest(key, shown.get(key)) for key in dict.fromkeys(keys)}
        return {key: value for key, value in found.items() if value is not None}

    def _newest(self, key: str, shown: Optional[str]) -> Optional[str]:
        """Return what was written last, by us or, once the mgr's memory shows it, by others."""
        written = self._written.get(key)
        if written is None:
            return shown
        if shown == written.value or shown not in written.old:
            del self._written[key]
            return shown
        return written.value


def _named_parts(value: Optional[str]) -> List[str]:
    """Return the parts that a head names; raises ``Unusable`` for a damaged one."""
    head = packed_records.head_of(value)
    return head.parts if head else []


def _parts_of(value: Optional[str]) -> List[str]:
    try:
        return _named_parts(value)
    except Unusable:
        return []


def _refused(key: str, size: int, status: int) -> NotKept:
    code = abs(status)
    reason = f"the monitors refuse it ({errno.errorcode.get(code, code)}: {os.strerror(code)})"
    return NotKept(key, size, reason, REMEDIES.get(code, ASK_AGAIN), code)
