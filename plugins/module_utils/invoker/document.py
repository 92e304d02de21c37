"""Read what the invoker is asked for: one JSON document, bounded in size, depth and time.

Whoever sends it may be anybody. Nothing in it is believed, and what is not understood is refused.
"""

from __future__ import annotations

import json
import math
import os
import re
import select
import time
from typing import Any, Dict, List, NamedTuple, NoReturn, Tuple

# Exit statuses: 64 and 65 as sysexits.h has them, a wrong use and wrong data.
REFUSED, OTHER_VERSION = 64, 65
MOST_BYTES = 1 << 20
MOST_DEPTH = 32
MOST_DIGITS = 20
SECONDS = 30.0
_KEYS = {
    "version": str,
    "verb": str,
    "check": bool,
    "diff": bool,
    "mark": str,
    "parameters": dict,
}
_MARK = re.compile(r"([0-9a-f]{16})?")
_VERB = re.compile(r"[a-z][a-z_]{0,40}")
_VERSION = re.compile(r"[0-9A-Za-z.+~-]{1,40}")


class Refused(Exception):
    """Say why nothing was done; ``status`` is the exit status."""

    def __init__(self, message: str, status: int = REFUSED) -> None:
        super().__init__(message)
        self.status = status


class Asked(NamedTuple):
    """What is asked for. ``mark`` is the job's, by which what it left running can be ended."""

    verb: str
    version: str
    check: bool
    diff: bool
    mark: str
    parameters: Dict[str, Any]


def receive(descriptor: int, seconds: float = SECONDS) -> bytes:
    """Return everything that is sent, at most ``MOST_BYTES``; raises ``Refused``."""
    until = time.monotonic() + seconds
    parts: List[bytes] = []
    size = 0
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise Refused(f"The document did not end within {seconds:g} s.")
        try:
            part = os.read(descriptor, 1 << 16)
        except OSError as error:
            raise Refused(f"The document cannot be read: {error.strerror}.") from None
        if not part:
            return b"".join(parts)
        size += len(part)
        if size > MOST_BYTES:
            raise Refused(f"The document is larger than {MOST_BYTES} bytes.")
        parts.append(part)


def parse(data: bytes) -> Asked:
    """Return what a document asks for; raises ``Refused``."""
    found = _json(data)
    if not isinstance(found, dict):
        raise Refused("The document is not a JSON object.")
    unknown = sorted(set(found) - set(_KEYS))
    if unknown:
        raise Refused(f"The document has the key {unknown[0]!a:.60}, which nothing is known by.")
    for key, kind in _KEYS.items():
        if key in found and type(found[key]) is not kind:
            raise Refused(f"{key} in the document is not of the type {kind.__name__}.")
    verb, version, mark = found.get("verb", ""), found.get("version", ""), found.get("mark", "")
    for name, value, pattern in (("verb", verb, _VERB), ("mark", mark, _MARK)):
        if not pattern.fullmatch(value):
            raise Refused(f"Invalid {name} {value!a:.60}.")
    if version and not _VERSION.fullmatch(version):
        raise Refused(f"Invalid version {version!a:.60}.")
    return Asked(
        verb,
        version,
        found.get("check", False),
        found.get("diff", False),
        mark,
        found.get("parameters", {}),
    )


def _json(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("The document is not UTF-8.") from None
    if _depth(text) > MOST_DEPTH:
        raise Refused(f"The document is nested more than {MOST_DEPTH} deep.")
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except (ValueError, RecursionError):
        raise Refused("The document is not JSON.") from None
    _check_texts(found)
    return found


def _depth(text: str) -> int:
    """Return how deep brackets are nested outside of strings, in one pass over the text."""
    depth = most = 0
    outside = re.sub(r"\\.", "", text, flags=re.DOTALL).split('"')[::2]
    for mark in re.findall(r"[\[\]{}]", "".join(outside)):
        depth += 1 if mark in "[{" else -1
        most = max(most, depth)
    return most


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("The document has an object in which a key stands twice.")
    return found


def _constant(text: str) -> NoReturn:
    raise Refused(f"The document has the number {text}.")


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise Refused(f"The document has a number of more than {MOST_DIGITS} digits.")
    return int(text)


def _number(text: str) -> float:
    value = float(text) if len(text) <= 2 * MOST_DIGITS else math.inf
    if not math.isfinite(value):
        raise Refused("The document has a number that is too large.")
    return value


def _check_texts(value: Any) -> None:
    """Refuse texts that no file, program or terminal could take."""
    if isinstance(value, str):
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            raise Refused("The document has a text with a NUL or half a character.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
            # Ansible reads more than data out of objects with such keys.
            if key.startswith(("_ansible", "__ansible")):
                raise Refused(f"The document has the key {key!a:.60}, which is Ansible's own.")
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
