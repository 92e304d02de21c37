"""Time a whole upgrade of the lab against the same commands typed host by host.

By hand is what a careful operator types: on each host one `apt-get install` that starts nothing,
then kind by kind the restarts, each asked for with `ok-to-stop` and waited for, with `noout` for
the host whose OSDs are restarted. Each way brings the cluster to a version of its own, which `lab
offer` makes. The bench gives a lab monitors on three hosts, managers on two, an OSD on each free
disk, two metadata servers and a gateway. All of it runs on the first host, once: it takes minutes.
"""

from __future__ import annotations

import subprocess
from typing import Any, Dict, Sequence

from probe import LAB, run_probe

BY_HAND, OURS = "20.2.5", "20.2.6"

# Prints one JSON object of lists of seconds.
PROBE = r"""
import json, subprocess, sys, time

hosts = json.loads(sys.argv[1])
CONFIG = "/var/lib/ceph/orch-ansible/ssh_config"
QUIET = "printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; "
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold install "
NAMES = "dpkg-query -W -f '${Package} ${source:Package}\n' | awk '$2 == \"ceph\" {print $1}'"
INSTALL = (
    "set -e; " + QUIET + "names=$(for p in $(" + NAMES + "); do echo $p=%s+ds-1lab1; done); "
    + APT + "$names >/dev/null 2>&1; rm /usr/sbin/policy-rc.d"
)

def ceph(*words):
    done = subprocess.run(["ceph", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout

def data(*words):
    return json.loads(ceph(*words, "--format", "json"))

def login(host, script):
    # The manager's own connections end with it.
    own = ["-o", "ControlPath=/run/bench-%h", "-o", "ControlMaster=auto"]
    argv = ["ssh", "-F", CONFIG, *own, "-l", "root", hosts[host]["addr"], script]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)

def until(check):
    while True:
        try:
            if check():
                return
        except AssertionError:
            pass
        time.sleep(0.5)

def runs(kind, version, ids=None):
    key = "id" if kind == "osd" else "name"
    rows = {str(row[key]): row.get("ceph_version_short") for row in data(kind, "metadata")}
    return all(rows.get(each) == version for each in (ids or rows))

def restart(host, *units):
    login(host, "systemctl reset-failed %s; systemctl restart %s" % ((" ".join(units),) * 2))

def may(*words):
    return subprocess.run(["ceph", *words], capture_output=True).returncode == 0

def where(kind):
    return {str(row.get("name")): row["hostname"] for row in data(kind, "metadata")}

def by_hand(version):
    for host in hosts:
        login(host, INSTALL % version)
    active, places = data("mgr", "stat")["active_name"], where("mgr")
    for name in sorted(places, key=lambda each: each == active):
        if name == active:
            ceph("mgr", "fail", name)
            until(lambda: data("mgr", "stat")["active_name"] not in ("", name))
        restart(places[name], "ceph-mgr@" + name)
        until(lambda: runs("mgr", version, [name]))
    leader, places = data("quorum_status")["quorum_leader_name"], where("mon")
    for name in sorted(places, key=lambda each: each == leader):
        until(lambda: may("mon", "ok-to-stop", name))
        restart(places[name], "ceph-mon@" + name)
        until(lambda: name in data("quorum_status")["quorum_names"])
        until(lambda: runs("mon", version, [name]))
    for host in hosts:
        ids = [str(row["id"]) for row in data("osd", "metadata") if row["hostname"] == host]
        until(lambda: may("osd", "ok-to-stop", *ids))
        ceph("osd", "set-group", "noout", host)
        restart(host, *("ceph-osd@" + each for each in ids))
        until(lambda: runs("osd", version, ids))
        until(lambda: data("osd", "stat")["num_up_osds"] == data("osd", "stat")["num_osds"])
        ceph("osd", "unset-group", "noout", host)
    ranked = [row["name"] for fs in data("fs", "dump")["filesystems"]
              for row in fs["mdsmap"]["info"].values()]
    places = where("mds")
    for name in sorted(places, key=lambda each: each in ranked):
        until(lambda: may("mds", "ok-to-stop", name))
        restart(places[name], "ceph-mds@" + name)
        until(lambda: runs("mds", version, [name]))
    for host in hosts:
        login(host, "systemctl restart ceph-radosgw.target ceph-crash.service")
    until(lambda: runs("mds", version))

def ours(version):
    ceph("orch", "upgrade", "start", "--ceph-version", version)
    until(lambda: not may("config-key", "exists", "mgr/ansible/upgrade.current"))
    assert runs("osd", version) and runs("mon", version), ceph("orch", "upgrade", "status")

def clean():
    states = data("pg", "stat")["pg_summary"]["num_pg_by_state"]
    return {row["name"] for row in states} <= {"active+clean"}

def timed(act, version):
    until(clean)
    # The lists of packages are read before, and both begin with what hosts have reported.
    until(lambda: "still reads" not in ceph("orch", "upgrade", "check", "--ceph-version", version))
    began = time.perf_counter()
    act(version)
    return time.perf_counter() - began

def grown():
    first = list(hosts)
    ceph("orch", "apply", "mon", "--placement=" + " ".join(first))
    ceph("orch", "apply", "mgr", "--placement=" + " ".join(first[:2]))
    until(lambda: len(data("quorum_status")["quorum_names"]) == 3 and len(where("mgr")) == 2)
    if not data("osd", "stat")["num_osds"]:
        ceph("orch", "apply", "osd", "--all-available-devices", "--method", "raw")
    count = sum(len(each["disks"]) for each in hosts.values())
    until(lambda: data("osd", "stat")["num_up_osds"] == count)
    if not data("fs", "ls"):
        ceph("fs", "volume", "create", "bench", "--placement=2 " + " ".join(first[:2]))
        ceph("orch", "apply", "rgw", "bench", "--placement=" + first[2], "--port=8095")
    until(lambda: len(where("mds")) == 2 and "rgw" in data("service", "dump")["services"])

grown()
hand = timed(by_hand, "BY_HAND")
print(json.dumps({"hand": [hand], "ours": [timed(ours, "OURS")]}))
"""


def measure(machines: Sequence[Dict[str, Any]]) -> Dict[str, float]:
    """Return the seconds of both ways."""
    subprocess.run([str(LAB), "offer", f"{BY_HAND},{OURS}"], check=True)
    script = PROBE.replace('"BY_HAND"', f'"{BY_HAND}"').replace('"OURS"', f'"{OURS}"')
    found = run_probe(script, machines, 1, "upgrades")
    return {name: rows[0] for name, rows in found.items()}
