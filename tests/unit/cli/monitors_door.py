"""The command on a cluster with OSDs: hosts, disks and monitors of the reconciler's tests."""

from __future__ import annotations

import errno
import json
from typing import Any, Dict, List, Sequence, Tuple

from adapter.cli.ceph import Ceph, CephError
from adapter.interface import OrchestratorError
from tests.unit.cli.kept_values import KeptValues
from tests.unit.reconcile.fake_monitors import Monitors

# What the disks of the fake cluster have on their labels.
# The arguments of commands in their order; a list takes all words that are left.
ARGUMENTS: Dict[str, Tuple[str, ...]] = {
    "osd crush reweight": ("name", "weight"),
    "osd crush set": ("id", "weight", "args*"),
    "osd crush remove": ("name",),
    "osd out": ("ids*",),
    "osd in": ("ids*",),
    "osd down": ("ids*",),
    "osd set-group": ("flags", "who*"),
    "osd unset-group": ("flags", "who*"),
    "osd require-osd-release": ("release",),
    "mgr fail": ("who",),
    "osd safe-to-destroy": ("ids*",),
    "osd ok-to-stop": ("ids*",),
    "osd destroy-actual": ("id",),
    "osd purge-actual": ("id",),
    "auth get": ("entity",),
    "auth get-or-create": ("entity", "caps*"),
    "auth rm": ("entity",),
    "config get": ("who", "key"),
    "config help": ("key",),
    "mon ok-to-rm": ("id",),
    "mon ok-to-stop": ("ids*",),
    "mds ok-to-stop": ("ids*",),
}
NUMBERS = ("id", "weight")


class MonitorsCeph(Ceph):
    """``ceph`` before the fake monitors. ``before`` is called with each command's words."""

    def __init__(self, monitors: Monitors) -> None:
        self.monitors = monitors
        self.fsid, self.backend = "F51D", ""
        self.before: List[Any] = []
        self.kept = KeptValues()
        # Whether a manager runs the module.
        self.enabled = False

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Answer."""
        plain = [word for word in words if word not in ("--format", "json")]
        line = " ".join(plain)
        for act in self.before:
            act(line)
        if line == "orch status":
            return json.dumps({"backend": self.backend})
        if line == "fsid":
            return self.fsid + "\n"
        if line == "mgr dump":
            data = json.loads(self.monitors.command(prefix="mgr dump"))
            return json.dumps({**data, "modules": ["ansible"] if self.enabled else []})
        kept = self.kept.answer(plain, given)
        if kept is not None:
            return kept
        if line == "pg dump pgs":
            return json.dumps({"pg_stats": self.monitors.pg_stats()})
        if line == "pg dump osds":
            return json.dumps({"osd_stats": self.monitors.osd_stats()})
        if line == "service dump":
            return json.dumps(self.monitors.service_map())
        try:
            return self.monitors.command(**_arguments(plain))
        except OrchestratorError as error:
            name = errno.errorcode.get(-error.errno, "EIO")
            raise CephError([*words], f"Error {name}: {error}", -error.errno) from None


def _arguments(words: Sequence[str]) -> Dict[str, Any]:
    """Return what the monitors get of a command line."""
    texts = [word for word in words if not word.startswith("--")]
    prefix = max(
        (
            each
            for each in (*ARGUMENTS, " ".join(texts))
            if texts[: len(each.split())] == each.split()
        ),
        key=lambda each: (each in ARGUMENTS, len(each)),
    )
    found: Dict[str, Any] = {"prefix": prefix}
    values = texts[len(prefix.split()) :]
    for name in ARGUMENTS.get(prefix, ()):
        if name.endswith("*"):
            found[name[:-1]], values = values, []
        else:
            text = values.pop(0)
            found[name] = (
                float(text)
                if name == "weight"
                else int(text)
                if name == "id" and text.isdigit()
                else text
            )
    return found
