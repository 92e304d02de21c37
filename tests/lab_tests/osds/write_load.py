"""Constant writes into a pool, while all placement groups are watched."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.lab_tests.inactive_pgs import stood_still
from tests.lab_tests.lab_client import Lab

# Peering is part of every change of the map, and shown until the next statistics; after so long
# Ceph itself calls it stuck. A write that waits for half of it has failed already.
PEERING_SECONDS = 60.0
# Runs on the first host until its input ends; prints what happened as one JSON object.
WRITER = r"""
import collections, json, os, rados, sys, threading, time

pool = sys.argv[1]
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf", conf={"rados_osd_op_timeout": "30"})
cluster.connect()
stop, filled = threading.Event(), threading.Event()
result = {"writes": 0, "failed": [], "slowest": 0.0, "wrong": [], "samples": 0, "inactive": {}}
block = os.urandom(16384)
written = {}

def write():
    io = cluster.open_ioctx(pool)
    number = 0
    # First every object twice, so that the logs do not reach back to the beginning.
    while not stop.wait(0.02 if filled.is_set() else 0):
        if number == 512:
            filled.set()
        name, started = f"load{number % 256}", time.monotonic()
        data = number.to_bytes(8, "big") + block
        try:
            io.write_full(name, data)
        except rados.Error as error:
            result["failed"].append(f"{name}: {error}")
            continue
        finally:
            result["slowest"] = max(result["slowest"], time.monotonic() - started)
        written[name] = number
        number += 1
        result["writes"] = number

def watch():
    command = json.dumps({"prefix": "pg dump_json", "dumpcontents": ["pgs"]})
    began = {}
    while not stop.wait(0.3):
        code, out, error = cluster.mgr_command(command, b"", timeout=20)
        if code:
            continue
        result["samples"] += 1
        now = time.monotonic()
        # A manager that has just taken over knows none.
        inactive = {row["pgid"]: row["state"] for row in json.loads(out)["pg_map"]["pg_stats"]
                    if "active" not in row["state"].split("+") and row["state"] != "unknown"}
        for pgid in set(began) - set(inactive):
            del began[pgid]
        for pgid, state in inactive.items():
            since = began.setdefault(pgid, now)
            row = result["inactive"].setdefault(pgid, {"states": [], "longest": 0.0})
            row["longest"] = max(row["longest"], now - since)
            if state not in row["states"]:
                row["states"].append(state)

threads = [threading.Thread(target=each) for each in (write, watch)]
for thread in threads:
    thread.start()
filled.wait(60)
print("writing", flush=True)
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
io = cluster.open_ioctx(pool)
for name, number in written.items():
    if io.read(name, 20000) != number.to_bytes(8, "big") + block:
        result["wrong"].append(name)
print(json.dumps(result))
"""


class WriteLoad:
    """A process on the first host that writes until it is stopped."""

    def __init__(self, lab: Lab, pool: str) -> None:
        self._process = subprocess.Popen(
            lab.argv(lab.first, "python3", "-c", WRITER, pool),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "writing\n"
        self._result: dict[str, Any] = {}

    def check(self) -> None:
        """Stop writing; fail where a write failed, was lost, or a placement group stood still."""
        found = self.stop()
        print(f"write load: {found}")
        assert found["writes"] > 0
        assert found["failed"] == []
        assert found["wrong"] == [], "objects have another content than was written last"
        stuck = stood_still(found["inactive"], PEERING_SECONDS)
        assert not stuck, f"placement groups were inactive: {stuck}"

    def stop(self) -> dict[str, Any]:
        """Stop writing, read everything back, and return what happened."""
        if not self._result:
            out, err = self._process.communicate(timeout=120)
            assert self._process.returncode == 0, err
            self._result = json.loads(out)
        return self._result
