"""Let systemd make OSDs without LVM ready before it starts them, also after the host's restart."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict, Mapping

from ..disks import bluestore_label
from ..system.atomic_write import write_text
from ..system.reading import Roots, list_dir
from . import activation

UNIT = "ceph-orch-osd@%d.service"
_TEMPLATE = "systemd/system/ceph-orch-osd@.service"
_PROGRAM = "/usr/local/lib/ceph-orch-ansible"
_VARIABLES = "lib/ceph-orch-ansible/osd"
_PROGRAM_FILES: Dict[str, Any] = {
    "bluestore_label.py": bluestore_label,
    "osd_activation.py": activation,
}

_TEXT = """\
# Made by ceph-orch-ansible: the data directory of an OSD without LVM is in memory.
[Unit]
Description=Make osd.%i ready to start
After=local-fs.target
Before=ceph-osd@%i.service

[Service]
Type=oneshot
EnvironmentFile={variables}/%i.env
ExecStart={python} -BEs {program}/osd_activation.py %i
TimeoutStartSec=300

[Install]
WantedBy=ceph-osd@%i.service
"""


class Startup:
    """The unit, its program, and a file with the variables of each OSD."""

    def __init__(self, roots: Roots, program: str = _PROGRAM, python: str = "") -> None:
        self._template = os.path.join(roots.etc, _TEMPLATE)
        self._program = program
        self._variables = os.path.join(roots.var, _VARIABLES)
        self._python = python or sys.executable or "/usr/bin/python3"

    def install(self, osd: Mapping[str, Any]) -> None:
        """Write what the OSD needs, each file only where it is missing or another one."""
        for name, module in _PROGRAM_FILES.items():
            # The module may lie in an archive: its loader knows its text.
            text = module.__loader__.get_source(module.__name__)
            write_text(os.path.join(self._program, name), text, 0o644)
        places = {"program": self._program, "variables": self._variables, "python": self._python}
        write_text(self._template, _TEXT.format(**places), 0o644)
        write_text(self._file_of(osd["osd_id"]), _variables_of(osd), 0o644)

    def is_installed(self, osd_id: int) -> bool:
        """Tell whether the OSD is made ready when the host starts."""
        return os.path.exists(self._file_of(osd_id))

    def remove(self, osd_id: int) -> None:
        """Remove the OSD's variables, and everything with the last OSD's."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file_of(osd_id))
        if not list_dir(self._variables):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._template)
            for name in _PROGRAM_FILES:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._program, name))
            with contextlib.suppress(OSError):
                os.rmdir(self._program)
            with contextlib.suppress(OSError):
                os.rmdir(self._variables)
                os.rmdir(os.path.dirname(self._variables))

    def _file_of(self, osd_id: int) -> str:
        return os.path.join(self._variables, f"{osd_id}.env")


def _variables_of(osd: Mapping[str, Any]) -> str:
    devices = {kind: osd[kind] for kind in ("block", "db", "wal") if osd.get(kind)}
    return (
        f"OSD_UUID={osd['osd_uuid']}\n"
        f'OSD_KINDS="{" ".join(devices)}"\n'
        f'OSD_DEVICES="{" ".join(devices.values())}"\n'
    )
