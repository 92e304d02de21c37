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


def listed_devices() -> set[str]:
    """Return the hosts whose devices are known."""
    return {
        host["name"] for host in json.loads(on(FIRST, "ceph", "orch", "device", "ls", "-f", "json"))
    }


def known_hosts() -> set[str]:
    """Return the hosts under management."""
    return {
        host["hostname"]
        for host in json.loads(on(FIRST, "ceph", "orch", "host", "ls", "-f", "json"))
    }


def main() -> None:
    """Add the hosts, look at them, switch a light on and off."""
    machines = hosts()
    shell("ceph", "orch", "status")
    already = known_hosts()
    for machine in machines:
        if machine["name"] not in already:
            shell("ceph", "orch", "host", "add", machine["name"], machine["addr"])
    names = {machine["name"] for machine in machines}
    shell("ceph", "-s")
    wait_for("every host's devices are there", 90, lambda: listed_devices() >= names)
    shell("ceph", "orch", "host", "ls")
    shell("ceph", "orch", "device", "ls")
    shell("ceph", "orch", "ps")
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


def follow_up(machines: list[dict[str, Any]]) -> None:
    """Say what to try next."""
    status = json.loads(lab("status", "--format", "json"))
    dashboard = (status.get("cluster") or {}).get("dashboard") or {}
    print(
        f"""
What to try next
  tests/lab/lab ssh {FIRST}                           a shell where `ceph orch` works
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
