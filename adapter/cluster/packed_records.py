"""Records as texts for a store that takes only small values: the monitors' key-value store.

A text that fits stands as it is, so a person can read it. A larger one is compressed; one that is
still too large is cut into parts, which are values of their own (``part.<digest>.<number>``). The
value under the record's own key, its head, then names the parts. It is written last: until then
the record is what it was before.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from adapter.cluster.store import Record, Unusable

PART = "part"
# A head is a mapping with this key, which no record has.
MARK = "ceph_orch_packed"
# The monitors take 64 KiB (mon_config_key_max_entry_size); an administrator may have lowered it.
VALUE_SIZE, SMALLEST = 60_000, 1_000
# What is larger is refused: a text, and what it is when it is compressed.
TEXT_LIMIT, PACKED_LIMIT = 64 * 2**20, 4 * 2**20


class TooLarge(ValueError):
    """A text is larger than anything that is kept; says how large it is and what is allowed."""


@dataclass(frozen=True)
class Head:
    """What the value under a record's own key says of its parts; none are within itself."""

    digest: str
    count: int
    sha256: str
    within: str = ""

    @property
    def parts(self) -> List[str]:
        """Return the keys of the parts."""
        return [f"{PART}.{self.digest}.{number}" for number in range(self.count)]

    def to_text(self) -> str:
        """Return the value under the record's own key."""
        about = {
            "digest": self.digest,
            "parts": self.count,
            "sha256": self.sha256,
            "zlib": self.within,
        }
        return json.dumps({MARK: about})


def packed(text: str) -> str:
    """Return a text compressed, in letters; raises ``TooLarge``."""
    if len(text) > TEXT_LIMIT:
        raise TooLarge(f"it has {_mib(len(text))}, at most {_mib(TEXT_LIMIT)} are kept")
    data = zlib.compress(text.encode("utf-8"))
    if len(data) > PACKED_LIMIT:
        raise TooLarge(
            f"it has {_mib(len(data))} when it is compressed, at most {_mib(PACKED_LIMIT)} are kept"
        )
    return base64.b64encode(data).decode("ascii")


def values_of(key: str, text: str, letters: str, size: int) -> Tuple[str, Dict[str, str]]:
    """Return the head of a record and its parts by key, each of ``size`` bytes at most.

    ``letters`` is what ``packed`` made of the text.
    """
    sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
    whole = Head("", 0, sha256, letters).to_text()
    if len(whole) <= size:
        return whole, {}
    pieces = [letters[start : start + size] for start in range(0, len(letters), size)]
    # The same text cut in another way is other parts; those of another record are never shared.
    name = f"{key}\n{size}\n{sha256}".encode()
    digest = hashlib.sha256(name).hexdigest()[:32]
    head = Head(digest, len(pieces), sha256)
    return head.to_text(), dict(zip(head.parts, pieces))


def head_of(value: Optional[str]) -> Optional[Head]:
    """Return what a value says of parts; None for one that is no head.

    Raises ``Unusable`` for a head that is damaged.
    """
    if value is None or not value.startswith(f'{{"{MARK}"'):
        return None
    try:
        about = json.loads(value)[MARK]
        head = Head(
            str(about["digest"]), int(about["parts"]), str(about["sha256"]), str(about["zlib"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable("the list of its parts is damaged") from error
    if not 0 <= head.count <= 2 * PACKED_LIMIT // SMALLEST:
        raise Unusable("the list of its parts is damaged")
    return head


def text_of(value: str, read: Callable[[str], Optional[str]]) -> str:
    """Return the text that a value stands for; ``read`` returns a part by its key.

    Raises ``Unusable`` where parts are missing or damaged.
    """
    head = head_of(value)
    if head is None:
        return value
    found = [read(key) for key in head.parts]
    missing = sum(part is None for part in found)
    if missing:
        raise Unusable(f"{missing} of its {head.count} parts are missing")
    letters = head.within + "".join(part or "" for part in found)
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(letters, validate=True), TEXT_LIMIT * 4)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise Unusable("its parts are damaged") from error
    if hashlib.sha256(data).hexdigest() != head.sha256:
        raise Unusable("its parts are not those that were written")
    return data.decode("utf-8")


def record_of(value: str, read: Callable[[str], Optional[str]]) -> Record:
    """Return the record that a value stands for; ``read`` returns a part by its key.

    Raises ``Unusable`` with a reason that shows nothing of it.
    """
    text = text_of(value, read)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" ({error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise Unusable(f"it is not JSON{where}") from None
    if not isinstance(record, dict):
        raise Unusable("it does not hold a mapping")
    return record


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
