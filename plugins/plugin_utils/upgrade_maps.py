# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""What the monitors know of daemons, as an upgrade by hand needs it, and what forbids it.

Sources: the answers of `mgr dump`, `quorum_status`, `osd dump`, `osd tree`, `fs dump` and
`KIND metadata` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Collection, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from .monitors import NoAnswer

MGR, MON, OSD, MDS = "mgr", "mon", "osd", "mds"
# Those that tell the monitors which version they run; of the others their hosts say it.
TOLD = (MGR, MON, OSD, MDS)
ORDER = (*TOLD, "rgw", "rbd-mirror", "cephfs-mirror")
FOLLOWERS = ("crash", "ceph-exporter")
MOST_MAJORS = 2
RELEASES = {
    "pacific": 16,
    "quincy": 17,
    "reef": 18,
    "squid": 19,
    "tentacle": 20,
    "umbrella": 21,
}
NOOUT = "noout"
# Where a manager keeps the upgrade that it carries out.
OF_MANAGERS = "mgr/ansible/upgrade.current"
# What a manager, or orch-ansible from a directory of its own, sets for the time of an upgrade.
UNDER_WAY = "ceph-orch-ansible/upgrade_under_way"
_VERSION = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)(?![\d.])")
_SHOWN = 10


def upstream(version: str) -> str:
    """Return the version of Ceph in one of packages, an empty text where there is none."""
    found = _VERSION.match(version)
    return found.group(1) if found else ""


def number(version: str) -> Tuple[int, ...]:
    """Return what orders versions of Ceph; one that is unknown comes first."""
    return tuple(int(part) for part in upstream(version).split(".") if part)


class Monitors:
    """The monitors' maps, each asked for once. ``ask`` returns what `ceph WORDS` prints.

    All methods raise ``NoAnswer``.
    """

    def __init__(self, ask: Callable[..., str]) -> None:
        self.ask = ask
        self._known: Dict[Tuple[str, ...], Any] = {}

    def again(self) -> Monitors:
        """Return the same that asks anew."""
        return Monitors(self.ask)

    def read(self, *words: str) -> Any:
        """Return the JSON of an answer."""
        if words not in self._known:
            try:
                self._known[words] = json.loads(self.ask(*words, "--format", "json"))
            except ValueError:
                said = f"the monitors' answer to `{' '.join(words)}` is not JSON"
                raise NoAnswer(said) from None
        return self._known[words]

    def there(self, kind: str) -> FrozenSet[str]:
        """Return the ids of the daemons of a kind that are at work, as the maps have it."""
        if kind == MGR:
            found = self.read("mgr", "dump")
            names = [found.get("active_name"), *(row["name"] for row in found["standbys"])]
            return frozenset(str(each) for each in names if each)
        if kind == MON:
            return frozenset(map(str, self.read("quorum_status")["quorum_names"]))
        if kind == OSD:
            rows = self.read("osd", "dump")["osds"]
            return frozenset(str(row["osd"]) for row in rows if row["up"])
        return frozenset(name for name, _ in self._metadata_servers())

    def leads(self, kind: str) -> FrozenSet[str]:
        """Return the active manager, the leader, the metadata servers that have a rank."""
        if kind == MGR:
            return frozenset({str(self.read("mgr", "dump").get("active_name") or "")})
        if kind == MON:
            return frozenset({str(self.read("quorum_status").get("quorum_leader_name") or "")})
        if kind == MDS:
            return frozenset(name for name, state in self._metadata_servers() if state)
        return frozenset()

    def versions(self, kind: str) -> Dict[str, str]:
        """Return which version each daemon at work runs, by its id."""
        key = "id" if kind == OSD else "name"
        said = {str(row.get(key)): row for row in self.read(kind, "metadata")}
        return {
            each: str(said.get(each, {}).get("ceph_version_short") or "")
            for each in self.there(kind)
        }

    def _metadata_servers(self) -> List[Tuple[str, bool]]:
        """Return the metadata servers, and whether each has a rank."""
        found = self.read("fs", "dump")
        rows = [(str(row["name"]), False) for row in found.get("standbys") or ()]
        for system in found.get("filesystems") or ():
            for row in system["mdsmap"]["info"].values():
                rows.append((str(row["name"]), not str(row["state"]).startswith("up:standby")))
        return rows

    def releases(self) -> Dict[str, str]:
        """Return the names in ``min_mon_release`` and ``require_osd_release``."""
        return {
            "min_mon_release": str(
                self.read("quorum_status")["monmap"].get("min_mon_release_name") or ""
            ),
            "require_osd_release": str(self.read("osd", "dump").get("require_osd_release") or ""),
        }

    def flagged(self) -> FrozenSet[str]:
        """Return the CRUSH nodes and OSDs (``osd.3``) that have ``noout`` for themselves."""
        found = self.read("osd", "dump")
        nodes = found.get("crush_node_flags") or {}
        single = (row for row in found["osds"] if NOOUT in (row.get("state") or ()))
        return frozenset(
            [name for name, flags in nodes.items() if NOOUT in flags]
            + [f"osd.{row['osd']}" for row in single]
        )

    def nodes_of(self, ids: Collection[str]) -> Dict[str, int]:
        """Return what the flag is set for, for exactly these OSDs, with the ids in CRUSH.

        It is a host's bucket where all OSDs below it are among them; others are named one by one.
        """
        wanted, found = {int(each) for each in ids}, {}
        for node in self.read("osd", "tree").get("nodes") or ():
            below = {each for each in node.get("children") or () if each >= 0}
            if node.get("type") == "host" and below and below <= wanted:
                found[str(node["name"])] = int(node["id"])
                wanted -= below
        found.update({f"osd.{each}": each for each in sorted(wanted)})
        return found

    def names_of(self, nodes: Mapping[str, int]) -> List[str]:
        """Return what nodes are called now: one that is renamed takes its flag along."""
        tree = self.read("osd", "tree").get("nodes") or ()
        names = {int(node["id"]): str(node["name"]) for node in tree}
        return [names[each] for each in nodes.values() if each in names]

    def stored(self) -> FrozenSet[str]:
        """Return the names of what is in the monitors' store."""
        return frozenset(map(str, self.read("config-key", "ls")))


def due(
    monitors: Monitors,
    rows: Sequence[Mapping[str, Any]],
    kinds: Collection[str],
    target: str,
    halfway: Collection[str] = (),
) -> List[Mapping[str, Any]]:
    """Return a host's daemons of these kinds that do not run the target; those that lead last.

    One that somebody has stopped runs the new version when he starts it. Those that were started
    ``halfway`` through their packages are due whatever they run.
    """
    found = []
    for row in rows:
        kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
        if kind not in kinds:
            continue
        told = monitors.versions(kind) if kind in TOLD else {}
        if row["state"] in ("stopped", "unknown") and identity not in told:
            continue
        version = told.get(identity, "") if kind in TOLD else str(row["version"])
        if upstream(version) != upstream(target) or name_of(row) in halfway:
            found.append(row)
    return sorted(found, key=lambda row: (is_leading(monitors, row), row["daemon_id"]))


def run_already(monitors: Monitors, rows: Sequence[Mapping[str, Any]], target: str) -> List[str]:
    """Return the daemons of a host that run the target, but for those that follow packages."""
    old = due(monitors, rows, ORDER, target)
    return [
        name_of(row)
        for row in rows
        if row["daemon_type"] in ORDER and row["state"] == "running" and row not in old
    ]


def old_daemons(monitors: Monitors, target: str) -> List[str]:
    """Return the daemons at work, of those that tell the monitors, that do not run the target."""
    return [
        f"{kind}.{each}"
        for kind in TOLD
        for each, version in sorted(monitors.versions(kind).items())
        if upstream(version) != upstream(target)
    ]


def not_back(monitors: Monitors, kind: str, rows: Sequence[Mapping[str, Any]], target: str) -> str:
    """Return which daemons of a kind the maps do not show with the target, and what they run."""
    told = monitors.versions(kind)
    missing = []
    for row in rows:
        version = told.get(row["daemon_id"])
        if version is None:
            missing.append(f"{name_of(row)} is not up")
        elif upstream(version) != upstream(target):
            missing.append(f"{name_of(row)} runs {version}")
    return ", ".join(missing)


def name_of(row: Mapping[str, Any]) -> str:
    """Return e.g. ``osd.3``."""
    return f"{row['daemon_type']}.{row['daemon_id']}"


def is_leading(monitors: Monitors, row: Mapping[str, Any]) -> bool:
    """Tell whether a daemon leads: it has its turn after the others."""
    return row["daemon_type"] in TOLD and row["daemon_id"] in monitors.leads(row["daemon_type"])


def others(monitors: Monitors) -> List[str]:
    """Return whether a manager or ``orch-ansible`` is at an upgrade."""
    there = {OF_MANAGERS, UNDER_WAY} & monitors.stored()
    if not there:
        return []
    lost = "" if OF_MANAGERS in there else f"; if neither has one, `ceph config-key rm {UNDER_WAY}`"
    return [
        "a manager or orch-ansible has an upgrade under way; `ceph orch upgrade stop` or "
        f"`orch-ansible upgrade stop` ends it{lost}"
    ]


def refusals(
    monitors: Monitors, kinds: Collection[str], target: str, *, older: bool = False
) -> List[str]:
    """Return what forbids to upgrade daemons of these kinds now; the words are the manager's.

    ``older`` lets daemons go back to an older version of the same release.
    """
    found = others(monitors)
    managers = sorted(monitors.there(MGR))
    ran = monitors.versions(MGR)
    # Back from a version in which no manager starts: the one that is left stays where it is.
    stays = older and all(upstream(ran[each]) == upstream(target) for each in managers)
    if len(managers) < 2 and not (managers and stays):
        names = ", ".join(f"mgr.{each}" for each in managers) or "none"
        found.append(f"another manager has to take over meanwhile, and the only one is {names}")
    told = {
        f"{kind}.{each}": version
        for kind in TOLD
        for each, version in sorted(monitors.versions(kind).items())
    }
    found += _too_far(told, monitors.releases(), target, older)
    last = max((ORDER.index(each) for each in kinds if each in ORDER), default=0)
    earlier = [
        name
        for name, version in told.items()
        if name.partition(".")[0] in ORDER[:last]
        and name.partition(".")[0] not in kinds
        and upstream(version) != upstream(target)
    ]
    if earlier:
        found.append(
            f"{ORDER[last]} daemons are upgraded after those of earlier kinds: {some(earlier)} "
            "come first"
        )
    return found


def _too_far(
    told: Mapping[str, str], releases: Mapping[str, str], target: str, older: bool
) -> List[str]:
    found, wanted = [], number(target)
    newer = [f"{name} ({each})" for name, each in told.items() if number(each) > wanted]
    if newer and not older:
        found.append(f"a newer version runs already: {some(newer)}")
    later = [
        f"{name} ({each})"
        for name, each in told.items()
        if number(each) > wanted and number(each)[:2] != wanted[:2]
    ]
    later += [
        f"{option} ({name})"
        for option, name in releases.items()
        if RELEASES.get(name, 0) > wanted[0]
    ]
    if later and older:
        found.append(
            f"Ceph has no way back from one release to another, and of a later one than {target} "
            f"are {some(later)}"
        )
    old = [
        name
        for name, each in told.items()
        if number(each) and wanted[0] - number(each)[0] > MOST_MAJORS
    ]
    if old:
        found.append(
            f"{target} is more than {MOST_MAJORS} releases ahead of {some(old)}: go there by a "
            "release between"
        )
    for option, name in releases.items():
        if name in RELEASES and wanted[0] - RELEASES[name] > MOST_MAJORS:
            found.append(f"{option} is {name}, more than {MOST_MAJORS} releases behind {target}")
    return found


def release_to_require(monitors: Monitors) -> str:
    """Return the release that all OSDs run, where less is required; else an empty text.

    An OSD that is down has told its version when it was up last; one that has not is unknown.
    """
    rows = monitors.read("osd", "dump")["osds"]
    there = [str(row["osd"]) for row in rows if "destroyed" not in (row.get("state") or ())]
    said = {str(row.get("id")): row for row in monitors.read(OSD, "metadata")}
    numbers = [number(str(said.get(each, {}).get("ceph_version_short") or "")) for each in there]
    if not numbers or not all(numbers):
        return ""
    major = min(numbers)[0]
    required = RELEASES.get(monitors.releases()["require_osd_release"], major)
    name = next((name for name, each in RELEASES.items() if each == major), "")
    return name if required < major else ""


def systems_of(monitors: Monitors) -> List[Dict[str, Any]]:
    """Return of each file system how many ranks it is to have and has, and who follows."""
    found = []
    for row in monitors.read("fs", "dump").get("filesystems") or ():
        known = row["mdsmap"]
        info = known["info"].values()
        ready = sorted(each["rank"] for each in info if each["state"] == "up:active")
        found.append(
            {
                "name": str(known["fs_name"]),
                "max_mds": int(known["max_mds"]),
                "standby_replay": bool(
                    (known.get("flags_state") or {}).get("allow_standby_replay")
                ),
                "is_single": sorted(known["in"]) == [0] and ready == [0],
                "has_ranks": bool(known["in"]),
            }
        )
    return found


def some(names: Sequence[str]) -> str:
    """Return names as a text, the first ones where there are many."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
