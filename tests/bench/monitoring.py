"""Time monitoring of the lab from the command until all is up, against the same by hand.

By hand is what a careful operator types over warm ssh connections: exporters on three hosts at
once, on the second host Prometheus and Alertmanager with their packages' units, a file with the
targets in it, `promtool` before it is read. Both ways begin without the packages and with their
lists read, and end when Prometheus says that the active manager and every host are up. All of it
runs on the first host.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence

from probe import run_probe

# Prints one JSON object of lists of seconds.
PROBE = r"""
import json, subprocess, sys, time, urllib.request

hosts, times = json.loads(sys.argv[1]), int(sys.argv[2])
names = list(hosts)
WHERE = names[1]
CONFIG = "/var/lib/ceph/orch-ansible/ssh_config"
PACKAGES = "prometheus prometheus-alertmanager prometheus-node-exporter ceph-prometheus-alerts"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "
EXPORTER = APT + "prometheus-node-exporter >/dev/null 2>&1"
SERVERS = (
    "set -e; " + APT + "prometheus prometheus-alertmanager ceph-prometheus-alerts >/dev/null 2>&1; "
    "cat >/etc/prometheus/prometheus.yml; promtool check config /etc/prometheus/prometheus.yml "
    ">/dev/null; systemctl restart prometheus prometheus-alertmanager"
)
CLEAN = (
    "for p in " + PACKAGES + "; do dpkg -s $p >/dev/null 2>&1 && echo $p; done | "
    "DEBIAN_FRONTEND=noninteractive xargs -r apt-get -q -y purge >/dev/null 2>&1; "
    "rm -rf /var/lib/prometheus /etc/prometheus; apt-get -q update >/dev/null 2>&1"
)

def ceph(*words, given=None):
    done = subprocess.run(["ceph", *words], capture_output=True, text=True, input=given)
    assert done.returncode == 0, done.stderr
    return done.stdout

def argv(host, script):
    # The manager's own connections end with it.
    own = ["-o", "ControlPath=/run/bench-%h", "-o", "ControlMaster=auto", "-o",
           "ControlPersist=300"]
    return ["ssh", "-F", CONFIG, *own, "-l", "root", hosts[host]["addr"], script]

def login(host, script, given=""):
    subprocess.run(argv(host, script), input=given, text=True, check=True,
                   stdout=subprocess.DEVNULL)

def at_once(script):
    none = subprocess.DEVNULL
    running = {host: subprocess.Popen(argv(host, script), stdout=none) for host in names}
    failed = [host for host, each in running.items() if each.wait()]
    assert not failed, (failed, script)

def until(check):
    while not check():
        time.sleep(0.1)

def active():
    return json.loads(ceph("mgr", "dump", "--format", "json"))["active_name"]

def up(port):
    def ask():
        url = "http://%s:%d/api/v1/targets" % (hosts[WHERE]["addr"], port)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                rows = json.load(answer)["data"]["activeTargets"]
        except (OSError, ValueError):
            return False
        jobs = [row["labels"]["job"] for row in rows if row["health"] == "up"]
        return jobs.count("node") == len(names) and "ceph" in jobs
    return ask

def configuration():
    rules = "/etc/prometheus/ceph/ceph_default_alerts.yml"
    addresses = {name: each["addr"] for name, each in hosts.items()}
    jobs = {
        "ceph": [addresses[active()] + ":9283"],
        "node": [addr + ":9100" for addr in addresses.values()],
    }
    return json.dumps({
        "global": {"scrape_interval": "10s", "evaluation_interval": "10s"},
        "rule_files": [rules],
        "alerting": {"alertmanagers": [{"static_configs": [
            {"targets": [addresses[WHERE] + ":9093"]}]}]},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": found}]}
            for job, found in jobs.items()],
    })

def by_hand():
    at_once(EXPORTER)
    login(WHERE, SERVERS, configuration())

KINDS = ("prometheus", "alertmanager", "node-exporter")
SPECS = "---\n".join(
    "service_type: %s\nplacement: {host_pattern: '%s'}\n" % (kind, where)
    for kind, where in zip(KINDS, (WHERE, WHERE, "*")))

def ours():
    ceph("orch", "apply", "-i", "-", given=SPECS)

def listed():
    return {row["service_name"] for row in json.loads(ceph("orch", "ls", "--format", "json"))}

def gone():
    return not listed() & set(KINDS)

def timed(act, port):
    at_once(CLEAN)
    began = time.perf_counter()
    act()
    until(up(port))
    return time.perf_counter() - began

ceph("mgr", "module", "enable", "prometheus")
until(lambda: subprocess.run(["ceph", "orch", "ls"], capture_output=True).returncode == 0)
figures = {"hand": [], "ours": []}
for _ in range(times):
    figures["hand"].append(timed(by_hand, 9090))
    figures["ours"].append(timed(ours, 9095))
    for kind in KINDS:
        ceph("orch", "rm", kind)
    until(gone)
at_once(CLEAN)
print(json.dumps(figures))
"""


def measure(machines: Sequence[Dict[str, Any]], times: int) -> Dict[str, float]:
    """Return the medians in seconds; the packages of monitoring are gone afterwards."""
    found = run_probe(PROBE, machines, times, "monitoring")
    return {key: sorted(row)[len(row) // 2] for key, row in found.items()}
