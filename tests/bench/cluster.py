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

CLIENT = "the client's own start (ceph mgr stat)"
# Seconds; medians of cephadm 20.2.4 with containers on three hosts of a quiet two-core machine.
BASELINE = {
    CLIENT: 0.24,
    "cached answer (orch host ls)": 0.24,
    "new data of 3 hosts (device ls --refresh)": 2.9,
    "host add, the command": 1.1,
    "host add until its devices are listed": 5.0,
}
TIMES = 5

# Runs on the first host: prints one JSON object of lists of seconds. It waits through one librados
# connection, since starting the client again and again would take a core from what it waits for;
# every wait ends with a whole ``ceph`` command that shows the new state, as an operator sees it.
PROBE = r"""
import json, rados, subprocess, sys, time

def ceph(*words):
    return subprocess.run(["ceph", *words], capture_output=True, text=True, check=True).stdout

def timed(*words):
    started = time.perf_counter()
    ceph(*words)
    return time.perf_counter() - started

cluster = rados.Rados(conffile="/etc/ceph/ceph.conf")
cluster.connect()
LIST = json.dumps({"prefix": "orch device ls", "format": "json", "target": ["mon-mgr", ""]})

def read(text):
    return {host["name"]: host for host in json.loads(text)}

def devices():
    code, out, error = cluster.mgr_command(LIST, b"")
    return read(out) if not code else {}

def moments(hosts):
    return {name: min(d["created"] for d in host["devices"]) for name, host in hosts.items()}

def until(check):
    while not check(devices()):
        time.sleep(0.02)
    assert check(read(ceph("orch", "device", "ls", "-f", "json")))

name, addr, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
figures = {"client": [timed("mgr", "stat") for _ in range(times)],
           "cached": [timed("orch", "host", "ls") for _ in range(times)], "refresh": [],
           "add": [], "listed": []}
for _ in range(times):
    before = moments(devices())
    started = time.perf_counter()
    ceph("orch", "device", "ls", "--refresh")
    until(lambda now: all(moments(now).get(host, when) != when for host, when in before.items()))
    figures["refresh"].append(time.perf_counter() - started)
    time.sleep(1)
for _ in range(times):
    ceph("orch", "host", "rm", name, "--force")
    until(lambda now: name not in now)
    time.sleep(2)
    started = time.perf_counter()
    ceph("orch", "host", "add", name, addr)
    figures["add"].append(time.perf_counter() - started)
    until(lambda now: name in now)
    figures["listed"].append(time.perf_counter() - started)
    time.sleep(1)
print(json.dumps(figures))
"""


def measure(host: Dict[str, Any]) -> Dict[str, Dict[str, float]]:
    """Return per figure ours, cephadm's and the ratio; ``host`` is removed and added again."""
    argv = [str(LAB), "ssh", "h1", "python3", "-c", PROBE, host["name"], host["addr"], str(TIMES)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the cluster's figures: {done.stderr.strip()[-400:]}")
    found: Dict[str, List[float]] = json.loads(done.stdout)
    keys = ("client", "cached", "refresh", "add", "listed")
    result = {}
    for key, (name, theirs) in zip(keys, BASELINE.items()):
        ours = statistics.median(found[key])
        result[name] = {"ours": ours, "cephadm": theirs, "ratio": ours / theirs}
    return result
