"""Show what the backend does: the end of ``make demo``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

sys.path.insert(0, __file__.rsplit("/", 1)[0])

from deploy import LAB, hosts, lab, on

FIRST = "h1"
FILE = "/root/cluster.yml"
SERVICES = """\
service_type: mon
placement: {count: 3}
---
service_type: mgr
placement: {count: 2}
---
service_type: osd
service_id: all
placement: {host_pattern: '*'}
spec:
  data_devices: {all: true}
---
service_type: crash
placement: {host_pattern: '*'}
---
service_type: rgw
service_id: s3
placement: {count: 1}
spec: {rgw_frontend_port: 8000}
"""
WANTED = {"mon": 3, "mgr": 2, "crash": 3, "rgw.s3": 1, "mds.demo": 2}
# Three enclosure slots as a real kernel shows them; the lab has no enclosure (see tests/lab).
FAKE_ENCLOSURE = """
set -e
root=/run/lab-enclosure
disk=$1
slot=$root/class/enclosure/0:0:8:0/Slot01
mkdir -p "$slot/device/block/${disk##*/}"
for light in locate fault active; do [ -e "$slot/$light" ] || echo 0 >"$slot/$light"; done
"""


def shell(*command: str) -> None:
    """Show a command as it is typed on the first host, and what it prints."""
    print(f"\n{FIRST}# {' '.join(command)}", flush=True)
    subprocess.run([str(LAB), "ssh", FIRST, *command], check=False)


def wait_for(what: str, seconds: float, check: Any) -> None:
    """Wait until ``check()`` is true, and say how long it took."""
    started = time.monotonic()
    while not check():
        if time.monotonic() - started > seconds:
            sys.exit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
    print(f"   ({what} after {time.monotonic() - started:.1f} s)", flush=True)


def answer(*command: str) -> Any:
    """Return what a command answers in JSON."""
    return json.loads(on(FIRST, *command, "--format", "json"))


def cluster_file(machines: list[dict[str, Any]]) -> str:
    """Return hosts and services in one file, as an administrator writes it."""
    documents = [
        f"service_type: host\nhostname: {machine['name']}\naddr: {machine['addr']}\n"
        for machine in machines
    ]
    return "---\n".join([*documents, SERVICES])


def runs() -> bool:
    """Tell whether all services of the file run, and the monitors have a quorum of three."""
    rows = {row["service_name"]: row["status"] for row in answer("ceph", "orch", "ls")}
    found = {name: rows.get(name, {}).get("running", 0) for name in WANTED}
    return found == WANTED and len(answer("ceph", "quorum_status")["quorum"]) == WANTED["mon"]


def osds_up(count: int) -> bool:
    """Tell whether so many OSDs are up."""
    return bool(answer("ceph", "osd", "stat")["num_up_osds"] >= count)


def main() -> None:
    """Make a cluster of the hosts with one file, a file system, and look at it."""
    machines = hosts()
    disks = sum(len(machine["disks"]) for machine in machines)
    shell("ceph", "orch", "status")
    lab("ssh", FIRST, "sh", "-c", f"cat >{FILE}", stdin=cluster_file(machines))
    shell("cat", FILE)
    shell("ceph", "orch", "apply", "-i", FILE)
    wait_for("every disk is an OSD that is up", 600, lambda: osds_up(disks))
    if not answer("ceph", "fs", "ls"):
        shell("ceph", "fs", "volume", "create", "demo")
    wait_for("all services run", 600, runs)
    shell("ceph", "orch", "host", "ls")
    shell("ceph", "orch", "ls")
    shell("ceph", "orch", "ps")
    shell("ceph", "fs", "status", "demo")
    light(machines[1])
    shell("ceph", "ansible", "job", "ls")
    shell("ceph", "-s")
    follow_up(machines)


def light(machine: dict[str, Any]) -> None:
    """Switch the ident light of a disk, in an enclosure that is made of files."""
    disk = machine["disks"][0]["path"]
    on(machine["name"], "sh", "-c", FAKE_ENCLOSURE, "sh", disk)
    on(FIRST, "ceph", "config", "set", "mgr", "mgr/ansible/light_sysfs_root", "/run/lab-enclosure")
    for state in ("on", "off"):
        shell("ceph", "ansible", "device", "light", machine["name"], disk, "ident", state)


def gateway() -> str:
    """Return the address of the host that has the S3 gateway."""
    rows = answer("ceph", "orch", "ps", "--service_name", "rgw.s3")
    addresses = {machine["name"]: machine["addr"] for machine in hosts()}
    return str(addresses[rows[0]["hostname"]]) if rows else "HOST"


def follow_up(machines: list[dict[str, Any]]) -> None:
    """Say what to try next."""
    status = json.loads(lab("status", "--format", "json"))
    dashboard = (status.get("cluster") or {}).get("dashboard") or {}
    print(
        f"""
What to try next
  tests/lab/lab ssh {FIRST}                           a shell where `ceph orch` works
  ceph -s; ceph orch ls; ceph orch ps           the cluster; `watch` any of them
  curl http://{gateway()}:8000                  the S3 gateway
  ceph orch apply -i {FILE}           the same file again: nothing is changed
  ceph orch device ls --wide --refresh          new data of all hosts
  ceph orch host label add {machines[-1]["name"]} nvme             labels
  ceph ansible job ls --all                     every playbook that ran; see `job show ID`
  tests/lab/lab power off {machines[-1]["name"]}                   then watch `ceph health detail`
  {dashboard.get("url")}  the dashboard: Cluster > Hosts, Cluster > Physical disks
             user {dashboard.get("user")}  password {dashboard.get("password")}
  make down                                     when you are done"""
    )


if __name__ == "__main__":
    main()
