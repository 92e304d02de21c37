"""What must be true when an interleaving is over and everything that lasted is undone."""

from __future__ import annotations

import time

from tests.lab_tests.osds.interleaving_agent import Refused
from tests.lab_tests.osds.interleaving_events import Others, Standing
from tests.lab_tests.osds.interleaving_ground import Ground, within
from tests.lab_tests.osds.interleaving_oracle import Asked, Oracle, is_clean
from tests.lab_tests.osds.interleaving_plan import Slot

QUEUE_SECONDS = 90.0
DATA_SECONDS = 60.0
UP_SECONDS = 40.0
# A reason that is true and has not changed for so long is where a queue stands still.
STEADY = 8.0


class Verdict:
    """Judge one interleaving."""

    def __init__(
        self, ground: Ground, oracle: Oracle, others: Others, slots: dict[Slot, Standing]
    ) -> None:
        self._ground = ground
        self._agent = ground.agent
        self._oracle = oracle
        self._others = others
        self._slots = slots
        self._groups = ground.groups()
        self.wrong: list[str] = []
        self.lossy_pools: set[str] = set()
        self.outcome = "ended"

    def judge(self) -> None:
        """Wait for what must come, and note what is wrong."""
        self._give_weights_back()
        waiting = self._wait_for_queue()
        self._judge_data()
        if waiting:
            self._end_waiting(waiting)
        self._judge_osds()
        self._judge_wipes()

    def _give_weights_back(self) -> None:
        """Undo what others did to OSDs that stay, or the queue may have nowhere to go."""
        queued = self._oracle.seen.queue
        # A purged daemon that runs on boots into the map again, and into no place of CRUSH.
        placed = {node["id"] for node in self._ground.nodes()}
        rows = self._agent.ask("osd dump")["osds"]
        destroyed = {int(row["osd"]) for row in rows if "destroyed" in row["state"]}
        for standing in self._slots.values():
            osd = standing.osd_id
            if osd not in self._others.touched or osd in queued:
                continue
            if osd in destroyed:
                # Somebody weighed it after that: CRUSH maps groups to it, and nobody serves them.
                self._agent.ask("osd out", ids=[str(osd)])
            if self._ground.alive().get(osd) != standing.uuid:
                continue
            self._agent.ask("osd in", ids=[str(osd)])
            self._agent.ask("osd reweight", id=osd, weight=1.0)
            if osd in placed:
                name = f"osd.{osd}"
                self._agent.ask("osd crush reweight", name=name, weight=standing.weight)

    # The queue.

    def _wait_for_queue(self) -> dict[int, str]:
        """Return the OSDs that wait, each with a reason that is true; note others as wrong."""
        began, since = time.monotonic(), {}
        while True:
            seen = self._oracle.seen
            if seen.answered > began and not seen.queue:
                return {}
            now = time.monotonic()
            said = {osd: str(row["drain_status"]) for osd, row in seen.queue.items()}
            since = {osd: since.get((osd), (text, now)) for osd, text in said.items()}
            since = {o: v if v[0] == said[o] else (said[o], now) for o, v in since.items()}
            steady = all(now - moment > STEADY for _, moment in since.values())
            if said and steady and all(self._is_true(osd, said[osd]) for osd in said):
                self.outcome = f"waits: {'; '.join(said.values())}"[:160]
                return said
            if now - began > QUEUE_SECONDS:
                self.outcome = "the queue hangs"
                self.wrong.append(f"the queue does not end, and this explains nothing: {said}")
                return said
            time.sleep(0.3)

    def _is_true(self, osd: int, text: str) -> bool:
        """Tell whether what a removal waits for is so, and does not change by itself."""
        placement = self._agent.placement() or {}
        if "nothing moves" in text:
            # By the statistics: who had a group last counts while nobody else has served it.
            return any(osd in row["old"] for row in placement.values())
        if "PG" in text or "placement group" in text:
            # Only what somebody lost stays so.
            return bool(self._oracle.lossy) and not is_clean(placement)
        return False

    def _end_waiting(self, waiting: dict[int, str]) -> None:
        """Give a queue what it waits for, or take back what has no place to go."""
        for pool in self.lossy_pools:
            self._ground.drop(pool)
        if self.lossy_pools and not within(30, self._still_queued):
            self.outcome += "; then ended"
            return
        for osd in list(self._oracle.seen.queue):
            uuid = next((a.uuid for a in self._oracle.asked.values() if a.osd_id == osd), "")
            try:
                answer = self._agent.orch("orch osd rm stop", osd_id=[str(osd)])
            except Refused as error:
                gone = "no OSD in the removal queue" in str(error)
                if (gone or "Its removal goes on" in str(error)) and self._ends_now(osd):
                    # What it waited for has come a moment before.
                    self.outcome += "; then ended"
                    continue
                self.wrong.append(f"osd.{osd} waits ({waiting.get(osd)}) and: {error}")
            else:
                self._oracle.was_stopped(osd, uuid, out="out of the map" in str(answer))

    def _ends_now(self, osd: int) -> bool:
        """Wait until a removal that goes on has ended."""
        return not within(UP_SECONDS, lambda: str(osd) if osd in self._oracle.seen.queue else "")

    def _still_queued(self) -> str:
        return ", ".join(str(row["drain_status"]) for row in self._oracle.seen.queue.values())

    # The data.

    def _judge_data(self) -> None:
        """Read every object that may not be lost."""
        lossy = self._oracle.lossy
        kept = [name for pgid, names in self._groups.items() if pgid not in lossy for name in names]
        left = dict.fromkeys(kept, "")

        def read() -> str:
            nonlocal left
            left = self._ground.damaged(left)
            return str(left) if left else ""

        if within(DATA_SECONDS, read, every=1.0):
            objects = ", ".join(f"{name} ({text})" for name, text in list(left.items())[:6])
            self.wrong.append(f"{len(left)} of {len(kept)} objects cannot be read: {objects}")
            bad = [pgid for pgid, names in self._groups.items() if set(names) & left.keys()]
            self.wrong.extend(self._oracle.told(bad))
            now = self._agent.placement() or {}
            self.wrong.append(f"now: { {pgid: now.get(pgid) for pgid in bad} }")
            self.wrong.append(f"forced: {self._oracle.gone}, may be lost: {lossy}")
        pools = self._ground.pool_ids()
        self.lossy_pools = {pools[each.partition(".")[0]] for each in lossy}
        self.lossy_pools |= {name.partition("/")[0] for name in left}

    # OSDs and disks.

    def _judge_osds(self) -> None:
        """Check that those OSDs are there that should be, where they should be."""
        wrong = within(UP_SECONDS, lambda: "; ".join(self._missing()))
        if wrong:
            self.wrong.append(wrong)
        self._judge_places()

    def _leaves(self, standing: Standing) -> bool:
        asked = self._oracle.asked.get(standing.uuid)
        if standing.uuid in self._oracle.foreign:
            return True
        return bool(asked and (asked.out or not asked.stopped))

    def _missing(self) -> list[str]:
        found = []
        rows = {row["uuid"]: row for row in self._agent.ask("osd dump")["osds"]}
        nodes = {node["id"]: node for node in self._ground.nodes()}
        for standing in self._slots.values():
            if self._leaves(standing):
                continue
            osd, row = standing.osd_id, rows.get(standing.uuid)
            asked = self._oracle.asked.get(standing.uuid)
            name = f"osd.{osd}" + (", whose removal was stopped," if asked else "")
            if row is None:
                found.append(f"{name} is missing in the map")
            elif not row["up"] or not row["in"]:
                found.append(f"{name} is {'up' if row['up'] else 'down'}, in: {bool(row['in'])}")
            elif osd not in nodes:
                found.append(f"{name} has no place in CRUSH")
            elif osd not in self._others.touched:
                found.extend(self._light(name, nodes[osd], standing))
        return found

    def _light(self, name: str, node: dict[str, float], standing: Standing) -> list[str]:
        same = abs(node["crush_weight"] - standing.weight) < 1e-6 and node["reweight"] == 1
        text = f"{name} weighs {node['crush_weight']} and {node['reweight']}"
        return [] if same else [f"{text} instead of {standing.weight} and 1"]

    def _judge_places(self) -> None:
        """Check that each OSD is on its own disk, and an id that was kept on its own host."""
        places = self._ground.where()
        homes = {each.osd_id: each for each in self._slots.values()}
        for osd, uuid in self._ground.alive().items():
            home, disk = homes.get(osd), places.get(osd)
            if home is None or disk is None or home.uuid == uuid:
                continue
            asked = self._oracle.asked.get(home.uuid)
            if asked and asked.replace and disk[0] != home.host:
                self.wrong.append(f"osd.{osd} of {home.disk} was made anew on {disk}")

    def _judge_wipes(self) -> None:
        """Check that a removal with --zap that has ended has wiped the disk."""
        labels = self._ground.disks.labels()
        on_disk = {uuid: disk for disk, uuid in labels.items()}
        for asked in self._oracle.asked.values():
            if asked.stopped or asked.osd_id in self._oracle.seen.queue:
                continue
            self._judge_end(asked, asked.uuid in on_disk)

    def _judge_end(self, asked: Asked, labelled: bool) -> None:
        rows = {row["osd"]: row for row in self._agent.ask("osd dump")["osds"]}
        row = rows.get(asked.osd_id)
        name = f"osd.{asked.osd_id}"
        if asked.zap and labelled:
            self.wrong.append(f"the removal of {name} with --zap has ended; its disk is not wiped")
        if row is not None and row["uuid"] == asked.uuid:
            self.wrong.append(f"the removal of {name} has ended; it is in the map")
        if asked.replace and row is None and asked.uuid not in self._oracle.foreign:
            self.wrong.append(f"{name} was removed with --replace; its id is not kept")
