"""Time the lab's cluster through the stock ``ceph`` command, against cephadm's medians.

cephadm 20.2.4 was measured on the same kind of lab (three hosts, two cores, quiet): see BASELINE.
Commands run on the first host itself in one ssh session, so the lab's own ssh is not in them.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

LAB = Path(__file__).resolve().parents[1] / "lab" / "lab"

# Seconds; medians of cephadm 20.2.4 with containers on three hosts of a quiet two-core machine.
BASELINE = {
    "cached answer (orch host ls)": 0.24,
    "new data of 3 hosts (device ls --refresh)": 2.9,
    "host add, the command": 1.1,
    "host add until its devices are listed": 5.0,
}
TIMES = 5

# Runs on the first host: prints one JSON object of lists of seconds.
PROBE = r"""
import datetime, json, subprocess, sys, time

def ceph(*words):
    return subprocess.run(["ceph", *words], capture_output=True, text=True, check=True).stdout

def timed(*words):
    started = time.perf_counter()
    ceph(*words)
    return time.perf_counter() - started

def devices():
    return {host["name"]: host for host in json.loads(ceph("orch", "device", "ls", "-f", "json"))}

def moments():
    return {name: min(d["created"] for d in host["devices"]) for name, host in devices().items()}

def until(check):
    while not check():
        time.sleep(0.02)

name, addr, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
figures = {"cached": [timed("orch", "host", "ls") for _ in range(times)], "refresh": [],
           "add": [], "listed": []}
for _ in range(times):
    before = moments()
    started = time.perf_counter()
    ceph("orch", "device", "ls", "--refresh")
    until(lambda: all(moments()[host] != when for host, when in before.items()))
    figures["refresh"].append(time.perf_counter() - started)
for _ in range(times):
    ceph("orch", "host", "rm", name, "--force")
    until(lambda: name not in devices())
    started = time.perf_counter()
    ceph("orch", "host", "add", name, addr)
    figures["add"].append(time.perf_counter() - started)
    until(lambda: name in devices())
    figures["listed"].append(time.perf_counter() - started)
print(json.dumps(figures))
"""


def measure(host: Dict[str, Any]) -> Dict[str, Dict[str, float]]:
    """Return per figure ours, cephadm's and the ratio; ``host`` is removed and added again."""
    argv = [str(LAB), "ssh", "h1", "python3", "-c", PROBE, host["name"], host["addr"], str(TIMES)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the cluster's figures: {done.stderr.strip()[-400:]}")
    found: Dict[str, List[float]] = json.loads(done.stdout)
    keys = ("cached", "refresh", "add", "listed")
    result = {}
    for key, (name, theirs) in zip(keys, BASELINE.items()):
        ours = statistics.median(found[key])
        result[name] = {"ours": ours, "cephadm": theirs, "ratio": ours / theirs}
    return result
