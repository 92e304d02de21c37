"""Ask the monitors what they know of OSDs, with the key that a host has for making OSDs."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..system.addresses import usable_address
from ..system.command import Answer, Command, find_program, last_line, run
from ..system.json_cache import RUN_DIR
from ..system.reading import clean

KEYRING = "/var/lib/ceph/bootstrap-osd/ceph.keyring"
KEYRING_MARK = "# Put here by ceph-orch-ansible. Remove this line to keep the file."
_TIMEOUT = 60.0
_INFO = ("osd", "info", "--format", "json")
_METADATA = ("osd", "metadata", "--format", "json")


class NoAnswer(Exception):
    """Say why the monitors could not be asked."""


class Who(NamedTuple):
    """Who asks the monitors: a name of theirs, and the path of its keyring."""

    name: str
    keyring: str


HOST = Who("client.bootstrap-osd", KEYRING)


def known_osds(who: Who = HOST) -> Dict[int, Dict[str, Any]]:
    """Return the cluster's OSDs by id, each as ``parse_osds`` has it; raise ``NoAnswer``."""
    return parse_osds(_ask(who, *_INFO))


def known_places(who: Who = HOST) -> Dict[int, str]:
    """Return the hosts that the OSDs named when they started last, by id; raise ``NoAnswer``."""
    try:
        rows = json.loads(_ask(who, *_METADATA))
        return {int(row["id"]): clean(row.get("hostname") or "") for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswer(f"What the OSDs say of themselves cannot be read: {error!r}.") from None


class Question:
    """Which OSDs the cluster has, asked while the host looks at its disks."""

    def __init__(self, who: Who) -> None:
        self._command = Command(_argv(who, _INFO))
        self._known: Optional[Dict[int, Dict[str, Any]]] = None

    def answer(self) -> Dict[int, Dict[str, Any]]:
        """Return the OSDs by id, each as ``parse_osds`` has it; raise ``NoAnswer``."""
        if self._known is None:
            self._known = parse_osds(_out(_INFO, self._command.result(_TIMEOUT)))
        return self._known

    def close(self) -> None:
        """Give up what nobody has waited for."""
        self._command.end()


@contextlib.contextmanager
def asked(keyring: str = "") -> Iterator[Question]:
    """Ask the monitors for all OSDs and give the ``Question``.

    ``keyring`` is the text of a keyring of client.bootstrap-osd; by default it is the host's own.
    """
    with asking(keyring) as who, contextlib.closing(Question(who)) as question:
        yield question


@contextlib.contextmanager
def asking(keyring: str = "", otherwise: Who = HOST) -> Iterator[Who]:
    """Give who asks with the text of a keyring of client.bootstrap-osd, or ``otherwise``."""
    if not keyring.strip():
        yield otherwise
        return
    with _private_copy(keyring) as path:
        yield Who(HOST.name, path)


def forget_new(osd_uuid: str) -> None:
    """Have the cluster forget an OSD that was begun and has never run; other OSDs are kept."""
    for osd_id, row in known_osds().items():
        if row["uuid"] == osd_uuid and "new" in row["states"]:
            _ask(HOST, "osd", "purge-new", f"osd.{osd_id}", "--yes-i-really-mean-it")


@contextlib.contextmanager
def _private_copy(text: str) -> Iterator[str]:
    """Give a file in memory that only this user can read, for as long as it is needed."""
    os.makedirs(RUN_DIR, mode=0o700, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=RUN_DIR, prefix="keyring-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            # Ceph does not read a last line without its end.
            stream.write(text.rstrip() + "\n")
        yield path
    finally:
        os.unlink(path)


def _ask(who: Who, *words: str) -> str:
    return _out(words, run(_argv(who, words), _TIMEOUT))


def _argv(who: Who, words: Iterable[str]) -> List[str]:
    argv = [find_program("ceph") or "ceph", "--connect-timeout", "20"]
    return [*argv, "--name", who.name, "--keyring", who.keyring, *words]


def _out(words: Sequence[str], answer: Answer) -> str:
    if answer.problem:
        said = last_line(answer.err) or answer.problem
        raise NoAnswer(
            f"The monitors do not answer `ceph {' '.join(words[:2])}`: {clean(said)}. Check the "
            "host's /etc/ceph/ceph.conf, its key for making OSDs, and its way to the monitors."
        )
    return answer.out


def parse_osds(text: str) -> Dict[int, Dict[str, Any]]:
    """Return the OSDs of the JSON of ``ceph osd info`` by id.

    Each has ``uuid``, ``states`` and ``addresses``, which are those that it had when it was up
    last. Raises ``NoAnswer`` for anything else.
    """
    try:
        return {
            int(row["osd"]): {
                "uuid": str(row["uuid"]),
                "states": [str(x) for x in row["state"]],
                "addresses": _addresses(row),
            }
            for row in json.loads(text)
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswer(f"The monitors' list of OSDs cannot be read: {error!r}.") from None


def _addresses(row: Mapping[str, Any]) -> List[str]:
    """Return the addresses of an OSD, without ports."""
    texts = [str(row.get(name) or "") for name in ("public_addr", "cluster_addr")]
    for name in ("public_addrs", "cluster_addrs"):
        texts += [str(each.get("addr") or "") for each in (row.get(name) or {}).get("addrvec", ())]
    hosts = [text.partition("/")[0].rpartition(":")[0].strip("[]") for text in texts]
    return sorted({text for text in map(usable_address, hosts) if text})


def problem_of_reuse(osd_id: int, known: Mapping[int, Mapping[str, Any]]) -> str:
    """Return why an id cannot be taken again, or an empty text.

    ceph-volume does not look closely: it makes an id that nobody has, and takes back one that an
    OSD has just got.
    """
    row = known.get(osd_id)
    if row is None:
        return f"Invalid osd_ids {osd_id}: the cluster has no such id. Leave it out."
    if "destroyed" not in row["states"]:
        return (
            f"Invalid osd_ids {osd_id}: osd.{osd_id} is not destroyed. Destroy it first with `ceph "
            f"osd destroy {osd_id}`, or leave its id out."
        )
    return ""
