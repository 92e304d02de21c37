"""Run the benchmarks and print them as ratios: ``make bench``.

Needs root and a lab with the backend installed; hosts that are not managed yet are added. Nothing
here is a test: figures depend on the machine, ratios hold within one run.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

import awx  # noqa: E402
from cluster import CLIENT, LAB, measure  # noqa: E402
from engine import Bench  # noqa: E402
from hosts import CEPHADM as HOSTS  # noqa: E402
from hosts import measure as measure_hosts  # noqa: E402
from loopback import PORT, Loopback  # noqa: E402
from monitoring import measure as measure_monitoring  # noqa: E402
from osds import AVAILABLE, FREED_TO_UP, WIPED  # noqa: E402
from osds import measure as measure_osds  # noqa: E402
from services import CEPHADM  # noqa: E402
from services import measure as measure_services  # noqa: E402
from upgrades import measure as measure_upgrades  # noqa: E402

from adapter.engine.model import Target  # noqa: E402
from tests.contract.on_lab import compare  # noqa: E402


def line(name: str, value: str, bar: str, good: bool) -> None:
    """Print one figure beside its bar."""
    print(f"{name:<58} {value:>22}   {bar:<18} {'ok' if good else 'MISSED'}", flush=True)


def hosts() -> List[Dict[str, Any]]:
    """Return the lab's hosts."""
    found: List[Dict[str, Any]] = json.loads(subprocess.check_output([str(LAB), "hosts"]))
    return found


def manage(machines: List[Dict[str, Any]]) -> None:
    """Add the lab's hosts to the orchestrator, and wait until each has told its devices."""
    for host in machines[:3]:
        on_first("ceph", "orch", "host", "add", host["name"], host["addr"])
    deadline = time.monotonic() + 120
    names = {host["name"] for host in machines[:3]}
    while True:
        listed = json.loads(on_first("ceph", "orch", "device", "ls", "--format", "json"))
        if names <= {host["name"] for host in listed if host["devices"]}:
            return
        if time.monotonic() > deadline:
            sys.exit("not every host of the lab has told its devices within 120 s")
        time.sleep(1)


def on_first(*words: str) -> str:
    """Run a command on the lab's first host, and return its output."""
    return subprocess.check_output([str(LAB), "ssh", "h1", *words], text=True)


def lab_keys(machines: List[Dict[str, Any]]) -> Dict[str, List[str]]:
    """Return the lab's pinned host keys by address."""
    known = Path(machines[0]["ssh_config"]).with_name("known_hosts")
    keys: Dict[str, List[str]] = {}
    for text in known.read_text(encoding="ascii").splitlines():
        names, kind, key = text.split()[:3]
        for name in names.split(","):
            keys.setdefault(name, []).append(f"{kind} {key}")
    return keys


def reads() -> None:
    """Answers from memory inside the module, on the first host with Ceph's own classes."""
    copy = [str(LAB), "copy", str(ROOT / "adapter"), str(ROOT / "tests" / "bench")]
    copy += [str(ROOT / "playbooks"), str(ROOT / "ansible.cfg"), "h1:/root/bench"]
    subprocess.run(copy, check=True, stdout=subprocess.DEVNULL)
    script = "cd /root/bench && PYTHONPATH=. python3 bench/reads.py"
    out = subprocess.check_output([str(LAB), "ssh", "h1", "sh", "-c", script], text=True)
    bars = {"describe_service": 50, "reconcile": 1000, "targets": 100}
    names = {
        "reconcile": "a round with nothing to do",
        "targets": "files of Prometheus with all as targets",
    }
    for name, figures in json.loads(out.splitlines()[-1]).items():
        bar = bars.get(name, 20)
        what = names.get(name, name)
        value = f"p99 {figures['p99']:.2f} ms"
        line(f"{what}, 1,000 hosts in memory", value, f"< {bar} ms", figures["p99"] < bar)


def interface() -> None:
    """Reading and writing of types, against Ceph's own classes in one process of the first host."""
    report = compare(os.environ.get("LAB") or "demo", "--bench")
    for what, name in (("daemons", "daemon descriptions"), ("specs", "mixed specs")):
        found = report["bench"][what]
        for way in ("from_json", "to_json"):
            ours, theirs, ratio = found["ours_ms"][way], found["ceph_ms"][way], found["ratio"][way]
            label = f"{way} of {found['count']:,} {name}"
            line(label, f"{ours} / {theirs} ms = {ratio:.2f}", "<= 1.00", ratio <= 1)


def lab_engine(machines: List[Dict[str, Any]], times: int) -> None:
    """The engine against plain ansible-playbook on the lab's hosts."""
    targets = [Target(host["name"], host["addr"]) for host in machines[:3]]
    bench = Bench(targets, Path(machines[0]["ssh_key"]), lab_keys(machines))
    found = bench.compare("get_inventory", times)
    value = f"+{found['more_seconds']:.2f} s ({found['ratio']:.2f})"
    line(
        "engine against ansible-playbook, 3 hosts", value, "<= +0.6 s", found["more_seconds"] <= 0.6
    )


def on_many(many: Loopback) -> Bench:
    """Return a bench on loopback hosts."""
    targets = [
        Target(f"n{number}", address, port=PORT, python=sys.executable)
        for number, address in enumerate(many.addresses)
    ]
    return Bench(targets, many.identity, dict.fromkeys(many.addresses, many.keys))


def loopback_engine(count: int, most: int, times: int) -> None:
    """The engine against plain ansible-playbook on many loopback hosts, and the CPU per host."""
    with Loopback(count) as many:
        found = on_many(many).compare("get_inventory", times)
    ratio, cpu = found["ratio"], found["cpu_per_host"]
    line(f"engine against ansible-playbook, {count} hosts", f"{ratio:.2f}", "<= 1.10", ratio <= 1.1)
    line(f"controller CPU per host report, {count} hosts", f"{cpu:.3f} s", "<= 0.06 s", cpu <= 0.06)
    if not most:
        return
    with Loopback(most) as many:
        bench = on_many(many)
        bench.through_engine("get_inventory")
        cost = bench.through_engine("get_inventory", look_at_memory=True)
    growth, memory = cost.cpu / most / cpu, cost.memory / 2**20
    value = f"{cost.cpu / most:.3f} / {cpu:.3f} s = {growth:.2f}"
    line(f"the same, {most:,} hosts against {count}", value, "<= 1.2", growth <= 1.2)
    line(f"memory of the job, {most:,} hosts", f"{memory:.0f} MiB", "< 1024 MiB", memory < 1024)


def cluster(machines: List[Dict[str, Any]]) -> None:
    """The stock ceph command against cephadm's medians."""
    for name, figure in measure(machines[-1]).items():
        value = f"{figure['ours']:.2f} / {figure['cephadm']:.2f} s = {figure['ratio']:.2f}"
        if name == CLIENT:
            print(f"{name:<58} {value:>22}   (no bar: it is in every figure below)", flush=True)
        else:
            line(name, value, "<= 0.8", figure["ratio"] <= 0.8)


def osds(machines: List[Dict[str, Any]], times: int) -> None:
    """OSDs against the same commands by hand, and against cephadm's medians."""
    found = measure_osds(machines, times)
    pairs = (
        ("daemon add osd until it is up, against by hand", "add", found["hand"], 2.0),
        ("6 OSDs on 3 hosts, against 3 hosts by hand at once", "six", found["hand_six"], 1.5),
        ("6 OSDs on 3 hosts, against 2 on one by hand", "six", found["hand_two"], 1.5),
        ("a free disk until its OSD is up, against cephadm", "freed", FREED_TO_UP, 1.0),
        ("OSD removed, wiped and gone from ps, against cephadm", "wiped", WIPED, 1.0),
        ("OSD removed, disk available, against cephadm", "available", AVAILABLE, 1.0),
    )
    for name, key, theirs, bar in pairs:
        ratio = found[key] / theirs
        value = f"{found[key]:.1f} / {theirs:.1f} s = {ratio:.2f}"
        line(name, value, f"<= {bar}", ratio <= bar)


def services(machines: List[Dict[str, Any]], times: int) -> None:
    """Metadata servers against the same commands by hand, and against cephadm's medians."""
    found = measure_services(machines, times)
    ratio = found["one"] / found["hand"]
    value = f"{found['one']:.1f} / {found['hand']:.1f} s = {ratio:.2f}"
    line("apply mds until it runs, against by hand", value, "<= 2.0", ratio <= 2)
    named = (
        ("3 MDS running in ps, against cephadm", "three"),
        ("an MDS restarted, seen in ps, against cephadm", "restarted"),
        ("3 MDS removed, against cephadm", "removed"),
        ("mgr fail until orch status answers, against cephadm", "status"),
        ("mgr fail until ps is filled, against cephadm", "filled"),
    )
    for name, key in named:
        ratio = found[key] / CEPHADM[key]
        value = f"{found[key]:.1f} / {CEPHADM[key]:.1f} s = {ratio:.2f}"
        line(name, value, "<= 1.0", ratio <= 1)


def lives(machines: List[Dict[str, Any]], times: int) -> None:
    """Hosts in and out of maintenance and drained, by hand and against cephadm's medians."""
    found = measure_hosts(machines, times)
    pairs = (
        ("maintenance enter, against cephadm", "enter", HOSTS["enter"], 0.8),
        ("maintenance enter, against the slowest stop by hand", "enter", found["slowest"], 1.3),
        ("maintenance exit until all is well, against cephadm", "leave", HOSTS["leave"], 0.8),
        ("host drain without OSDs, against cephadm", "drain", HOSTS["drain"], 0.8),
        ("host drain, 2 near-empty OSDs, against cephadm", "drain_osds", HOSTS["drain_osds"], 0.5),
    )
    for name, key, theirs, bar in pairs:
        ratio = found[key] / theirs
        value = f"{found[key]:.1f} / {theirs:.1f} s = {ratio:.2f}"
        line(name, value, f"<= {bar}", ratio <= bar)
    ours, hand = found["leave"], found["hand_leave"]
    value = f"{ours:.1f} / {hand:.1f} s = {ours / hand:.2f}"
    print(f"{'maintenance exit until all is well, against by hand':<58} {value:>22}   (no bar)")


def in_awx(times: int) -> None:
    """Jobs of the engine that has AWX run them, against a stand-in for AWX on this machine."""
    # What is installed is compiled, too.
    compileall.compile_dir(str(ROOT / "adapter"), quiet=1)
    one = awx.one_job(5.0, times)
    value = f"+{one['more']:.2f} s of {one['own']:.1f} s"
    line("a job in AWX, against AWX's own time", value, "<= +0.3 s", one["more"] <= 0.3)
    value = f"{one['requests']:.0f} = {one['beyond']:.1f} + 1/s"
    line("requests to AWX of a job", value, "<= 8 + 1/s", one["beyond"] <= 8)
    many = awx.many_jobs(100, 5.0)
    value = f"{many['average']:.1f}/s, most {many['most']:.1f}/s"
    line("100 jobs at once in AWX, requests", value, "<= 10/s", many["most"] <= 10)
    reads = awx.slow_reads()
    value = f"p99 {reads['p99']:.2f} ms, {reads['ratio']:.2f}"
    name = "reads while AWX takes 5 s to answer, against at once"
    line(name, value, "<= 1.1", reads["ratio"] <= 1.1)


def monitoring(machines: List[Dict[str, Any]], times: int) -> None:
    """Prometheus, Alertmanager and exporters until all is up, against the same by hand."""
    found = measure_monitoring(machines, times)
    ratio = found["ours"] / found["hand"]
    value = f"{found['ours']:.0f} / {found['hand']:.0f} s = {ratio:.2f}"
    line("monitoring until every target is up, against by hand", value, "<= 1.5", ratio <= 1.5)


def upgrades(machines: List[Dict[str, Any]]) -> None:
    """A whole upgrade against the same commands typed host by host."""
    found = measure_upgrades(machines)
    ratio = found["ours"] / found["hand"]
    value = f"{found['ours']:.0f} / {found['hand']:.0f} s = {ratio:.2f}"
    line("a whole upgrade, against by hand", value, "<= 1.3", ratio <= 1.3)


def main() -> None:
    """Print all figures, or those that are named."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    names = ("reads", "interface", "lab", "loopback", "cluster", "osds", "services", "hosts", "awx")
    # The lab is of another version after the last one.
    names += ("monitoring", "upgrades")
    parser.add_argument("what", nargs="*", help=f"of: {' '.join(names)} (default: all)")
    parser.add_argument("--times", type=int, default=5, help="runs per figure (median)")
    parser.add_argument("--hosts", type=int, default=100, help="loopback hosts")
    parser.add_argument("--most", type=int, default=1000, help="loopback hosts, once; 0 for none")
    options = parser.parse_args()
    wanted = options.what or list(names)
    on_services = {"cluster", "osds", "services", "hosts", "monitoring", "upgrades"}
    machines = hosts() if set(wanted) & {"lab", *on_services} else []
    if set(wanted) & on_services:
        manage(machines)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians", flush=True)
    times = options.times
    steps: Dict[str, Callable[[], None]] = {
        "reads": reads,
        "interface": interface,
        "lab": lambda: lab_engine(machines, times),
        "loopback": lambda: loopback_engine(options.hosts, options.most, times),
        "cluster": lambda: cluster(machines),
        "osds": lambda: osds(machines, min(3, times)),
        "services": lambda: services(machines, times),
        "hosts": lambda: lives(machines, times),
        "awx": lambda: in_awx(times),
        "monitoring": lambda: monitoring(machines, min(2, times)),
        "upgrades": lambda: upgrades(machines),
    }
    for name, step in steps.items():
        if name in wanted:
            step()


if __name__ == "__main__":
    main()
