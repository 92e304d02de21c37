"""A systemctl over a file: units with their states, masks, and a log of what was asked.

The environment's ``TREE`` has ``systemd.json``: by unit ``active``, ``enabled``, ``masked`` and
``fragment``. A unit of ``broken`` fails when it is started, ``die_at`` is the command (``stop``) at
which whoever asks is killed.
"""

from __future__ import annotations

import fnmatch
import json
import os
import signal
import sys

TREE = os.environ["TREE"]
PATH = os.path.join(TREE, "systemd.json")
with open(PATH, encoding="utf-8") as stream:
    state = json.load(stream)
words = sys.argv[1:]
verb = next(word for word in words if not word.startswith("-"))
names = words[words.index("--") + 1 :] if "--" in words else []
units = state["units"]
status = 0


def show(name):
    unit = units.get(name)
    if unit is None:
        load, active, enabled, fragment = "not-found", "inactive", "", ""
    else:
        masked = unit.get("masked")
        load = "masked" if masked else "loaded"
        active = unit.get("active", "inactive")
        enabled = "masked" if masked else unit.get("enabled", "disabled")
        mask = os.path.join(TREE, "etc/systemd/system", name)
        fragment = mask if masked else unit.get("fragment", "/lib/systemd/system/x@.service")
    print(f"Id={name}\nLoadState={load}\nActiveState={active}\nSubState=x")
    print(f"UnitFileState={enabled}\nFragmentPath={fragment}\nMainPID=7\n")


if verb == "show":
    for name in names:
        found = sorted(fnmatch.filter(units, name)) if "*" in name else [name]
        for each in found:
            show(each)
    sys.exit(0)
with open(os.path.join(TREE, "calls"), "a", encoding="utf-8") as log:
    log.write(" ".join([verb, *names]) + "\n")
for name in names:
    unit = units.setdefault(name, {})
    if verb == state.get("die_at") and name == state.get("die_unit", name):
        with open(PATH, "w", encoding="utf-8") as stream:
            json.dump({**state, "die_at": ""}, stream)
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)
    if verb == "mask":
        unit["masked"] = True
    elif verb == "unmask":
        unit["masked"] = False
    elif verb == "stop":
        unit["active"] = "inactive"
    elif verb == "start":
        condition = os.path.join(TREE, f"etc/systemd/system/{name}.d/ceph-orch-maintenance.conf")
        if unit.get("masked") or os.path.exists(condition) or name in state.get("broken", ()):
            print(f"Failed to start {name}", file=sys.stderr)
            status = 1
        else:
            unit["active"] = "active"
with open(PATH, "w", encoding="utf-8") as stream:
    json.dump(state, stream)
sys.exit(status)
