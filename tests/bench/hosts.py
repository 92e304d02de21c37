"""Time hosts through their life by the stock ``ceph`` command, by hand and against cephadm.

By hand is what an operator types: `noout` for the host, over a warm ssh connection the masks and
the stop of the same units, and the other way round. A stop is over when the cluster's maps show
OSDs down and the monitor out of the quorum. All of it runs on the first host; the cluster must have
three hosts, no OSD, and each host two free disks. Monitors are on all three afterwards.

What no orchestrator shortens, by Ceph's defaults: where a monitor leaves, the others wait for its
vote for five seconds (`mon_election_timeout`), of one that only stops also until its lease is over
(`mon_lease`, `mon_lease_ack_timeout_factor`: ten seconds). An OSD that starts has to boot. Each
change of the OSD map waits until the monitors' last one is a second old (`paxos_propose_interval`),
and an OSD that starts needs three: for its place in CRUSH, to be up, and for those that it shares
data with. That data is whole stands in statistics that OSDs send when they are asked, by themselves
every five seconds (`mgr_stats_period`), and the manager takes over every two (`mgr_tick_period`).
cephadm's figure for `leave` is that of its command, which does not wait for them.
"""

from __future__ import annotations

import statistics
from typing import Any, Dict, Sequence

from probe import run_probe

# Seconds; medians of cephadm 20.2.4 on the same kind of lab, quiet. It returns from a stop before
# the maps show it.
CEPHADM = {"enter": 9.05, "leave": 5.4, "drain": 3.1, "drain_osds": 32.1}

# Prints one JSON object of lists of seconds.
PROBE = r"""
import json, rados, subprocess, sys, time

hosts, times = json.loads(sys.argv[1]), int(sys.argv[2])
CONFIG = "/var/lib/ceph/orch-ansible/ssh_config"
RUNS = ("systemctl list-units --no-legend --plain --state=active 'ceph*.service' | cut -d' ' -f1 "
        "| grep -v '^ceph-orch-'")
first, last = list(hosts)[0], list(hosts)[-1]
# A session with a monitor that stops would be in the figures.
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf", conf={"mon_host": hosts[first]["addr"]})
cluster.connect()

def ask(send, prefix, **words):
    words.setdefault("format", "json")
    code, out, error = send(json.dumps({"prefix": prefix, **words}), b"", timeout=60)
    return json.loads(out) if not code and out.strip()[:1] in (b"[", b"{") else []

def mon(prefix, **words):
    return ask(cluster.mon_command, prefix, **words)

def orch(prefix, **words):
    return ask(cluster.mgr_command, prefix, target=["mon-mgr", ""], **words)

def ceph(*words, given=None):
    done = subprocess.run(["ceph", *words], capture_output=True, text=True, input=given)
    assert done.returncode == 0, done.stderr
    return done.stdout

def login(script):
    argv = ["ssh", "-F", CONFIG, "-l", "root", hosts[last]["addr"], script]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

def until(check):
    while not check():
        time.sleep(0.02)

def timed(act, *waits):
    started = time.perf_counter()
    act()
    for wait in waits:
        until(wait)
    return time.perf_counter() - started

def daemons(host, *states):
    rows = orch("orch ps", hostname=host)
    return [row for row in rows if not states or row["status_desc"] in states]

def up(*names):
    there = {row["id"]: row for row in mon("osd metadata") if row.get("hostname") in names}
    return [row["osd"] for row in mon("osd dump")["osds"] if row["up"] and row["osd"] in there]

def quorum():
    return mon("quorum_status")["quorum_names"]

def clean():
    found = orch("pg stat") or {"pg_summary": {"num_pg_by_state": []}}
    states = {row["name"] for row in found["pg_summary"]["num_pg_by_state"]}
    return states == {"active+clean"}

def checks(ours=True):
    found = mon("health") or {"checks": {"none": {}}}
    return {name for name in found["checks"] if ours or not name.startswith("ANSIBLE_")}

def steady():
    '''Return the health checks that stay, when all data is well.'''
    since, before = time.monotonic(), None
    while time.monotonic() - since < 8:
        now = checks() if clean() and len(quorum()) == len(hosts) else None
        if now is None or now != before:
            since, before = time.monotonic(), now
        time.sleep(0.2)
    return before

def well(before, ours=True):
    wanted = {name for name in before if ours or not name.startswith("ANSIBLE_")}
    return lambda: clean() and checks(ours) == wanted and len(quorum()) == len(hosts)

def down(ids):
    return lambda: last not in quorum() and not [
        row for row in mon("osd dump")["osds"] if row["osd"] in ids and row["up"]]

def stage():
    return (mon("config-key get", key="mgr/ansible/maintenance." + last) or {}).get("stage")

def setting(who, name, value):
    ceph("config", "set", who, name, value)

def make_osds(count):
    spec = {"service_type": "osd", "service_id": "bench", "placement": {"host_pattern": "*"},
            "spec": {"method": "raw", "data_devices": {"rotational": 1, "limit": 2}}}
    ceph("orch", "apply", "-i", "-", given=json.dumps(spec))
    until(lambda: len(up(*hosts)) == count)

def no_pool(name):
    if name in mon("osd pool ls"):
        ceph("osd", "pool", "rm", name, name, "--yes-i-really-really-mean-it")

figures = {"enter": [], "leave": [], "hand_enter": [], "hand_leave": [], "drain": [],
           "drain_osds": []}
setting("mgr", "mgr_pool", "false")
setting("global", "osd_pool_default_size", "2")
setting("mon", "mon_allow_pool_delete", "true")
no_pool(".mgr")
# A placement that names the host would keep it from being drained.
ceph("orch", "apply", "mon", "--placement=*")
ceph("orch", "apply", "crash")

def all_run():
    runs = [row["daemon_type"] for row in daemons(last, "running")]
    return {"mon", "crash"} <= set(runs) and len(quorum()) == len(hosts)

def stop_drain():
    ceph("orch", "host", "drain", "stop", last)
    until(all_run)
    time.sleep(2)

until(all_run)
time.sleep(2)
for _ in range(times):
    drain = lambda: ceph("orch", "host", "drain", last)
    figures["drain"].append(timed(drain, lambda: not daemons(last)))
    time.sleep(1)
    stop_drain()

make_osds(2 * len(hosts))
no_pool(".mgr")
ceph("osd", "pool", "create", "bench", "16", "16", "replicated", "--size", "2",
     "--autoscale-mode=off")
ceph("osd", "pool", "application", "enable", "bench", "rados")
pool = cluster.open_ioctx("bench")
for number in range(32):
    pool.write_full("object-%d" % number, b"x" * 65536)
before = steady()
here = up(last)
for _ in range(times):
    enter = lambda: ceph("orch", "host", "maintenance", "enter", last)
    figures["enter"].append(timed(enter, down(here), lambda: stage() == "entered"))
    time.sleep(2)
    leave = lambda: ceph("orch", "host", "maintenance", "exit", last)
    figures["leave"].append(timed(leave, well(before)))
    until(lambda: not stage())
    assert steady() == before, (checks(), before)

# Nobody deploys anew what is stopped by hand.
ceph("orch", "pause")
for _ in range(times):
    units = " ".join(login(RUNS).split())
    def stop():
        ceph("osd", "set-group", "noout", last)
        login("systemctl mask -q %s; systemctl stop %s" % (units, units))
    def start():
        login("systemctl unmask -q %s; systemctl start %s" % (units, units))
        until(lambda: set(here) <= set(up(last)) and last in quorum())
        ceph("osd", "unset-group", "noout", last)
    figures["hand_enter"].append(timed(stop, down(here)))
    time.sleep(2)
    figures["hand_leave"].append(timed(start, well(before, ours=False)))
    time.sleep(5)
ceph("orch", "ps", "--refresh")
until(lambda: len(daemons(last, "running")) >= len(here) + 2)
ceph("orch", "resume")
until(well(before))
ceph("orch", "set-unmanaged", "osd.bench")

for turn in range(max(1, times // 3)):
    drain = lambda: ceph("orch", "host", "drain", last)
    gone = lambda: len(mon("osd dump")["osds"]) == 2 * len(hosts) - len(here)
    figures["drain_osds"].append(timed(drain, lambda: not daemons(last) and gone()))
    stop_drain()
    for disk in hosts[last]["disks"][:2]:
        # Another job may be at the host still.
        zap = ["ceph", "orch", "device", "zap", last, disk, "--force"]
        until(lambda: subprocess.run(zap, capture_output=True).returncode == 0)
    if turn + 1 < times // 3:
        ceph("orch", "set-managed", "osd.bench")
        until(lambda: len(up(*hosts)) == 2 * len(hosts))
        ceph("orch", "set-unmanaged", "osd.bench")
        steady()
        here = up(last)

pool.close()
no_pool("bench")
ceph("orch", "rm", "osd.bench", "--force")
ceph("orch", "osd", "rm", *(str(row["osd"]) for row in mon("osd dump")["osds"]), "--force", "--zap")
until(lambda: not mon("osd dump")["osds"] and not orch("orch osd rm status"))
ceph("orch", "rm", "crash")
ceph("config", "rm", "global", "osd_pool_default_size")
# An interpreter that ends with a session may end badly.
cluster.shutdown()
print(json.dumps(figures))
"""


def measure(machines: Sequence[Dict[str, Any]], times: int) -> Dict[str, float]:
    """Return the medians in seconds, of stops by hand the slowest.

    The last host is drained, stopped and started; OSDs are made and removed on all.
    """
    found = run_probe(PROBE, machines, times, "the hosts' figures")
    slowest = max(found["hand_enter"])
    return {**{key: statistics.median(row) for key, row in found.items()}, "slowest": slowest}
