"""What others do, and what breaks, while OSDs are removed; and how it is undone."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.interleaving_agent import Agent, Refused
from tests.lab_tests.osds.interleaving_oracle import Asked, Disk, Oracle
from tests.lab_tests.osds.interleaving_plan import Event, Slot

LOCK = "/run/ceph-orch-ansible/disks.lock"
# A daemon that was said to be down says at once that it is not.
PURGE_TRIES = 5
WORKERS = "pgrep -f 'engine[.]worker .*remove_osd[s]'"
# A stage is seen in the record, and its job begins a moment later: it is waited for.
KILL_JOB = (
    f"for _ in $(seq 50); do pids=$({WORKERS}) && break; sleep 0.1; done; "
    "for pid in $pids; do kill -9 $pid && echo $pid || true; done"
)
KILL_MANAGER = (
    "pid=$(systemctl show -P MainPID ceph-mgr@{host}); test $pid -gt 1 || exit 0; "
    "systemctl kill -s KILL --kill-whom={whom} ceph-mgr@{host}; "
    "while test -d /proc/$pid; do sleep 0.1; done; "
    "systemctl reset-failed ceph-mgr@{host}; systemctl restart ceph-mgr@{host}"
)
VANISH = (
    "umount -l {path} 2>/dev/null || true; rm -f {path}; "
    "pid=$(systemctl show -P MainPID ceph-osd@{osd}); test $pid -lt 2 || kill -9 $pid || true"
)
RETURN = (
    "test -e {path} || {{ mknod -m 660 {path} b 7 {minor}; chown ceph:ceph {path}; }}; "
    "systemctl reset-failed ceph-osd@{osd} 2>/dev/null || true; "
    "if systemctl -q is-enabled ceph-osd@{osd} 2>/dev/null && test -e {directory}/block; "
    "then systemctl start ceph-osd@{osd} || true; fi"
)


@dataclass(frozen=True)
class Standing:
    """An OSD as it was at the beginning."""

    osd_id: int
    uuid: str
    disk: Disk
    weight: float

    @property
    def host(self) -> str:
        """Return its host."""
        return self.disk[0]


class Others:
    """Do what a plan says, and undo it."""

    def __init__(self, lab: Lab, agent: Agent, oracle: Oracle, slots: dict[Slot, Standing]) -> None:
        self.lab = lab
        self.agent = agent
        self.oracle = oracle
        self.slots = slots
        self.story: list[str] = []
        # OSDs whose weights or place others have changed.
        self.touched: set[int] = set()
        self._undo: list[Callable[[], Any]] = []
        # What is undone at the end lasts until then.
        self._until = 0.0
        self._timers: list[threading.Timer] = []

    def remove(self, slot: Slot, options: dict[str, bool]) -> None:
        """Ask for the removal of an OSD."""
        osd = self.slots[slot]
        known = self.oracle.asked.get(osd.uuid)
        if known is not None and not known.stopped:
            return self._say(f"rm osd.{osd.osd_id} again: {self._try_remove(osd, options)}")
        filled = {name: options.get(name, False) for name in ("zap", "replace", "force")}
        asked = Asked(osd.osd_id, osd.uuid, **filled)
        self.oracle.will_remove(asked)
        error = self._try_remove(osd, options)
        if error:
            self.oracle.was_refused(asked)
        return self._say(f"rm osd.{osd.osd_id}: {error or 'taken'}")

    def _try_remove(self, osd: Standing, options: dict[str, bool]) -> str:
        try:
            self.agent.orch("orch osd rm", osd_id=[str(osd.osd_id)], **options)
        except Refused as error:
            return str(error)
        return ""

    def do(self, event: Event) -> None:
        """Do it; a command that is refused is part of the story."""
        act = getattr(self, f"_{event.kind.replace('-', '_')}")
        try:
            said = act(event, self.slots[event.slot])
        except AssertionError as error:
            said = f"refused: {error}"
        self._say(f"{event.kind} osd.{self.slots[event.slot].osd_id}: {said or 'done'}")

    def _say(self, text: str) -> None:
        self.story.append(" ".join(text.split())[-300:])

    def undo(self) -> None:
        """Undo all that lasts, and wait for what ends by itself."""
        for timer in self._timers:
            timer.join()
        time.sleep(max(0.0, self._until - time.monotonic()))
        while self._undo:
            self._undo.pop()()

    def _lasts(self, event: Event, undo: Callable[[], Any]) -> None:
        """Undo something after its time."""
        timer = threading.Timer(event.seconds, undo)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _exists(self, osd: Standing) -> bool:
        rows = self.agent.ask("osd dump")["osds"]
        return any(row["uuid"] == osd.uuid for row in rows)

    # Our own.

    def _stop(self, event: Event, osd: Standing) -> str:
        asked = self.oracle.asked.get(osd.uuid)
        if asked is None or asked.stopped:
            return "not asked for"
        self.oracle.look()
        answer = self.agent.orch("orch osd rm stop", osd_id=[str(osd.osd_id)])
        out = "out of the map" in str(answer)
        self.oracle.was_stopped(osd.osd_id, osd.uuid, out=out)
        return "taken when it was out of the map" if out else "taken"

    def _remove(self, event: Event, osd: Standing) -> str:
        self.remove(event.slot, {name: True for name in event.value.split()})
        return ""

    # Another administrator's.

    def _out(self, event: Event, osd: Standing) -> None:
        self.touched.add(osd.osd_id)
        self.agent.ask("osd out", ids=[str(osd.osd_id)])

    def _in(self, event: Event, osd: Standing) -> None:
        self.touched.add(osd.osd_id)
        self.agent.ask("osd in", ids=[str(osd.osd_id)])

    def _reweight(self, event: Event, osd: Standing) -> None:
        self.touched.add(osd.osd_id)
        self.agent.ask("osd reweight", id=osd.osd_id, weight=float(event.value))

    def _crush_reweight(self, event: Event, osd: Standing) -> None:
        self.touched.add(osd.osd_id)
        name = f"osd.{osd.osd_id}"
        self.agent.ask("osd crush reweight", name=name, weight=float(event.value))

    def _purge(self, event: Event, osd: Standing) -> str:
        return self._override(osd, "osd purge-actual")

    def _destroy(self, event: Event, osd: Standing) -> str:
        return self._override(osd, "osd destroy-actual")

    def _override(self, osd: Standing, prefix: str) -> str:
        """Purge or destroy an OSD by force, whatever it holds."""
        if not self._exists(osd):
            return "it is gone"
        self.touched.add(osd.osd_id)
        self.oracle.will_force(osd.osd_id, osd.uuid)
        for _ in range(PURGE_TRIES):
            self.agent.ask("osd down", ids=[str(osd.osd_id)])
            with contextlib.suppress(Refused):
                self.agent.ask(prefix, id=osd.osd_id, yes_i_really_mean_it=True)
            if not self._exists(osd):
                return ""
        return "it was up again each time"

    def _move(self, event: Event, osd: Standing) -> str:
        if not self._exists(osd):
            return "it is gone"
        self.touched.add(osd.osd_id)
        name = f"osd.{osd.osd_id}"
        self.agent.ask("osd crush move", name=name, args=[f"host={event.value}"])
        self._undo.append(lambda: self._move_back(name, osd.host))
        return ""

    def _move_back(self, name: str, host: str) -> None:
        with contextlib.suppress(Refused):
            self.agent.ask("osd crush move", name=name, args=[f"host={host}"])

    def _flag(self, event: Event, osd: Standing) -> None:
        self._until = max(self._until, time.monotonic() + event.seconds)
        for key in event.value.split(","):
            self.agent.ask("osd set", key=key)
            self._undo.append(functools.partial(self.agent.ask, "osd unset", key=key))

    # What breaks.

    def _block(self, event: Event, osd: Standing) -> None:
        self.lab.link(osd.host, "down")
        self._lasts(event, lambda: self.lab.link(osd.host, "up"))

    def _mgr_fail(self, event: Event, osd: Standing) -> None:
        self.agent.ask("mgr fail")

    def _active(self) -> str:
        name = str(self.agent.ask("mgr stat")["active_name"])
        assert name in self.lab.machines, "no manager is active"
        return name

    def _kill_manager(self, event: Event, osd: Standing) -> None:
        host = self._active()
        self.lab.inside(host, KILL_MANAGER.format(host=host, whom=event.value))

    def _kill_job(self, event: Event, osd: Standing) -> str:
        found = self.lab.inside(self._active(), KILL_JOB)
        return "killed" if found.strip() else "none runs"

    def _vanish(self, event: Event, osd: Standing) -> None:
        host, path = osd.disk
        words = {"path": path, "osd": osd.osd_id, "minor": path.rpartition("loop")[2]}
        words["directory"] = f"/var/lib/ceph/osd/ceph-{osd.osd_id}"
        self.lab.inside(host, VANISH.format(**words))
        self._lasts(event, lambda: self.lab.inside(host, RETURN.format(**words)))

    def _lock(self, event: Event, osd: Standing) -> None:
        command = f"setsid flock -x {LOCK} sleep {event.seconds} >/dev/null 2>&1 </dev/null &"
        self.lab.inside(osd.host, f"mkdir -p -m 700 $(dirname {LOCK}); {command}")
