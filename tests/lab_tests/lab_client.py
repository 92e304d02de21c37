"""The running lab as the tests use it: commands on its hosts, the stock ``ceph``, power, cables."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple, TypeVar

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
DEPLOY = ROOT / "tests" / "lab" / "deploy.py"
STATE = "/var/lib/ceph/orch-ansible"
CONTENT = "/usr/share/ceph-orch-ansible"
RECORD = "/var/lib/ceph-orch-ansible/host.json"
COMMAND_SECONDS = 120.0
# What `ceph mgr stat` takes on a quiet machine. The limits are meant for such a one.
QUIET_COMMAND = 0.6
MOST_PATIENCE = 8.0

T = TypeVar("T")


class Answer(NamedTuple):
    """What a command answered."""

    rc: int
    out: str
    err: str


class Machine(NamedTuple):
    """A host of the lab."""

    name: str
    addr: str
    image: str
    leader: int
    disks: tuple[str, ...]


def run(argv: list[str], *, stdin: str = "", seconds: float = COMMAND_SECONDS) -> Answer:
    """Run a command of this machine; a deadline that passes fails the test."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{shlex.join(argv)}: no end within {seconds:.0f} s") from error
    return Answer(done.returncode, done.stdout, done.stderr)


def wait_until(what: str, check: Callable[[], T], seconds: float, every: float = 0.25) -> T:
    """Return what ``check`` returned when that was true for the first time.

    An AssertionError in ``check`` counts as not yet. Fails with ``what``, the time, and what was
    seen last.
    """
    started, seen = time.monotonic(), ""
    while True:
        try:
            value = check()
            if value:
                print(f"{what}: after {time.monotonic() - started:.1f} s")
                return value
            seen = repr(value)
        except AssertionError as error:
            seen = str(error)
        if time.monotonic() - started > seconds:
            raise AssertionError(f"{what}: not within {seconds:.1f} s; seen last: {seen[:2000]}")
        time.sleep(every)


class Lab:
    """One running lab. ``first`` is the host of mon and mgr."""

    first = "h1"

    def __init__(self, name: str, scratch: Path) -> None:
        self.name = name
        self._socket = scratch / "cm"
        self._reread()
        # What was switched off or cut through this object.
        self.off: set[str] = set()
        self.cut: set[str] = set()
        self._jobs: dict[str, dict[str, Any]] = {}
        # Who logs in to the hosts for the product, and what is called with each option that is
        # set: another user than root has the invoker alone (locked_user.py).
        self.user = "root"
        # The stand-in where the managers' jobs run (lab_awx.py), if they do.
        self.awx: Any = None
        self.follow: Callable[[str, str], None] = lambda name, value: None

    def _reread(self) -> None:
        self._raw: list[dict[str, Any]] = json.loads(self.lab("hosts").out)
        self._config = self._raw[0]["ssh_config"]

    @property
    def machines(self) -> dict[str, Machine]:
        """Return the lab's hosts by name."""
        return {
            row["name"]: Machine(
                row["name"],
                row["addr"],
                row["image"],
                int(row["leader"] or 0),
                tuple(disk["path"] for disk in row["disks"]),
            )
            for row in self._raw
        }

    @property
    def home(self) -> str:
        """Return the directory of who logs in to the hosts."""
        return f"/home/{self.user}" if self.locked else "/root"

    @property
    def locked(self) -> bool:
        """Tell whether hosts are worked on through the invoker."""
        return self.user != "root"

    def hosts(self) -> list[str]:
        """Return the names of the lab's hosts."""
        return list(self.machines)

    @property
    def ssh_config(self) -> str:
        """Return this machine's ssh configuration for the lab."""
        return str(self._config)

    def lab(self, *words: str, seconds: float = COMMAND_SECONDS) -> Answer:
        """Run ``tests/lab/lab``; a failure fails the test."""
        answer = run([sys.executable, str(LAB), "--name", self.name, *words], seconds=seconds)
        assert answer.rc == 0, f"lab {shlex.join(words)}: {answer.err or answer.out}"
        return answer

    def argv(self, host: str, *argv: str) -> list[str]:
        """Return the command of this machine that runs a command on a host through ssh."""
        shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=120"]
        options = [*shared, "-o", f"ControlPath={self._socket}"] if host == self.first else []
        return ["ssh", "-F", self._config, *options, host, "--", shlex.join(argv)]

    def ssh(
        self, host: str, *argv: str, stdin: str = "", seconds: float = COMMAND_SECONDS
    ) -> Answer:
        """Run a command on a host."""
        return run(self.argv(host, *argv), stdin=stdin, seconds=seconds)

    def sh(self, host: str, script: str, *words: str, stdin: str = "") -> str:
        """Run a shell script on a host and return its output; a failure fails the test."""
        answer = self.ssh(host, "sh", "-euc", script, "sh", *words, stdin=stdin)
        assert answer.rc == 0, f"{host}: {script!r} ended with {answer.rc}: {answer.err}"
        return answer.out

    def inside(self, host: str, script: str) -> str:
        """Run a shell script on a host past its network, as on its console."""
        leader = self.machines[host].leader
        # nsenter leaves the environment as it is here.
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        argv = ["nsenter", "-t", str(leader), "-m", "-u", "-i", "-n", "-p", "--wd=/"]
        answer = run([*argv, *environment, "sh", "-euc", script])
        assert answer.rc == 0, f"{host}: {script!r} ended with {answer.rc}: {answer.err}"
        return answer.out

    def ceph(self, *argv: str, stdin: str = "", seconds: float = COMMAND_SECONDS) -> Answer:
        """Run ``ceph`` on the first host."""
        command = ["ceph", "--connect-timeout", "20", *argv]
        return self.ssh(self.first, *command, stdin=stdin, seconds=seconds)

    def ok_when_settled(self, *argv: str, seconds: float = 90.0) -> str:
        """Run ``ceph`` until it does not say any more that something is settling.

        A manager that has just taken over does not know for half a minute what the one before has
        stopped, nor at once how placement groups and hosts are; groups of a new pool are not active
        yet.
        """
        settling = (
            "has just taken over",
            "has not said yet",
            "has not reported to this manager yet",
            "pgs have unknown state",
            "unsafe to stop osd(s) at this time (",
        )

        def ask() -> Answer | None:
            answer = self.ceph(*argv)
            return None if answer.rc and any(each in answer.err for each in settling) else answer

        answer = wait_until(f"{shlex.join(argv)} is taken", ask, seconds)
        assert answer.rc == 0, f"ceph {shlex.join(argv)} ended with {answer.rc}: {answer.err}"
        return str(answer.out)

    def ok(self, *argv: str, stdin: str = "") -> str:
        """Run ``ceph`` and return its output; a failure fails the test."""
        answer = self.ceph(*argv, stdin=stdin)
        assert answer.rc == 0, f"ceph {shlex.join(argv)} ended with {answer.rc}: {answer.err}"
        return answer.out

    def ceph_json(self, *argv: str) -> Any:
        """Run ``ceph ... -f json`` and return the data."""
        return json.loads(self.ok(*argv, "-f", "json"))

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start ``ceph`` on the first host and do not wait for it."""
        return subprocess.Popen(
            self.argv(self.first, "ceph", *argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def power(self, host: str, state: str) -> None:
        """Switch a host ``off`` hard, or ``on`` and wait for its ssh."""
        self.lab("power", state, host)
        (self.off.add if state == "off" else self.off.discard)(host)
        self._reread()

    def link(self, host: str, state: str) -> None:
        """Pull a host's network cable (``down``) or plug it in (``up``)."""
        self.lab("link", state, host)
        (self.cut.add if state == "down" else self.cut.discard)(host)

    def repair(self) -> None:
        """Switch on and connect every host, also those that an earlier run left."""
        for row in self._raw:
            if row["state"] != "up":
                self.power(row["name"], "on")
            elif row["link"] != "up":
                self.link(row["name"], "up")

    def patience(self, seconds: float) -> float:
        """Return a limit of the issue as it holds on this machine now.

        On a quiet machine it is the limit itself; where `ceph mgr stat` takes longer than it
        does there, so may everything else.
        """
        took = self.times("mgr", "stat", count=3)
        factor = min(MOST_PATIENCE, max(1.0, statistics.median(took) / QUIET_COMMAND))
        if factor > 1.0:
            print(f"this machine is busy: {seconds:.0f} s become {seconds * factor:.0f} s")
        return seconds * factor

    def times(self, *argv: str, count: int = 1) -> list[float]:
        """Return how long a ``ceph`` command took, each time."""
        took = []
        for _ in range(count):
            started = time.monotonic()
            self.ok(*argv)
            took.append(time.monotonic() - started)
        return took

    @contextlib.contextmanager
    def option(self, name: str, value: str) -> Iterator[None]:
        """Set an option of the mgr module for a while."""
        self.follow(name, value)
        self.ok("config", "set", "mgr", f"mgr/ansible/{name}", value)
        try:
            yield
        finally:
            # A running manager is not told of an option that is removed.
            self.ok("config", "set", "mgr", f"mgr/ansible/{name}", "")
            self.ok("config", "rm", "mgr", f"mgr/ansible/{name}")

    def listed_hosts(self) -> dict[str, Mapping[str, Any]]:
        """Return ``ceph orch host ls`` by host."""
        return {row["hostname"]: row for row in self.ceph_json("orch", "host", "ls")}

    def listed_devices(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Return ``ceph orch device ls`` by host and path."""
        return {
            row["name"]: {device["path"]: device for device in row["devices"]}
            for row in self.ceph_json("orch", "device", "ls")
        }

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs that the manager has, the newest last."""
        found: list[dict[str, Any]] = self.ceph_json("ansible", "job", "ls", "--all")
        return found

    def seen_jobs(self) -> list[dict[str, Any]]:
        """Return all jobs, the newest last, with those that were seen by this before.

        A manager keeps the last 200: what is compared must not fall off while a test looks.
        """
        self._jobs.update((row["id"], row) for row in self.jobs())
        return list(self._jobs.values())

    def job(self, job_id: str) -> dict[str, Any]:
        """Return all that is known of a job."""
        found: dict[str, Any] = self.ceph_json("ansible", "job", "show", job_id)
        return found

    def wait_for_job(self, job_id: str, seconds: float = 120.0) -> dict[str, Any]:
        """Return a job when it has ended."""

        def ended() -> dict[str, Any]:
            job = self.job(job_id)
            return {} if job["status"] in ("queued", "running") else job

        return wait_until(f"job {job_id} has ended", ended, seconds)

    def light(self, host: str, disk: str, kind: str, state: str) -> Answer:
        """Switch a light, and wait for it where the command did not want to wait so long.

        Where its job fails the command is asked once more, for its own words.
        """
        words = ("ansible", "device", "light", host, disk, kind, state)
        answer = self.ceph(*words)
        while answer.rc == 0 and "still at it" in answer.out:
            named = re.search(r"job show (\S+)`", answer.out)
            assert named, answer.out
            if self.wait_for_job(named[1])["status"] == "succeeded":
                break
            answer = self.ceph(*words)
        return answer

    def health_lines(self, code: str) -> list[str]:
        """Return the detail of one health check, empty where it is not raised."""
        check = self.ceph_json("health", "detail")["checks"].get(code) or {}
        return [str(row["message"]) for row in check.get("detail") or ()]

    def fail_over(self, seconds: float = COMMAND_SECONDS) -> str:
        """Let another manager take over, or the only one begin anew; return the active one's name.

        Its modules may not answer yet.
        """
        before = self.ceph_json("mgr", "dump")["active_gid"]

        def active() -> str:
            found = self.ceph_json("mgr", "dump")
            there = found["available"] and found["active_gid"] not in (before, 0)
            return str(found["active_name"]) if there else ""

        self.ok("mgr", "fail")
        return wait_until("another manager is active", active, seconds)

    def close(self) -> None:
        """End the shared connection."""
        run(["ssh", "-F", self._config, "-o", f"ControlPath={self._socket}", "-O", "exit", "h1"])
