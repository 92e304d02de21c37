"""Write what an NFS gateway reads, and let it come and go in the table of its service."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Dict, List, Mapping, Tuple

from ...cluster.keyring_file import key_of
from ...system.atomic_write import is_written, make_directory, write_text
from ...system.command import find_program
from ...system.mounts import remove_tree
from ...system.nfs_answer import speaks_nfs
from ...system.reading import Roots, clean, read_lines
from ...systemd.units import act, is_alive, show_units
from ..shapes import DaemonShape, WantedShape
from .base import DaemonRefused
from .extra import Extra
from .nfs_conf import ganesha_conf
from .nfs_places import FOLDER, STARTED, VERSION, is_young
from .nfs_table import GraceTable, Unreachable
from .own_units import other_units, remove_with_last, write_units
from .program_parts import read_told, reason_of

CONF, IDMAP, TABLE = "ganesha.conf", "idmapd.conf", "table"
_MODES: Mapping[str, int] = {CONF: 0o600, IDMAP: 0o600, TABLE: 0o700}
_SETTINGS = ("namespace", "idmap_conf")
# The id of a service; it is a word of the configuration, and of the program that systemd runs.
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")
_FOUND = re.compile(r'\s*namespace = "([A-Za-z0-9_.-]+)";')
_PATIENCE = 10.0
_UNIT_NAME = "ceph-orch-nfs@.service"
# What the package brings: it would be started with the host, on the port of everybody.
_PACKAGE = "nfs-ganesha.service"
# NFS 4 has no use for it; a package brings it along and has it started with the host.
_PORTMAP = ("rpcbind.socket", "rpcbind.service")

_UNIT = """\
# Made by ceph-orch-ansible.
[Unit]
Description=NFS gateway %i
After=network-online.target
Wants=network-online.target

[Service]
ExecStartPre={folder}/%i/table join
ExecStart={program} -F -L STDERR -N NIV_EVENT -f {folder}/%i/ganesha.conf -p %t/{started}/pid
ExecReload=/bin/kill -HUP $MAINPID
ExecStop={folder}/%i/table stop
ExecStopPost=-{folder}/%i/table leave
RuntimeDirectory={started}
Restart=always
RestartSec=2
SuccessExitStatus=SIGKILL
TimeoutStopSec=60
LimitNOFILE=1048576
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""


class GatewayFiles(Extra):
    """The files of NFS gateways on this host, their unit, and what they have in the cluster."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._top = os.path.join(roots.etc, FOLDER)
        self._units = os.path.join(roots.etc, "systemd/system")

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against it: settings that there are not, or that are bad."""
        name, given = wanted.daemon.name, wanted.settings
        found = [
            f"{name}: Invalid setting {clean(each)!r}: it has no such setting. Use "
            f"{' and '.join(_SETTINGS)}."
            for each in sorted(set(given) - {*_SETTINGS})
        ]
        namespace = given.get("namespace", "")
        if not _NAMESPACE.fullmatch(namespace):
            found.append(
                f"{name}: Invalid namespace {clean(namespace)!r} (settings): it is not the id of "
                "a service. Use letters, digits, '-', '_' and inner dots."
            )
        if wanted.files:
            found.append(f"{name}: it reads no files that are given. Leave them out.")
        if not wanted.port:
            found.append(f"{name}: there is no port. Give one, such as 2049.")
        return found

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether the unit would start something else than what runs."""
        return bool(self._changed(wanted)) or bool(self._other_units())

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether it does not answer, however long it is waited for."""
        daemon = wanted.daemon
        told = read_told(daemon.mark_path)
        if told is None or is_young(self._roots, daemon.daemon_id):
            return False
        return not speaks_nfs(told.addr, told.port, VERSION, _PATIENCE)

    def setup(self, wanted: WantedShape) -> None:
        """Write the files, first the one that says that they are ours."""
        daemon = wanted.daemon
        make_directory(os.path.dirname(daemon.mark_path), 0o700)
        write_text(daemon.mark_path, _mark(wanted), 0o644)
        write_units(self._units, self._other_units())
        if wanted.installs:
            self._keep_packages_quiet()
        if wanted.keyring and self._has_other_key(wanted):
            write_text(daemon.keyring_path, wanted.keyring, 0o600)
        for name, text in self._texts(wanted).items():
            write_text(self._path(daemon, name), text, _MODES[name])
        if not wanted.settings.get("idmap_conf"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(daemon, IDMAP))
        self._table(wanted).make_exports()

    def take_down(self, daemon: DaemonShape) -> None:
        """Stop it, and take it out of the table while its key is there.

        Raises ``DaemonRefused``, ``UnitsFailed``.
        """
        if is_alive(show_units([daemon.unit])[daemon.unit]):
            act("stop", [daemon.unit])
        namespace = self._namespace(daemon)
        # Without the key nobody can do it from here: the monitors have forgotten it.
        if not namespace or not os.path.lexists(daemon.keyring_path):
            return
        try:
            GraceTable(daemon.daemon_id, namespace).leave()
        except Unreachable as error:
            if self._is_revoked(str(error)):
                return
            raise DaemonRefused(
                f"{daemon.name} is stopped and not removed: the other gateways of its service "
                f"would wait for it. It is still in their table of grace periods: {error}. Ask "
                "again when the cluster answers."
            ) from None

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the files away, and the unit with the last gateway."""
        folder = os.path.dirname(daemon.mark_path)
        for name in _MODES:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))
        if os.path.isdir(folder):
            remove_tree(folder, self._roots.proc)
        self._remove_sockets(daemon)
        remove_with_last(self._top, self._units, [_UNIT_NAME])

    def _remove_sockets(self, daemon: DaemonShape) -> None:
        """Take the administration sockets away that those have left which had to be killed."""
        name = re.escape(f"ceph-client.nfs.{daemon.daemon_id}.")
        with contextlib.suppress(FileNotFoundError):
            for each in os.listdir(self._roots.ceph_run):
                if re.fullmatch(rf"{name}\d+\.\d+\.asok", each):
                    os.unlink(os.path.join(self._roots.ceph_run, each))

    @staticmethod
    def _keep_packages_quiet() -> None:
        """Let nothing that packages brought be started with the host."""
        act("disable", [_PACKAGE])
        states = show_units(_PORTMAP)
        if not any(is_alive(state) for state in states.values()):
            act("disable", [unit for unit in _PORTMAP if states[unit]["LoadState"] == "loaded"])

    @staticmethod
    def _is_revoked(said: str) -> bool:
        """Tell whether the cluster does not know the gateway's key any more."""
        return said.endswith(": -13") or "Permission denied" in said

    def _table(self, wanted: WantedShape) -> GraceTable:
        return GraceTable(wanted.daemon.daemon_id, wanted.settings.get("namespace", ""))

    def _namespace(self, daemon: DaemonShape) -> str:
        found = (_FOUND.fullmatch(line) for line in read_lines(self._path(daemon, CONF)))
        return next((each.group(1) for each in found if each is not None), "")

    @staticmethod
    def _path(daemon: DaemonShape, name: str) -> str:
        return os.path.join(os.path.dirname(daemon.mark_path), name)

    def _has_other_key(self, wanted: WantedShape) -> bool:
        daemon = wanted.daemon
        there = key_of(read_lines(daemon.keyring_path), daemon.entity)
        return there != key_of(wanted.keyring.splitlines(), daemon.entity)

    def _other_units(self) -> Dict[str, str]:
        """Return the unit file that is not as it shall be, with its text."""
        program = find_program("ganesha.nfsd") or "/usr/bin/ganesha.nfsd"
        started = STARTED.format(id="%i")
        shall = _UNIT.format(program=program, folder=self._top, started=started)
        return other_units(self._units, {_UNIT_NAME: shall})

    def _texts(self, wanted: WantedShape) -> Dict[str, str]:
        """Return the files that are to be there."""
        daemon, namespace = wanted.daemon, wanted.settings.get("namespace", "")
        idmap = wanted.settings.get("idmap_conf", "")
        path = self._path(daemon, IDMAP) if idmap else ""
        conf = ganesha_conf(
            *(daemon.daemon_id, wanted.cluster, wanted.port, namespace),
            *(daemon.keyring_path, path),
        )
        found = {CONF: conf, TABLE: self._table(wanted).script(daemon.unit)}
        return {**found, IDMAP: idmap} if idmap else found

    def _changed(self, wanted: WantedShape) -> List[str]:
        shall: List[Tuple[str, str, int]] = [(wanted.daemon.mark_path, _mark(wanted), 0o644)]
        for name, text in self._texts(wanted).items():
            shall.append((self._path(wanted.daemon, name), text, _MODES[name]))
        changed = [path for path, text, mode in shall if not is_written(path, text, mode)]
        path = self._path(wanted.daemon, IDMAP)
        gone = not wanted.settings.get("idmap_conf") and os.path.lexists(path)
        return [*changed, *([path] if gone else [])]


def _mark(wanted: WantedShape) -> str:
    return f"# Made by ceph-orch-ansible: {reason_of(wanted)}\n"
