"""A host with OSDs made of files, on which ceph-volume and systemd are small programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pytest

from plugins.module_utils.disks.block import own_blocks
from plugins.module_utils.osd.creation import Creation
from plugins.module_utils.osd.directories import osd_directories
from plugins.module_utils.osd.plan_check import Plan
from plugins.module_utils.osd.startup import Startup
from plugins.module_utils.system.host_lock import HostLock
from tests.unit.plugins.labels import FSID, OSD_UUID
from tests.unit.plugins.programs import only_programs_of
from tests.unit.plugins.tree import Tree, write

ROOT = Path(__file__).resolve().parents[3]
_LOG = "(IFS=' '; printf '%s\\n' \"${0##*/} $*\") >>\"$TREE/calls\"\n"
# As util-linux has it: it stops at the first device on which it finds nothing, and says the same of
# one that it cannot open or read. It knows oracleasm; what else a disk's file shall give stands
# beside it.
BLKID = """
[ "$*" = "${*#-c /dev/null -p -o export }" ] && exit 4
shift 5
for device; do
  name=${device##*/}
  [ -e "$TREE/blkid/$name.hangs" ] && sleep 600
  [ -e "$TREE/blkid/$name.status" ] && exit "$(cat "$TREE/blkid/$name.status")"
  [ -r "$device" ] || exit 2
  [ "$(dd if="$device" bs=1 skip=32 count=8 2>/dev/null | tr -d '\\0')" = ORCLDISK ] || exit 2
  printf 'DEVNAME=%s\nTYPE=oracleasm\nUSAGE=filesystem\n\n' "$device"
done
"""
PROGRAMS = {
    # Units are files that hold their state.
    "systemctl": """
verb=$1; seen=
for word; do
  if [ "$seen" ]; then
    state=$(cat "$TREE/units/$word" 2>/dev/null || echo inactive)
    case $verb in
      show) printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' "$state" \\
              "$(cat "$TREE/units/$word.sub" 2>/dev/null || echo dead)"
            printf 'UnitFileState=%s\\nMainPID=7\\n\\n' \\
              "$(cat "$TREE/units/$word.enabled" 2>/dev/null || echo disabled)" ;;
      enable|start|restart) echo active >"$TREE/units/$word"
            [ $verb = enable ] && echo enabled >"$TREE/units/$word.enabled" ;;
      disable|stop|reset-failed) echo inactive >"$TREE/units/$word"; rm -f "$TREE/units/$word.sub"
            [ $verb = disable ] && rm -f "$TREE/units/$word.enabled" ;;
    esac
  fi
  [ "$word" = -- ] && seen=1
done
exit 0
""",
    "systemd-run": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"\n',
    "journalctl": "echo its last words\n",
    "pvs": """
[ -e "$TREE/pvs_fails" ] && { cat "$TREE/pvs_fails" >&2; exit 5; }
cat "$TREE/pvs.json" 2>/dev/null || echo '{"report": [{"pv": []}]}'
""",
    "blkid": BLKID,
    "ceph": """
[ -e "$TREE/silent" ] && { echo "no monitors" >&2; exit 1; }
case "$*" in *metadata*) cat "$TREE/metadata.json" ;; *) cat "$TREE/osds.json" ;; esac
""",
}


class OsdHost:
    """The host of a case.

    The case has ``tree``, ``osds`` (directories by id: uuid, cluster, devices, running), ``pvs``,
    ``known`` (what the monitors say, by default that they have no OSD), ``said`` (what the OSDs
    said of themselves), ``silent`` (the monitors do not answer), ``fails`` (what ceph-volume says
    when it shall fail), ``pvs_fails`` (the same for pvs), ``blkid`` (the status with which it ends,
    by disk) and ``lacks`` (programs that are missing).
    """

    def __init__(self, top: Path, case: Mapping[str, Any], patch: pytest.MonkeyPatch) -> None:
        self.top = top
        tree = dict(case.get("tree") or {})
        self.roots = Tree(top, tree).roots
        for name in ("bin", "units", "run"):
            (top / name).mkdir()
        only_programs_of(top, patch)
        patch.setenv("TREE", str(top))
        patch.setenv("CHECKOUT", str(ROOT))
        for name, body in PROGRAMS.items():
            log = "" if name in ("pvs", "blkid", "journalctl") else _LOG
            self.install(name, f"#!/bin/sh\n{log}{body}")
        fake = Path(__file__).with_name("fake_ceph_volume.py").read_text(encoding="utf-8")
        self.install("ceph-volume", f"#!{sys.executable}\n{fake}")
        for name in case.get("lacks", ()):
            (top / "bin" / name).unlink()
        for name, status in (case.get("blkid") or {}).items():
            write(top / "blkid" / f"{name}.status", status)
        self._osds(case.get("osds") or {})
        (top / "osds.json").write_text("[]")
        (top / "metadata.json").write_text("[]")
        if case.get("silent"):
            (top / "silent").touch()
        for key, name in (("pvs", "pvs.json"), ("known", "osds.json"), ("said", "metadata.json")):
            if key in case:
                (top / name).write_text(json.dumps(case[key]))
        for key in ("fails", "pvs_fails"):
            if key in case:
                (top / key).write_text(case[key])

    def install(self, name: str, text: str) -> None:
        """Install a program."""
        (self.top / "bin" / name).write_text(text)
        (self.top / "bin" / name).chmod(0o755)

    def _osds(self, osds: Mapping[int, Mapping[str, Any]]) -> None:
        for osd_id, osd in osds.items():
            directory = self.top / f"var/lib/ceph/osd/ceph-{osd_id}"
            directory.mkdir(parents=True)
            if osd.get("uuid", OSD_UUID):
                (directory / "fsid").write_text(osd.get("uuid", OSD_UUID) + "\n")
                (directory / "ceph_fsid").write_text(osd.get("cluster", FSID) + "\n")
                (directory / "keyring").write_text("secret\n")
            for link, disk in (osd.get("devices") or {}).items():
                (directory / link).symlink_to(self.top / "dev" / disk)
            unit = self.top / f"units/ceph-osd@{osd_id}.service"
            unit.write_text(osd.get("state", "active") + "\n")
            if "sub" in osd:
                unit.with_name(unit.name + ".sub").write_text(osd["sub"] + "\n")
            if osd.get("enabled", True):
                unit.with_name(unit.name + ".enabled").write_text("enabled\n")

    @property
    def lock(self) -> HostLock:
        """Return the lock of the host."""
        return HostLock(5.0, str(self.top / "run"))

    @property
    def startup(self) -> Startup:
        """Return what makes OSDs ready when the host starts."""
        return Startup(self.roots, program=str(self.top / "program"), python="/usr/bin/python3")

    def creation(
        self, groups: List[Dict[str, Any]], cluster: str = FSID, timeout: float = 30.0
    ) -> Creation:
        """Return what is to be done for a plan; raises ``PlanRefused``."""
        blocks = own_blocks(self.roots)
        plan = Plan(self.roots, blocks, osd_directories(self.roots), groups, cluster)
        found = Creation(self.roots, plan, self.startup, timeout=timeout, wait=2.0, parallel=2)
        found.check_with_cluster()
        return found

    def head(self, disk: str, length: int = 4096) -> bytes:
        """Return the first bytes of a disk."""
        with (self.top / "dev" / disk).open("rb") as stream:
            return stream.read(length)

    def calls(self, *programs: str) -> List[str]:
        """Return the commands that were run, of these programs."""
        path = self.top / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.split(" ")[0] in programs]

    def snapshot(self) -> Dict[str, Any]:
        """Return everything that may change, but not who was asked."""
        skipped = ("calls", "bin", "run")
        found: Dict[str, Any] = {}
        for path in sorted(self.top.rglob("*")):
            name = str(path.relative_to(self.top))
            if path.is_file() and name.split("/")[0] not in skipped:
                with path.open("rb") as stream:
                    found[name] = stream.read(8192)
            elif path.is_symlink():
                found[name] = str(path.readlink())
        return found
