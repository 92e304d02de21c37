"""The cluster's monitors, as the command ``ceph`` asks them; and for a dry run, only asked."""

from __future__ import annotations

import errno
import json
import shlex
from typing import Any, Callable, Dict, List, Mapping, Sequence, Set

from adapter.cli.ceph import Ceph, CephError
from adapter.cluster import osd_answers
from adapter.cluster.mon import Mon
from adapter.errors import InvalidValue
from adapter.interface import OrchestratorError
from adapter.interface.confidential import HIDDEN, Unshown

# What is told to the monitors in these words changes nothing.
READING = frozenset(
    (
        "auth get",
        "auth ls",
        "config dump",
        "config generate-minimal-conf",
        "config get",
        "config help",
        "config-key dump",
        "config-key get",
        "fs dump",
        "mds metadata",
        "mds ok-to-stop",
        "mgr dump",
        "mgr metadata",
        "mon dump",
        "mon metadata",
        "mon ok-to-rm",
        "mon ok-to-stop",
        "node ls",
        "osd crush dump",
        "osd df",
        "osd dump",
        "osd metadata",
        "osd ok-to-stop",
        "osd safe-to-destroy",
        "osd tree",
        "quorum_status",
    )
)
# Has the form of a key and is none.
NO_KEY = "A" * 38 + "=="


def words_of(arguments: Dict[str, Any]) -> List[str]:
    """Return the words of a command line for a command's arguments.

    Texts stand in the order in which they were given, which is the monitors' own; ``ceph`` would
    take ``--name`` and ``--id`` for itself. Raises ``InvalidValue`` for a text that it would
    take for an option.
    """
    words = str(arguments["prefix"]).split()
    options: List[str] = []
    for name, value in arguments.items():
        if name == "prefix":
            continue
        if name in ("format", "max"):
            options += [f"--{name}", str(value)]
        elif value is True:
            options.append("--" + name.replace("_", "-"))
        else:
            words += [_text(name, each) for each in (value if isinstance(value, list) else [value])]
    return [*words, *options]


def _text(name: str, value: Any) -> str:
    text = str(value)
    if text.startswith("-"):
        said = HIDDEN if isinstance(value, Unshown) else text
        raise InvalidValue(name, said, "`ceph` would take it for an option", "Use `ceph orch`.")
    return text


class CephMon:
    """The monitors, as an administrator's ``ceph`` reaches them.

    Before something is done to an OSD ``before_change`` is called, which may raise.
    """

    def __init__(self, ceph: Ceph, before_change: Callable[[], None] = lambda: None) -> None:
        self._ceph, self._before_change = ceph, before_change

    def command(self, **arguments: Any) -> str:
        """Run a mon command and return its output; raises ``OrchestratorError``."""
        given = arguments.pop("inbuf", None)
        words = words_of(arguments)
        if arguments["prefix"].startswith("osd ") and arguments["prefix"] not in READING:
            self._before_change()
        try:
            if given is not None:
                return self._ceph(*words, "-i", "-", given=given)
            return self._ceph(*words)
        except CephError as error:
            text = f"{arguments['prefix']}: {error.reason}"
            raise OrchestratorError(text, errno=-(error.status or errno.EIO)) from None

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS; raises ``OrchestratorError``."""
        try:
            return self._ceph.object_text(pool, namespace, _text("object", name))
        except CephError as error:
            text = f"rados://{pool}/{namespace}/{name}: {error.reason}"
            raise OrchestratorError(text, errno=-(error.status or errno.EIO)) from None

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return pgid, state, up and acting of all placement groups."""
        found = self._ceph.json("pg", "dump", "pgs")
        rows = found.get("pg_stats") if isinstance(found, dict) else found
        return [row for row in rows or () if isinstance(row, dict)]

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return osd (its id) and num_pgs of all OSDs."""
        found = self._ceph.json("pg", "dump", "osds")
        rows = found.get("osd_stats") if isinstance(found, dict) else found
        return [row for row in rows or () if isinstance(row, dict)]

    def service_map(self) -> Dict[str, Any]:
        """Return what daemons outside the maps said of themselves."""
        try:
            found = self._ceph.json("service", "dump")
        except CephError as error:
            raise OrchestratorError(
                f"service dump: {error.reason}", errno=-(error.status or errno.EIO)
            ) from None
        return found if isinstance(found, dict) else {}

    def silent_osds(self, addresses: Mapping[int, osd_answers.Address]) -> Set[int]:
        """Return the OSDs that do not answer at their addresses now."""
        return osd_answers.silent(addresses)

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Do nothing: a client of the monitors need not reach OSDs, which say it by themselves."""


class DryMon:
    """Ask the monitors and tell them nothing; ``untold`` has the commands that were not run."""

    def __init__(self, mon: Mon) -> None:
        self._mon = mon
        self.untold: List[str] = []

    def command(self, **arguments: Any) -> str:
        """Return the answer to a question; of a change, what a run would have gone on with."""
        if arguments["prefix"] in READING:
            return self._mon.command(**arguments)
        hidden = ("format", "inbuf")
        shown = {
            name: repr(HIDDEN) if isinstance(each, Unshown) else each
            for name, each in arguments.items()
            if name not in hidden
        }
        words = words_of(shown)
        words += ["-i", "FILE"] if "inbuf" in arguments else []
        self.untold.append(shlex.join(["ceph", *words]))
        if arguments["prefix"] == "auth get-or-create":
            return json.dumps([{"entity": arguments["entity"], "key": NO_KEY}])
        return ""

    def object_text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object in RADOS."""
        return self._mon.object_text(pool, namespace, name)

    def pg_stats(self) -> List[Dict[str, Any]]:
        """Return the placement groups."""
        return self._mon.pg_stats()

    def osd_stats(self) -> List[Dict[str, Any]]:
        """Return what the OSDs said last of themselves."""
        return self._mon.osd_stats()

    def service_map(self) -> Dict[str, Any]:
        """Return what daemons outside the maps said of themselves."""
        return self._mon.service_map()

    def silent_osds(self, addresses: Mapping[int, osd_answers.Address]) -> Set[int]:
        """Return the OSDs that do not answer at their addresses now."""
        return self._mon.silent_osds(addresses)

    def tell_pgs(self, osd_ids: Sequence[int]) -> None:
        """Ask OSDs to say now how their placement groups are."""
        self._mon.tell_pgs(osd_ids)
