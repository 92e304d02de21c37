"""One connection to the cluster, on the first host: commands, objects, placement groups.

Starting ``ceph`` takes a core's time; hundreds of interleavings ask thousands of questions.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from tests.lab_tests.lab_client import Lab

PROGRAM = r"""
import concurrent.futures, json, random, rados, sys

cluster = rados.Rados(conffile="/etc/ceph/ceph.conf", conf={"rados_osd_op_timeout": "8"})
cluster.connect()
pool = concurrent.futures.ThreadPoolExecutor(8)

def send(target, question, timeout=20):
    command = cluster.mgr_command if target == "mgr" else cluster.mon_command
    try:
        code, out, error = command(json.dumps(question), b"", timeout=timeout)
    except (rados.Error, OSError) as failure:
        code, out, error = -1, b"", str(failure)
    return [code, out.decode(), error]

def ask(target, questions, timeout):
    return list(pool.map(lambda question: send(target, question, timeout), questions))

def content(seed, name):
    chance = random.Random(f"{seed}/{name}")
    return chance.randbytes(chance.randrange(4096, 65537))

def write(pool, names, seed):
    io = cluster.open_ioctx(pool)
    waiting = [io.aio_write_full(name, content(seed, name)) for name in names]
    return {name: code for name, each in zip(names, waiting) if (code := finish(each))}

def finish(completion):
    completion.wait_for_complete()
    return completion.get_return_value()

def verify(pool, names, seed):
    io, read, wrong = cluster.open_ioctx(pool), {}, {}
    def done(name):
        return lambda completion, data: read.__setitem__(name, data)
    waiting = {name: io.aio_read(name, 65536 + 1, 0, done(name)) for name in names}
    for name, each in waiting.items():
        each.wait_for_complete_and_cb()
        code = each.get_return_value()
        if code < 0:
            wrong[name] = f"reading it ended with {code}"
        elif read.get(name) != content(seed, name):
            wrong[name] = "it has another content than was written"
    return wrong

def placement():
    question = {"prefix": "pg dump", "format": "json", "dumpcontents": ["pgs"]}
    code, out, error = send("mgr", question, 4)
    if code:
        return None
    data = json.loads(out)
    rows = data.get("pg_stats", data) if isinstance(data, dict) else data
    questions = [{"prefix": "pg map", "pgid": row["pgid"], "format": "json"} for row in rows]
    maps = ask("mon", questions, 10)
    found = {}
    for row, (code, out, error) in zip(rows, maps):
        if code:
            continue
        now, stat = json.loads(out), row["stat_sum"]
        found[row["pgid"]] = {
            "state": row["state"], "acting": now["acting"], "up": now["up"],
            "old": sorted(set(row["acting"]) | set(row["up"])),
            "fresh": row["acting"] == now["acting"] and row["up"] == now["up"],
            "missing": stat["num_objects_degraded"] + stat["num_objects_unfound"]
            + stat["num_objects_missing_on_primary"],
        }
    return found

tasks = {"ask": ask, "write": write, "verify": verify, "placement": placement}
for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(tasks[question.pop("task")](**question)), flush=True)
"""


class Refused(AssertionError):
    """A command that failed; it counts as not yet where something is waited for."""


class Agent:
    """The program on the first host."""

    def __init__(self, lab: Lab) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            lab.argv(lab.first, "python3", "-c", PROGRAM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _do(self, task: str, **arguments: Any) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"task": task, **arguments}) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def ask(self, prefix: str, target: str = "mon", timeout: int = 20, **arguments: Any) -> Any:
        """Return the data of an answer; raise ``Refused`` with the error of a failure."""
        question = {"prefix": prefix, "format": "json", **arguments}
        ((code, out, error),) = self.ask_all([question], target, timeout)
        if code:
            raise Refused(f"{prefix} ended with {code}: {error}")
        return json.loads(out) if out.strip()[:1] in ("{", "[") else out

    def ask_all(
        self, questions: Sequence[dict[str, Any]], target: str = "mon", timeout: int = 20
    ) -> list[tuple[int, str, str]]:
        """Ask several at once; return status, output and error of each."""
        found = self._do("ask", target=target, questions=list(questions), timeout=timeout)
        return [(code, out, error) for code, out, error in found]

    def orch(self, prefix: str, timeout: int = 20, **arguments: Any) -> Any:
        """Return the data of an answer of the orchestrator."""
        return self.ask(prefix, "mgr", timeout, **arguments)

    def write(self, pool: str, names: Sequence[str], seed: str) -> dict[str, Any]:
        """Write objects whose content follows from seed and name; return what failed."""
        return dict(self._do("write", pool=pool, names=list(names), seed=seed))

    def verify(self, pool: str, names: Sequence[str], seed: str) -> dict[str, str]:
        """Read objects; return what is wrong with those that are not as they were written."""
        return dict(self._do("verify", pool=pool, names=list(names), seed=seed))

    def placement(self) -> dict[str, dict[str, Any]] | None:
        """Return all placement groups by id, or None where no manager answers."""
        found: dict[str, dict[str, Any]] | None = self._do("placement")
        return found

    def close(self) -> None:
        """End the connection."""
        self._process.communicate()
