"""Time OSDs of the lab's hosts through the stock ``ceph`` command, against the same by hand.

By hand is what an operator types: `ceph-volume raw prepare` and `systemctl enable --now` over a
warm ssh connection, one disk after the other; of six OSDs, on one host alone and on three hosts at
the same time. All of it runs on the first host; the cluster must
have no OSD, and each host two free disks.
"""

from __future__ import annotations

import statistics
from typing import Any, Dict, Sequence

from probe import run_probe

# Seconds; medians of cephadm 20.2.4 on the same kind of lab, quiet.
FREED_TO_UP, WIPED, AVAILABLE = 12.9, 4.85, 7.29

# Prints one JSON object of lists of seconds.
PROBE = r"""
import json, rados, subprocess, sys, time

hosts, times = json.loads(sys.argv[1]), int(sys.argv[2])
CONFIG = "/var/lib/ceph/orch-ansible/ssh_config"
MAKE = (
    "set -e; for disk in {disks}; do ls /var/lib/ceph/osd >/run/bench-osds 2>/dev/null || true; "
    "CEPH_VOLUME_ALLOW_LOOP_DEVICES=1 ceph-volume raw prepare --bluestore --data $disk >/dev/null "
    "2>&1; new=$(ls /var/lib/ceph/osd | grep -vxFf /run/bench-osds); "
    "unit=ceph-osd@${{new#ceph-}}; systemctl reset-failed $unit 2>/dev/null || true; "
    "systemctl enable -q --now $unit; done"
)
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf")
cluster.connect()

def ask(send, prefix, **words):
    words.setdefault("format", "json")
    code, out, error = send(json.dumps({"prefix": prefix, **words}), b"", timeout=60)
    assert code == 0, error
    return json.loads(out) if out.strip()[:1] in (b"[", b"{") else []

def osds():
    return {row["osd"]: row["up"] for row in ask(cluster.mon_command, "osd dump")["osds"]}

def available():
    rows = ask(cluster.mgr_command, "orch device ls", target=["mon-mgr", ""])
    return {(h["name"], d["path"]) for h in rows for d in h["devices"] if d["available"]}

def until(check):
    while not check():
        time.sleep(0.02)

def until_up(count):
    until(lambda: sum(osds().values()) == count)

def timed(act, *waits):
    started = time.perf_counter()
    act()
    took = []
    for wait in waits:
        wait()
        took.append(time.perf_counter() - started)
    return took

def listed():
    return ask(cluster.mgr_command, "orch ps", target=["mon-mgr", ""], daemon_type="osd")

def queued():
    return ask(cluster.mgr_command, "orch osd rm status", target=["mon-mgr", ""])

def ceph(*words, given=None):
    done = subprocess.run(["ceph", *words], capture_output=True, text=True, input=given)
    assert done.returncode == 0, done.stderr

def typed(host, disks):
    login = ["ssh", "-F", CONFIG, "-l", "root", hosts[host]["addr"]]
    return subprocess.Popen([*login, MAKE.format(disks=" ".join(disks))])

def by_hand(*names, disks=2):
    for each in [typed(name, hosts[name]["disks"][:disks]) for name in names]:
        assert each.wait() == 0

def remove():
    numbers = [str(number) for number in osds()]
    if numbers:
        ceph("orch", "osd", "rm", *numbers, "--force", "--zap")

def wiped():
    until(lambda: not osds() and not queued() and not listed())

def gone():
    every = {(name, disk) for name, host in hosts.items() for disk in host["disks"]}
    until(lambda: not osds() and not queued() and every <= available())

def apply(names, limit):
    spec = {"service_type": "osd", "service_id": "bench", "placement": {"hosts": names},
            "spec": {"method": "raw", "data_devices": {"rotational": 1, "limit": limit}}}
    ceph("orch", "apply", "-i", "-", given=json.dumps(spec))

figures = {"add": [], "hand": [], "six": [], "hand_two": [], "hand_six": [], "freed": [],
           "wiped": [], "available": []}
last = list(hosts)[-1]
disk = hosts[last]["disks"][0]
# The first one brings ceph.conf and the keyring to every host.
for name, host in hosts.items():
    ceph("orch", "daemon", "add", "osd", f"{name}:{host['disks'][0]}")
until_up(len(hosts))
remove()
gone()
for _ in range(times):
    add = lambda: ceph("orch", "daemon", "add", "osd", f"{last}:{disk}")
    figures["add"] += timed(add, lambda: until_up(1))
    of_ps, of_devices = timed(remove, wiped, gone)
    figures["wiped"].append(of_ps)
    figures["available"].append(of_devices)
    figures["hand"] += timed(lambda: by_hand(last, disks=1), lambda: until_up(1))
    time.sleep(1)
    remove()
    gone()
    figures["freed"] += timed(lambda: apply([last], 1), lambda: until_up(1))
    ceph("orch", "rm", "osd.bench", "--force")
    remove()
    gone()
for _ in range(max(1, times // 2)):
    two = lambda: apply(list(hosts), 2)
    figures["six"] += timed(two, lambda: until_up(2 * len(hosts)))
    ceph("orch", "rm", "osd.bench", "--force")
    remove()
    gone()
    slowest = []
    for name in hosts:
        slowest += timed(lambda: by_hand(name), lambda: until_up(2))
        time.sleep(1)
        remove()
        gone()
    figures["hand_two"].append(max(slowest))
    figures["hand_six"] += timed(lambda: by_hand(*hosts), lambda: until_up(2 * len(hosts)))
    time.sleep(1)
    remove()
    gone()
print(json.dumps(figures))
"""


def measure(machines: Sequence[Dict[str, Any]], times: int) -> Dict[str, float]:
    """Return the medians in seconds; makes and removes OSDs on the lab's free disks."""
    found = run_probe(PROBE, machines, times, "the OSDs' figures")
    return {key: statistics.median(row) for key, row in found.items()}
