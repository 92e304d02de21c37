"""Time services of the lab through the stock ``ceph`` command, by hand and against cephadm.

By hand is what an operator types: a key from the monitors, then over a warm ssh connection the
data directory, the keyring and `systemctl enable --now`. All of it runs on the first host; the
cluster must have three hosts with Ceph. For the fail-over it gets a second manager.
"""

from __future__ import annotations

import statistics
from typing import Any, Dict, Sequence

from probe import run_probe

# Seconds; medians of cephadm 20.2.4 on the same kind of lab, quiet.
CEPHADM = {"three": 6.96, "restarted": 3.11, "removed": 3.60, "status": 2.82, "filled": 2.83}

# Prints one JSON object of lists of seconds.
PROBE = r"""
import json, rados, subprocess, sys, time

hosts, times = json.loads(sys.argv[1]), int(sys.argv[2])
CONFIG = "/var/lib/ceph/orch-ansible/ssh_config"
CAPS = ["mon", "profile mds", "mgr", "profile mds", "osd", "allow rw tag cephfs *=*",
        "mds", "allow"]
MAKE = (
    "set -e; umask 077; d=/var/lib/ceph/mds/ceph-byhand; mkdir -p $d; cat >$d/keyring; "
    "chown -R ceph:ceph $d; systemctl enable -q --now ceph-mds@byhand"
)
UNDO = "systemctl disable -q --now ceph-mds@byhand; rm -r /var/lib/ceph/mds/ceph-byhand"
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf")
cluster.connect()

def ask(send, prefix, **words):
    words.setdefault("format", "json")
    code, out, error = send(json.dumps({"prefix": prefix, **words}), b"", timeout=60)
    return json.loads(out) if not code and out.strip()[:1] in (b"[", b"{") else []

def daemons():
    rows = ask(cluster.mgr_command, "orch ps", target=["mon-mgr", ""], daemon_type="mds")
    return {row["daemon_id"]: row for row in rows}

def running():
    return sorted(i for i, row in daemons().items() if row["status_desc"] == "running")

def in_map(name):
    fs = ask(cluster.mon_command, "fs dump")
    return {row["gid"] for row in fs["standbys"] if row["name"].startswith(name)}

def listed():
    rows = ask(cluster.mgr_command, "orch ls", target=["mon-mgr", ""])
    return {row["service_name"] for row in rows}

def until(check):
    while True:
        found = check()
        if found:
            return found
        time.sleep(0.02)

def timed(act, *waits):
    started = time.perf_counter()
    act()
    took = []
    for wait in waits:
        until(wait)
        took.append(time.perf_counter() - started)
    return took

def ceph(*words):
    done = subprocess.run(["ceph", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout

def login(host, script, given=""):
    argv = ["ssh", "-F", CONFIG, "-l", "root", hosts[host]["addr"], script]
    subprocess.run(argv, input=given, text=True, check=True)

def by_hand(host):
    login(host, MAKE, ceph("auth", "get-or-create", "mds.byhand", *CAPS))

def gone():
    return not in_map("bench.") and not running() and "mds.bench" not in listed()

names = list(hosts)
last = names[-1]
figures = {"one": [], "hand": [], "three": [], "restarted": [], "removed": [], "status": [],
           "filled": []}
def apply(where):
    return lambda: ceph("orch", "apply", "mds", "bench", "--placement=" + where)
def remove():
    ceph("orch", "rm", "mds.bench")
# The first one brings ceph.conf and what else is missing to every host.
timed(apply(" ".join(names)), lambda: len(running()) == len(names))
timed(remove, gone)
for _ in range(times):
    figures["one"] += timed(apply(last), lambda: in_map("bench."))
    until(running)
    timed(remove, gone)
    time.sleep(1)
    figures["hand"] += timed(lambda: by_hand(last), lambda: in_map("byhand"))
    login(last, UNDO)
    ceph("auth", "rm", "mds.byhand")
    until(lambda: not in_map("byhand"))
    ceph("orch", "ps", "--refresh")
    until(lambda: not daemons())
    time.sleep(1)
for _ in range(times):
    figures["three"] += timed(apply(" ".join(names)), lambda: len(running()) == len(names))
    time.sleep(1)
    name = running()[0]
    since = daemons()[name].get("started")
    def again():
        row = daemons().get(name, {})
        return row.get("status_desc") == "running" and row.get("started") != since
    figures["restarted"] += timed(lambda: ceph("orch", "daemon", "restart", "mds." + name), again)
    time.sleep(1)
    figures["removed"] += timed(remove, gone)
    time.sleep(1)
def standbys():
    return ask(cluster.mon_command, "mgr stat")["num_standby"]
if not standbys():
    ceph("orch", "apply", "mgr", "2")
until(standbys)
before = len(ask(cluster.mgr_command, "orch ps", target=["mon-mgr", ""]))
for _ in range(times):
    active = ask(cluster.mon_command, "mgr stat")["active_name"]
    def answers():
        stat = ask(cluster.mon_command, "mgr stat")
        if stat["active_name"] in ("", active) or not stat["available"]:
            return False
        return bool(ask(cluster.mgr_command, "orch status", target=["mon-mgr", ""]))
    def filled():
        return len(ask(cluster.mgr_command, "orch ps", target=["mon-mgr", ""])) == before
    status, ps = timed(lambda: ceph("mgr", "fail"), answers, filled)
    figures["status"].append(status)
    figures["filled"].append(ps)
    until(standbys)
    time.sleep(4)
print(json.dumps(figures))
"""


def measure(machines: Sequence[Dict[str, Any]], times: int) -> Dict[str, float]:
    """Return the medians in seconds; makes and removes metadata servers, fails managers over."""
    found = run_probe(PROBE, machines, times, "the services' figures")
    return {key: statistics.median(row) for key, row in found.items()}
