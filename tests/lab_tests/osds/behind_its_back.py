"""What others do to OSDs, disks and hosts while the orchestrator is at work, and its way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds, Place

LOCK = "/run/ceph-orch-ansible/disks.lock"
HOLDER = "holds-the-disks"
# Reads objects back; an object on a lost OSD is one that does not come in time.
OBJECTS = r"""
import concurrent.futures, hashlib, json, os, rados, sys

what, pool, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf", conf={"rados_osd_op_timeout": "8"})
cluster.connect()
io = cluster.open_ioctx(pool)
names = [f"object{number}" for number in range(count)]

def read(name):
    try:
        return hashlib.sha256(io.read(name, 65536)).hexdigest()
    except rados.Error as error:
        return str(error)

if what == "write":
    for name in names:
        io.write_full(name, os.urandom(65536))
with concurrent.futures.ThreadPoolExecutor(count) as readers:
    print(json.dumps(dict(zip(names, readers.map(read, names)))))
"""


class Objects:
    """Objects of a pool, with the checksums that they had when they were written."""

    count = 24

    def __init__(self, osds: Osds, pool: str, *, size: int, pgs: int) -> None:
        self.osds, self.pool, self.pgs = osds, pool, pgs
        door = osds.door
        door.ask("config set", who="mon", name="mon_allow_pool_size_one", value="true")
        door.ask(
            "osd pool create",
            pool=pool,
            pg_num=pgs,
            size=size,
            autoscale_mode="off",
            yes_i_really_mean_it=True,
        )
        self.wait_clean()
        self.sums = self._ask("write")

    def _ask(self, what: str) -> dict[str, str]:
        script = 'exec python3 -c "$@"'
        words = (OBJECTS, what, self.pool, str(self.count))
        found: dict[str, str] = json.loads(self.osds.lab.sh("h1", script, *words))
        return found

    def lost(self) -> list[str]:
        """Return the objects that are not what was written."""
        now = self._ask("read")
        return [name for name, checksum in self.sums.items() if now[name] != checksum]

    def wait_clean(self) -> None:
        """Wait until all placement groups of the pool are active and clean."""

        def clean() -> bool:
            rows = self.osds.door.ask("pg ls-by-pool", target="mgr", poolstr=self.pool)["pg_stats"]
            states = sorted(row["state"] for row in rows)
            assert states == ["active+clean"] * self.pgs, states
            return True

        wait_until("all placement groups are active and clean", clean, STEP_SECONDS)

    def on(self, number: int) -> int:
        """Return how many placement groups lie on an OSD and are complete there."""
        answer = self.osds.lab.ceph_json("pg", "ls-by-osd", str(number))
        rows = answer.get("pg_stats") or ()
        return sum(row["state"] == "active+clean" and number in row["acting"] for row in rows)

    def drop(self) -> None:
        """Remove the pool."""
        self.osds.drop_pool(self.pool)


@contextmanager
def objects(osds: Osds, *, size: int, pgs: int = 16) -> Iterator[Objects]:
    """Write objects into a new pool, which is removed at the end."""
    found = None
    try:
        found = Objects(osds, "precious", size=size, pgs=pgs)
        yield found
    finally:
        if "precious" in osds.door.ask("osd pool ls"):
            osds.drop_pool("precious")


# Disks.


# A node of the lab's hosts is mounted into place, until it was taken away once.
HIDE = "! findmnt -n $1 >/dev/null || umount -l $1; rm -f $1"
SHOW = "test -b $1 || mknod -m 660 $1 b $(tr : ' ' </sys/block/${1#/dev/}/dev)"


def hide(osds: Osds, place: Place) -> None:
    """Take a disk off the bus: it has no node in /dev any more."""
    osds.trace(place.host, f"set -- {place.disk}; {SHOW}")
    osds.lab.sh(place.host, HIDE, place.disk)


def show(osds: Osds, place: Place) -> None:
    """Give a hidden disk back."""
    osds.lab.sh(place.host, SHOW, place.disk)


def owner(osds: Osds, place: Place) -> str:
    """Return the uuid of the OSD whose BlueStore label a disk carries, or nothing."""
    lines = osds.lab.sh(place.host, "head -c 60 $1 | tr -d '\\0'", place.disk).splitlines()
    return lines[1] if lines[:1] == ["bluestore block device"] else ""


# Daemons.


def stop(osds: Osds, host: str, number: int) -> None:
    """Stop an OSD on its host and have the map show it; it is started again at the end."""
    name = f"ceph-osd@{number}"
    start = f"systemctl reset-failed {name}; systemctl start {name}"
    osds.trace(host, f"! systemctl is-enabled -q {name} || {{ {start}; }}")
    osds.lab.sh(host, "systemctl stop $1", name)
    osds.door.ask("osd down", ids=[str(number)])
    wait_until(f"osd.{number} is down", lambda: number not in osds.up(), STEP_SECONDS)


# The orchestrator's jobs.


def hold_disks(osds: Osds, host: str) -> None:
    """Be another writer to the disks of a host, until ``let_go``."""
    osds.trace(host, f"systemctl stop {HOLDER} 2>/dev/null || true")
    script = (
        "mkdir -p -m 700 $(dirname $1); "
        "systemd-run --quiet --collect --unit=$2 flock $1 sleep 900; "
        "until ! flock -n $1 true; do sleep 0.1; done"
    )
    osds.lab.sh(host, script, LOCK, HOLDER)


def wait_for_next(osds: Osds, host: str) -> None:
    """Wait until a job stands at a host's disks and can only wait for them."""
    script = (
        "for each in /proc/[0-9]*; do case $(readlink $each/exe) in *python*) "
        'ls -l $each/fd 2>/dev/null | grep -q "$1" && exit 0;; esac; done; exit 1'
    )
    command = ("sh", "-c", script, "sh", LOCK)
    wait_until(
        f"a job waits for the disks of {host}",
        lambda: osds.lab.ssh(host, *command).rc == 0,
        STEP_SECONDS,
    )


def let_go(osds: Osds, host: str) -> None:
    """Let others write to the disks of a host."""
    osds.lab.sh(host, "systemctl stop $1", HOLDER)


def new_jobs(osds: Osds, operation: str) -> Callable[[], list[dict[str, Any]]]:
    """Return what returns the jobs of an operation that are made from now on."""
    known = {job["id"] for job in osds.jobs(operation)}
    return lambda: [job for job in osds.jobs(operation) if job["id"] not in known]


def running(osds: Osds, jobs: Callable[[], list[dict[str, Any]]]) -> str:
    """Return the first of new jobs once it runs, by its worker."""

    def found() -> str:
        for job in jobs():
            if job["status"] == "running" and worker(osds, job["id"]):
                return str(job["id"])
        return ""

    return wait_until("the job runs", found, STEP_SECONDS)


def worker(osds: Osds, job_id: str) -> str:
    """Return the pid of a job's worker, or nothing."""
    script = 'pgrep -o -f "[a]dapter.engine.worker.*$1" || true'
    return osds.lab.sh(osds.lab.first, script, job_id).strip()


def freeze(osds: Osds, job_id: str) -> None:
    """Let a job's worker stand still; what it has started goes on."""
    pid = worker(osds, job_id)
    osds.trace(osds.lab.first, f"! test -d /proc/{pid} || kill -KILL {pid}")
    osds.lab.sh(osds.lab.first, "kill -STOP $1", pid)


def kill(osds: Osds, job_id: str) -> None:
    """End a job's worker and what is left of its session, as if the machine had lost them."""
    script = "kill -KILL $1; ps -o pid= -s $1 | xargs -r kill -KILL 2>/dev/null || true"
    osds.lab.sh(osds.lab.first, script, worker(osds, job_id))


def said(osds: Osds, number: int) -> str:
    """Return what `ceph orch osd rm status` says of an OSD, nothing where it is not in it."""
    row = osds.queue().get(number)
    return str(row["drain_status"]) if row else ""
