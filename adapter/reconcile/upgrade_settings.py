"""What an upgrade changes of the cluster for a while, and how it is put back.

What is changed is kept in the record before. Only what was changed from here is put back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Sequence, Tuple

from adapter.cluster.health_mutes import HealthMutes
from adapter.cluster.mon import NoMon
from adapter.cluster.noout import NoOut, ids_of, names_now, nodes_of
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.packages import number
from adapter.cluster.upgrade_by_hand import ByHand
from adapter.cluster.upgrade_plan import OSD, RELEASES, Cluster
from adapter.cluster.upgrade_words import OLD_KEYS
from adapter.cluster.upgrades import FileSystem, Upgrade
from adapter.core import Core

Save = Callable[[Tuple[FileSystem, ...]], Upgrade]


class UpgradeSettings:
    """Change and put back, on a ``Core``. All methods raise ``OrchestratorError``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._noout = NoOut(core.mon or NoMon())
        self._mutes = HealthMutes(core.mon or NoMon())
        self.by_hand = ByHand(core.mon or NoMon())

    def flagged(self, one: Upgrade, osds: Sequence[int]) -> Tuple[Upgrade, List[str]]:
        """Return an upgrade with what has ``noout`` from here when these OSDs go down.

        Beside it what lacks the flag yet.
        """
        there, osd_map = self._noout.there(), self._core.maps.osd_map()
        new = [each for each in nodes_of(osd_map.osds, osds) if each not in there]
        mine = tuple(dict.fromkeys([*one.nodes, *new]))
        ids = {**one.ids, **ids_of(new, osd_map.buckets)}
        return replace(one, nodes=mine, ids=ids), [each for each in mine if each not in there]

    def flag(self, nodes: Sequence[str]) -> None:
        """Set ``noout`` for nodes."""
        self._noout.set(nodes)

    def unflag(self, one: Upgrade) -> None:
        """Take ``noout`` from what has it from here, whatever it is called now."""
        if one.nodes:
            buckets = self._core.maps.osd_map().buckets
            self._noout.unset(names_now(one.nodes, one.ids, buckets))

    def narrow_file_systems(self, one: Upgrade, save: Save) -> str:
        """Leave each file system one rank, and none that only follows; return what is waited for.

        A rank that is taken over by another version than its neighbours' is what that avoids.
        """
        states = self._core.maps.file_systems()
        kept = {each.name: each for each in one.systems}
        for each in states:
            if each.max_mds > 1 or each.standby_replay:
                # What somebody has set since the last time is what he wants to have afterwards.
                before = kept.get(each.name, FileSystem(each.name, each.max_mds, False))
                ranks = each.max_mds if each.max_mds > 1 else before.max_mds
                replay = each.standby_replay or before.standby_replay
                kept[each.name] = FileSystem(each.name, ranks, replay)
        if tuple(kept.values()) != one.systems:
            save(tuple(kept.values()))
        for each in states:
            if each.standby_replay:
                self._core.maps.set_file_system(each.name, "allow_standby_replay", "false")
            if each.max_mds > 1:
                self._core.maps.set_file_system(each.name, "max_mds", "1")
        waiting = [each.name for each in states if each.ranks and not each.is_single]
        if not waiting:
            return ""
        return (
            f"waiting until rank 0 of file system {', '.join(waiting)} is active, and the only one"
        )

    def widen_file_systems(self, one: Upgrade) -> None:
        """Put the settings of file systems back."""
        states = {each.name: each for each in self._core.maps.file_systems()}
        for each in one.systems:
            now = states.get(each.name)
            if now is None:
                continue
            # Another number than this one was set by somebody else.
            if each.max_mds != now.max_mds == 1:
                self._core.maps.set_file_system(each.name, "max_mds", str(each.max_mds))
            if each.standby_replay and not now.standby_replay:
                self._core.maps.set_file_system(each.name, "allow_standby_replay", "true")

    def standing(self) -> Tuple[str, ...]:
        """Return which checks of old keys somebody is to see, whatever an upgrade raises."""
        raised, muted = self._mutes.there()
        return tuple(each for each in OLD_KEYS if each in raised | muted)

    def raised(self, one: Upgrade) -> List[str]:
        """Return which checks of old keys the upgrade has raised, and nobody has muted yet."""
        raised, muted = self._mutes.there()
        return [each for each in OLD_KEYS if each in raised - muted and each not in one.standing]

    def mute(self, codes: Sequence[str]) -> None:
        """Mute checks."""
        self._mutes.mute(codes)

    def unmute(self, one: Upgrade) -> None:
        """Show the checks again that are muted from here."""
        if one.muted:
            self._mutes.unmute(one.muted)

    def require_release(self, cluster: Cluster) -> None:
        """Let OSDs of the release before start no more, where all run this one or a later one."""
        osd_map: OsdMap = self._core.maps.osd_map()
        versions = {each.id: number(each.version) for each in cluster.daemons if each.kind == OSD}
        there = [str(each.osd_id) for each in osd_map.osds.values() if not each.destroyed]
        if not there or any(not versions.get(each) for each in there):
            return
        major = min(versions[each] for each in there)[0]
        required = RELEASES.get(cluster.releases.get("require_osd_release", ""), major)
        name = next((name for name, each in RELEASES.items() if each == major), "")
        if name and required < major:
            self._core.maps.require_osd_release(name)
