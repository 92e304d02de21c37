"""The questions that are put to the monitors, and their answers as data."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import (
    Any,
    Collection,
    Dict,
    FrozenSet,
    List,
    Sequence,
    Set,
    Tuple,
)

from adapter.cluster.crush_rules import CrushMap, read_crush
from adapter.cluster.daemon_identity import ClusterNames, read_mon_addresses, read_names
from adapter.cluster.failure_domains import Placements, read_ratios, read_usage
from adapter.cluster.fs_map import (
    FileSystemState,
    FsMap,
    read_file_systems,
    read_fs_map,
    rows_of,
)
from adapter.cluster.keys_and_options import KeysAndOptions
from adapter.cluster.locations import CrushTree, read_mon_locations, read_tree
from adapter.cluster.managers import Managers, read_managers
from adapter.cluster.mon_leaders import check_leader
from adapter.cluster.mon_sites import check_joins, check_site, read_sites
from adapter.cluster.osd_map import (
    Osd,
    OsdMap,
    OsdMetadata,
    Safety,
    read_json,
    read_metadata,
    read_osd_map,
    read_pg_counts,
    read_safety,
)
from adapter.cluster.pg_states import (
    Left,
    doubt,
    is_complete,
    is_inconsistent,
    is_served,
    is_whole,
    not_whole_on,
    read_left,
    unknown_pgs,
    waited_for,
)
from adapter.cluster.pool_sizes import Pool, Shortage, read_pools, shortages
from adapter.cluster.told_daemons import FIELDS, ToldDaemon, read_daemons
from adapter.interface import OrchestratorError

# So many OSDs at most are asked at a time to say now how their placement groups are.
HASTENED = 64


class Maps(KeysAndOptions):
    """Ask the monitors. Every answer is theirs of this moment: nothing is remembered here.

    All methods raise ``OrchestratorError``.
    """

    def osd_map(self) -> OsdMap:
        """Return the OSDs."""
        found = read_osd_map(self._read("osd dump"), self._read("osd tree"))
        if not any(osd.destroyed for osd in found.osds.values()):
            return found
        return replace(found, missing=self.incomplete(found.pgs))

    def incomplete(self, count: int) -> int:
        """Return how many placement groups, of ``count``, do not serve all of their data."""
        states = [row.get("state") for row in self._mon.pg_stats()]
        unseen = max(0, count - len(states))
        return unseen + sum(not is_complete(state) for state in states)

    def metadata(self) -> Dict[int, OsdMetadata]:
        """Return what the OSDs said of themselves."""
        return read_metadata(self._read("osd metadata"))

    def pg_counts(self) -> Dict[int, int]:
        """Return the number of placement groups by OSD."""
        return read_pg_counts(self._read("osd df"))

    def placements(self, osd_map: OsdMap, leaving: Collection[int]) -> Placements:
        """Return where data may be while OSDs are ``leaving`` already."""
        dump, osds = self._read("osd dump"), osd_map.osds.values()
        nearfull, full = read_ratios(dump)
        return Placements(
            crush=read_crush(self._read("osd crush dump")),
            pools=tuple(read_pools(dump).values()),
            usage=read_usage(self._read("osd df")),
            able=[osd.osd_id for osd in osds if osd.up and osd.reweight > 0],
            leaving=leaving,
            nearfull=nearfull,
            full=full,
        )

    def all_clean(self, count: int) -> bool:
        """Tell whether all placement groups, so many, have all copies by their statistics."""
        rows = self._mon.pg_stats()
        return len(rows) >= count and all(is_whole(row.get("state")) for row in rows)

    def doubt(self, osd: Osd, osd_map: OsdMap) -> str:
        """Return what speaks against removing an OSD: copies that differ, of which it may have one.

        Of one that is down nobody says which placement groups it had: any of them counts.
        """
        rows = self._mon.pg_stats()
        unheard = unknown_pgs(rows, osd_map.pgs)
        if unheard:
            return (
                f"the state of {unheard} placement group{'s' if unheard > 1 else ''} is not known "
                "yet: a manager that has just begun waits until OSDs have said it"
            )
        if osd.up:
            return read_left(rows, [osd.osd_id], osd_map.pools)[osd.osd_id].doubt()
        return doubt(sum(is_inconsistent(row.get("state")) for row in rows), "")

    def active_pgs(self) -> Tuple[int, int]:
        """Return of how many placement groups is known how they are, and how many are active.

        A manager that has just begun lists all as unknown until OSDs have told it of them.
        """
        states = [str(row.get("state")) for row in self._mon.pg_stats()]
        known = [state for state in states if state != "unknown"]
        return len(known), sum(map(is_served, known))

    def served_without(self, ids: Collection[int]) -> bool:
        """Tell whether all placement groups serve, and none counts on one of these OSDs."""
        return waited_for(self._mon.pg_stats(), ids)[0]

    def hasten_without(self, ids: Collection[int]) -> None:
        """Let others than these OSDs say now what ``served_without`` waits to hear from them."""
        _, others = waited_for(self._mon.pg_stats(), ids)
        self._mon.tell_pgs(sorted(others)[:HASTENED])

    def whole_with(self, ids: Collection[int]) -> bool:
        """Tell whether all placement groups are whole; if not, have OSDs say now how they are.

        ``ids`` are OSDs that came back: groups may be theirs of which others spoke last.
        """
        others = not_whole_on(self._mon.pg_stats())
        if others:
            self._mon.tell_pgs([*sorted(ids), *sorted(others - set(ids))][:HASTENED])
        return not others

    def stored(self) -> Dict[int, int]:
        """Return how many placement groups each OSD said last that it has on its disk.

        Those that it is still deleting count as well. Some seconds old.
        """
        return {
            int(row["osd"]): int(row.get("num_pgs") or 0)
            for row in self._mon.osd_stats()
            if "osd" in row
        }

    def left(self, osd_ids: Sequence[int], osd_map: OsdMap) -> Dict[int, Left]:
        """Return the placement groups on OSDs."""
        return read_left(self._mon.pg_stats(), osd_ids, osd_map.pools)

    def safety(self, ids: Sequence[int]) -> Safety:
        """Return which OSDs can be destroyed without losing data."""
        try:
            return read_safety(self._read("osd safe-to-destroy", ids=[str(each) for each in ids]))
        except OrchestratorError as error:
            # Where none is safe the answer is an error with a sentence, and no JSON.
            if abs(error.errno) not in (errno.EBUSY, errno.EAGAIN):
                raise
            if len(ids) > 1:
                return Safety(stored_pgs=tuple(ids))
            if "currently mapped" in str(error):
                return Safety(active=tuple(ids))
            known = abs(error.errno) == errno.EBUSY
            return Safety(stored_pgs=tuple(ids)) if known else Safety(missing_stats=tuple(ids))

    def need(self, osd: Osd, osd_map: OsdMap) -> str:
        """Return why what is on the disk of an OSD that is down must stay, or nothing.

        ``safe-to-destroy`` calls a group clean of which scrubs found that its copies differ.
        """
        return self.safety([osd.osd_id]).reason(osd.osd_id) or self.doubt(osd, osd_map)

    def ok_to_stop(self, ids: Sequence[int], most: int = 1) -> List[int]:
        """Return OSDs that can stop together now: those of ``ids`` and up to ``most`` in all.

        Raises ``OrchestratorError`` with the placement groups in the way.
        """
        arguments: Dict[str, Any] = {"ids": [str(each) for each in ids]}
        if most > 1:
            arguments["max"] = most
        answer = read_json(self._read("osd ok-to-stop", **arguments), "osd ok-to-stop")
        return [int(each) for each in answer.get("osds") or ()]

    def shortages(self, ids: Collection[int], up: Collection[int]) -> List[Shortage]:
        """Return by pool how many placement groups would have too few copies without OSDs."""
        return shortages(self._mon.pg_stats(), read_pools(self._read("osd dump")), ids, up)

    def peers(self, ids: Collection[int]) -> Set[int]:
        """Return the OSDs that have placement groups together with some of ``ids``."""
        asked = set(ids)
        found: Set[int] = set()
        for row in self._mon.pg_stats():
            beside = {*row.get("up", ()), *row.get("acting", ())}
            found |= beside if beside & asked else set()
        return found - asked

    def silent(self, osds: Collection[Osd]) -> Set[int]:
        """Return which of these OSDs do not answer at their addresses at this moment."""
        return self._mon.silent_osds({osd.osd_id: osd.address for osd in osds if osd.address[0]})

    def drain(self, osd_id: int) -> None:
        """Let the data of an OSD that leaves for good move away."""
        self._mon.command(prefix="osd crush reweight", name=f"osd.{osd_id}", weight=0.0)

    def set_crush_weight(self, osd_id: int, weight: float) -> None:
        """Give an OSD its weight back."""
        self._mon.command(prefix="osd crush reweight", name=f"osd.{osd_id}", weight=weight)

    def set_weight_in(self, osd_id: int, bucket_type: str, bucket: str, weight: float) -> None:
        """Give an OSD its weight back in one of its places in CRUSH."""
        place = [f"{bucket_type}={bucket}"]
        # The monitors take a number here; only the `ceph` command makes one of osd.ID.
        self._mon.command(prefix="osd crush set", id=osd_id, weight=weight, args=place)

    def out(self, osd_id: int) -> None:
        """Let the data of an OSD that comes back on a new disk move away."""
        self._mon.command(prefix="osd out", ids=[str(osd_id)])

    def mark_in(self, osd_id: int) -> None:
        """Take an OSD back in."""
        self._mon.command(prefix="osd in", ids=[str(osd_id)])

    def down(self, osd_id: int) -> None:
        """Say that an OSD is down, which its host has seen."""
        self._mon.command(prefix="osd down", ids=[str(osd_id)])

    def destroy(self, osd_id: int) -> None:
        """Mark an OSD destroyed: its id and place stay for the next disk."""
        self._mon.command(prefix="osd destroy-actual", id=osd_id, yes_i_really_mean_it=True)

    def purge(self, osd_id: int) -> None:
        """Remove an OSD from all maps."""
        self._mon.command(prefix="osd purge-actual", id=osd_id, yes_i_really_mean_it=True)

    def forget_mds(self, daemon_id: str) -> None:
        """Take a metadata server that is gone out of the map; one that said so itself is out.

        The monitors wait for others' signs of life before they drop one, for ever without any.
        """
        for row, _ in rows_of(read_json(self._read("fs dump"), "fs dump")):
            if row.get("name") == daemon_id:
                self._mon.command(prefix="mds fail", role_or_gid=str(row["gid"]))

    def mon_locations(self) -> Dict[str, FrozenSet[str]]:
        """Return where CRUSH has each mon (``datacenter=a``), by its name."""
        return read_mon_locations(self._read("mon dump"))

    def set_mon_location(self, name: str, location: Sequence[str]) -> None:
        """Say where CRUSH has a mon."""
        self._mon.command(prefix="mon set_location", name=name, args=list(location))

    def crush_tree(self) -> CrushTree:
        """Return the buckets of CRUSH."""
        return read_tree(self._read("osd tree"))

    def put_host(self, name: str, location: Sequence[str]) -> None:
        """Make a host's bucket in CRUSH, and have it there; what it is in is made as well."""
        self._mon.command(prefix="osd crush add-bucket", name=name, type="host")
        self._mon.command(prefix="osd crush move", name=name, args=list(location))

    def gateway_admin(self, *words: str) -> str:
        """Run ``radosgw-admin`` by the manager's module ``rgw``, and return its output."""
        return self._mon.command(prefix="rgw admin", params=list(words))

    def set_zonegroup_hostnames(
        self, realm: str, group: str, zone: str, hostnames: Sequence[str]
    ) -> None:
        """Say under which host names the gateways of a zonegroup are reached."""
        self._mon.command(
            prefix="rgw zonegroup modify",
            realm_name=realm,
            zonegroup_name=group,
            zone_name=zone,
            hostnames=list(hostnames),
        )

    def quorum(self) -> Tuple[List[str], List[str]]:
        """Return the names of the mons in quorum, and of all mons."""
        status = read_json(self._read("quorum_status"), "quorum_status")
        known = [str(mon["name"]) for mon in status["monmap"]["mons"]]
        return [str(name) for name in status.get("quorum_names") or ()], known

    def leader(self) -> str:
        """Return the name of the monitor that leads, empty without a quorum."""
        status = read_json(self._read("quorum_status"), "quorum_status")
        return str(status.get("quorum_leader_name") or "")

    def releases(self) -> Dict[str, str]:
        """Return the oldest release that monitors and OSDs may have, by the option's name."""
        mons = read_json(self._read("mon dump"), "mon dump")
        osds = read_json(self._read("osd dump"), "osd dump")
        return {
            "min_mon_release": str(mons.get("min_mon_release_name") or ""),
            "require_osd_release": str(osds.get("require_osd_release") or ""),
        }

    def require_osd_release(self, release: str) -> None:
        """Let no OSD of an older release start any more."""
        self._mon.command(prefix="osd require-osd-release", release=release)

    def data_rules(self) -> Tuple[CrushMap, Tuple[Pool, ...]]:
        """Return the CRUSH map and the pools: where data can be."""
        pools = read_pools(self._read("osd dump"))
        return read_crush(self._read("osd crush dump")), tuple(pools.values())

    def file_systems(self) -> List[FileSystemState]:
        """Return of each file system how many ranks it has, and is to have."""
        return read_file_systems(read_json(self._read("fs dump"), "fs dump"))

    def set_file_system(self, name: str, setting: str, value: str) -> None:
        """Change a setting of a file system."""
        self._mon.command(prefix="fs set", fs_name=name, var=setting, val=value)

    def mon_addresses(self) -> Dict[str, FrozenSet[str]]:
        """Return the addresses of all mons by name."""
        found = read_mon_addresses(self._read("mon dump"))
        return {name.partition(".")[2]: addresses for name, addresses in found.items()}

    def daemon_names(self) -> ClusterNames:
        """Return on which hosts the cluster has its daemons."""
        return read_names(self._read("node ls"), self._read("mon dump"), self._mon.service_map())

    def told_daemons(self) -> List[ToldDaemon]:
        """Return the daemons with what each told of its host."""
        metadata = {kind: self._read(f"{kind} metadata") for kind in FIELDS}
        return read_daemons(metadata, self._read("mon dump"), self._mon.service_map())

    def mon_can_go(self, name: str, *going: str) -> None:
        """Raise with the reason if a mon cannot leave without the quorum, when others are down."""
        self._mon.command(prefix="mon ok-to-rm", id=name)
        self._check_leader({name, *going})

    def remove_mon(self, name: str) -> None:
        """Take a mon out of the map."""
        self._mon.command(prefix="mon rm", name=name)

    def mon_can_stop(self, *names: str) -> None:
        """Raise with the reason if mons cannot be stopped together without the quorum."""
        self._mon.command(prefix="mon ok-to-stop", ids=list(names))
        self._check_leader(names)

    def check_joins(self, wanted: Sequence[Tuple[str, str, Sequence[str]]]) -> None:
        """Raise ``AdapterError`` for new mons, with address and location, that could not join."""
        check_joins(read_json(self._read("quorum_status"), "quorum_status"), wanted)

    def check_site(self, name: str) -> None:
        """Raise ``AdapterError`` for the last mon of a site of a cluster in stretch mode."""
        status = read_json(self._read("quorum_status"), "quorum_status")
        if (status.get("monmap") or {}).get("stretch_mode"):
            sites = read_sites(self._read("osd dump"), self._read("osd tree"))
            check_site(status, sites, name)

    def _check_leader(self, gone: Collection[str]) -> None:
        check_leader(read_json(self._read("quorum_status"), "quorum_status"), gone)

    def mds_can_stop(self, *names: str) -> None:
        """Raise with the reason if MDS cannot be stopped together without a file system."""
        self._mon.command(prefix="mds ok-to-stop", ids=list(names))

    def manager_map(self) -> Managers:
        """Return the managers, and which of them can run this backend."""
        return read_managers(read_json(self._read("mgr dump"), "mgr dump"))

    def public_network(self) -> str:
        """Return the networks of the monitors, as far as the monitors' configuration names them."""
        found = self._mon.command(prefix="config get", who="mon", key="public_network")
        return found.strip().strip('"')

    def fail_over(self, name: str) -> None:
        """Let another manager take over from this one."""
        self._mon.command(prefix="mgr fail", who=name)

    def fs_map(self) -> FsMap:
        """Return the file systems and their metadata servers."""
        return read_fs_map(read_json(self._read("fs dump"), "fs dump"))

    def make_pool(self, name: str, application: str) -> None:
        """Make a pool, unless it is there; raises ``OrchestratorError``."""
        if name in (each.name for each in read_pools(self._read("osd dump")).values()):
            return
        # The monitors ask so where a name begins with a dot.
        self._mon.command(prefix="osd pool create", pool=name, yes_i_really_mean_it=True)
        self._mon.command(prefix="osd pool application enable", pool=name, app=application)

    def minimal_conf(self) -> str:
        """Return the ceph.conf that a host needs to find the monitors."""
        return self._mon.command(prefix="config generate-minimal-conf")
