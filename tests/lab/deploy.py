"""Install this checkout's backend on the lab's first host and let it reach all hosts.

What is done here is what docs/install.md tells an operator to do, in the same order. Where the
release's Ansible is too old, hosts with Ceph get a virtual environment first (docs/versions.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Sequence

import wheels

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
CONTENT = (
    "adapter",
    "playbooks",
    "roles",
    "plugins",
    "meta",
    "inventory",
    "galaxy.yml",
    "ansible.cfg",
)
SOURCE = "/root/ceph-orch-ansible"
AUTHORIZE = """
mkdir -p -m 700 .ssh
touch .ssh/authorized_keys
read -r key
grep -qxF "$key" .ssh/authorized_keys || echo "$key" >>.ssh/authorized_keys
"""


def lab(*words: str, stdin: str = "") -> str:
    """Run a lab command and return what it printed; a failure ends the program with its words."""
    done = subprocess.run(
        [str(LAB), *words], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"lab {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def on(host: str, *command: str, stdin: str = "") -> str:
    """Run a command on a host."""
    return lab("ssh", host, *command, stdin=stdin)


def hosts() -> List[Dict[str, Any]]:
    """Return the lab's hosts."""
    found: List[Dict[str, Any]] = json.loads(lab("hosts"))
    return found


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:5.1f}s] {text}", flush=True)


def interpreter(machines: Sequence[Dict[str, Any]]) -> str:
    """Return what runs the playbooks on the managers' hosts; made where theirs cannot."""
    release = json.loads(lab("status", "--format", "json"))["release"]
    found = wheels.wheels(release)
    if found is None:
        return "/usr/bin/python3"
    names = [machine["name"] for machine in machines if machine["image"] == "full"]
    say(f"{wheels.INTERPRETER} on {', '.join(names)}: the Ansible of {release} is too old")

    def make(name: str) -> None:
        lab("copy", *map(str, found.iterdir()), f"{name}:{wheels.ON_HOST}")
        on(name, "sh", "-euc", wheels.MAKE, "sh", found.name, *wheels.WANTED)

    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        list(pool.map(make, names))
    return wheels.INTERPRETER


def install(first: str, python: str) -> None:
    """Put the module and its content on the manager's host, and make it the backend."""
    say(f"copy this checkout to {first}:{SOURCE}")
    on(first, "rm", "-rf", SOURCE)
    lab("copy", *(str(ROOT / name) for name in CONTENT), f"{first}:{SOURCE}")
    say("orch-ansible mgr install")
    words = [python, "-m", "adapter.cli", "mgr", "install"]
    if python == wheels.INTERPRETER:
        words += ["--python", python]
    printed = on(first, "env", f"PYTHONPATH={SOURCE}", *words)
    print(printed.strip())
    if "change " in printed or "remove " in printed:
        say("restart ceph-mgr: it has loaded what was there before")
        on(first, "systemctl", "reset-failed", f"ceph-mgr@{first}")
        on(first, "systemctl", "restart", f"ceph-mgr@{first}")
    say("orch-ansible mgr enable")
    print(on(first, "orch-ansible", "mgr", "enable").strip())


def trust(first: str, machines: Sequence[Dict[str, Any]]) -> None:
    """Make the key that the manager uses, and let every host accept it."""
    say("ceph ansible generate-key")
    if "ssh-" not in (public := _public_key(first)):
        public = on(first, "ceph", "ansible", "generate-key").strip()
    for machine in machines:
        on(
            machine["name"],
            "sh",
            "-c",
            AUTHORIZE,
            stdin=public,
        )
    say(f"the key is in authorized_keys of {', '.join(machine['name'] for machine in machines)}")


def _public_key(first: str) -> str:
    done = subprocess.run(
        [str(LAB), "ssh", first, "ceph", "ansible", "get-pub-key"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def main() -> None:
    """Install on the first host, and make its key known."""
    machines = hosts()
    first = machines[0]["name"]
    install(first, interpreter(machines))
    trust(first, machines)
    say("the backend is there")


STARTED = time.monotonic()

if __name__ == "__main__":
    main()
