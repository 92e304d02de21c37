"""Write what haproxy and keepalived of an ingress service read, and run keepalived."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from typing import Dict, List, Mapping, Set

from ...system.atomic_write import is_written, make_directory, write_text
from ...system.command import find_program, last_line, run
from ...system.listening import holders
from ...system.mounts import remove_tree
from ...system.reading import Roots, clean
from ...systemd.units import UnitsFailed, act, runs, show_units
from ..shapes import DaemonShape, WantedShape
from .extra import Extra
from .of_ingress import FOLDER
from .own_units import other_units, remove_with_last, stop_for_good, write_units
from .program import http_status_of
from .program_parts import read_told, reason_of

CONFIG, CERTIFICATE, KEEPALIVED, CHECK = "haproxy.cfg", "haproxy.pem", "keepalived.conf", "check"
# The files with their modes: passwords and a private key are in them, and one is run by root.
MODES: Mapping[str, int] = {CONFIG: 0o600, CERTIFICATE: 0o600, KEEPALIVED: 0o600, CHECK: 0o700}
# Those of haproxy, and those that are given: what root runs is written here.
_OF_HAPROXY = (CONFIG, CERTIFICATE)
_GIVEN = (CONFIG, CERTIFICATE, KEEPALIVED)
# They are there while a program does not know yet that its files have changed.
_PENDING = {True: ".haproxy-pending", False: ".keepalived-pending"}
# Asks haproxy of this host whether it is well, with nothing but what every host has.
_SCRIPT = """\
#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1
printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 1 _ code _ <&3
[ "$code" = 200 ]
"""
_CHECK_TIMEOUT = 30.0
_PATIENCE = 10.0
_BIND = re.compile(r"\s*bind ([0-9.]*):(\d{1,5})( .*)?")
_PACKAGES = ("haproxy.service", "keepalived.service")

_HAPROXY_UNIT = """\
# Made by ceph-orch-ansible.
[Unit]
Description=HAProxy of the ingress service %i
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={program} -C {folder}/%i -Ws -f haproxy.cfg
ExecReload={program} -C {folder}/%i -c -q -f haproxy.cfg
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=1
SuccessExitStatus=143

[Install]
WantedBy=multi-user.target
"""
_KEEPALIVED_UNIT = """\
# Made by ceph-orch-ansible.
[Unit]
Description=keepalived of the ingress service %i
After=network-online.target ceph-orch-haproxy@%i.service
Wants=network-online.target

[Service]
Type=notify
ExecStart={program} --dont-fork --vrrp -f {folder}/%i/keepalived.conf \\
  -p /run/ceph-orch-keepalived-%i.pid -r /run/ceph-orch-keepalived-%i-vrrp.pid
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
_UNITS = {
    "ceph-orch-haproxy@.service": ("haproxy", _HAPROXY_UNIT),
    "ceph-orch-keepalived@.service": ("keepalived", _KEEPALIVED_UNIT),
}


class IngressFiles(Extra):
    """The files of ingress services on this host, their units, and each one's keepalived."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._top = os.path.join(roots.etc, FOLDER)
        self._units = os.path.join(roots.etc, "systemd/system")

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against it: files that are missing or bad, taken ports."""
        name = wanted.daemon.name
        found = [
            f"{name}: Invalid file {clean(each)!r}: it has no such file. Use {', '.join(_GIVEN)}."
            for each in sorted(set(wanted.files) - {*_GIVEN})
        ]
        found += [
            f"{name}: there is no file {each}, and none was given (secret_files)."
            for each in (CONFIG, KEEPALIVED)
            if each not in wanted.files and not os.path.isfile(self._path(wanted.daemon, each))
        ]
        return found or [*self._refused(wanted), *self._taken(wanted)]

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether a unit would start something else."""
        has = is_written(wanted.daemon.mark_path, self._mark(wanted), 0o644)
        return not has or bool(self._other_units())

    def needs_reload(self, wanted: WantedShape) -> bool:
        """Tell whether a file is another one, or was changed and its program not told of it."""
        return bool(self._changed(wanted)) or any(
            os.path.lexists(self._path(wanted.daemon, each)) for each in _PENDING.values()
        )

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether keepalived does not run, or is not started with the host."""
        state = show_units([keepalived_unit(wanted.daemon)]).popitem()[1]
        return not runs(state) or not state.get("UnitFileState", "").startswith("enabled")

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether haproxy does not answer, however long it is waited for."""
        told = read_told(wanted.daemon.mark_path)
        return told is not None and http_status_of(told, "/health", _PATIENCE) != 200

    def setup(self, wanted: WantedShape) -> None:
        """Write the files, first the one that says that they are ours."""
        make_directory(os.path.dirname(wanted.daemon.mark_path), 0o700)
        write_text(wanted.daemon.mark_path, self._mark(wanted), 0o644)
        units = self._other_units()
        write_units(self._units, units)
        if wanted.installs:
            # What the packages bring would be started with the host.
            act("disable", _PACKAGES)
        self._write(wanted)
        if units and runs(show_units([keepalived_unit(wanted.daemon)]).popitem()[1]):
            act("restart", [keepalived_unit(wanted.daemon)])

    def reload(self, wanted: WantedShape) -> None:
        """Write the files that have changed, and tell the programs that read them."""
        self._write(wanted)
        self._tell(wanted, haproxy=True)

    def finish(self, wanted: WantedShape) -> str:
        """Bring keepalived to run once haproxy does; return a sentence if that went wrong."""
        unit = keepalived_unit(wanted.daemon)
        self._forget(wanted.daemon, haproxy=True)
        try:
            state = show_units([unit])[unit]
            if not state.get("UnitFileState", "").startswith("enabled"):
                act("enable", [unit])
            if runs(state):
                self._tell(wanted, haproxy=False)
            else:
                act("start", [unit])
                self._forget(wanted.daemon, haproxy=False)
        except UnitsFailed as error:
            return str(error)
        return ""

    def take_down(self, daemon: DaemonShape) -> None:
        """Stop keepalived first: another host takes the addresses over while haproxy answers."""
        stop_for_good(keepalived_unit(daemon))

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the files away, and the units with the last service."""
        folder = os.path.dirname(daemon.mark_path)
        for name in (*MODES, *_PENDING.values()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))
        if os.path.isdir(folder):
            remove_tree(folder, self._roots.proc)
        remove_with_last(self._top, self._units, _UNITS)

    def _path(self, daemon: DaemonShape, name: str) -> str:
        return os.path.join(os.path.dirname(daemon.mark_path), name)

    @staticmethod
    def _mark(wanted: WantedShape) -> str:
        return f"# Made by ceph-orch-ansible: {reason_of(wanted)}\n"

    def _other_units(self) -> Dict[str, str]:
        """Return the unit files that are not as they shall be, each with its text."""
        shall = {}
        for name, (program, text) in _UNITS.items():
            path = find_program(program) or f"/usr/sbin/{program}"
            shall[name] = text.format(program=path, folder=self._top)
        return other_units(self._units, shall)

    def _shall(self, wanted: WantedShape) -> Dict[str, str]:
        """Return the files that are to be there; one that was not given is left as it is."""
        given = {name: text for name, text in wanted.files.items() if name in _GIVEN}
        return {**given, CHECK: _SCRIPT.format(port=wanted.port)}

    def _goes(self, wanted: WantedShape) -> bool:
        """Tell whether the certificate is to go: haproxy reads none."""
        there = os.path.lexists(self._path(wanted.daemon, CERTIFICATE))
        return there and CONFIG in wanted.files and CERTIFICATE not in wanted.files

    def _changed(self, wanted: WantedShape) -> Set[str]:
        changed = {
            name
            for name, text in self._shall(wanted).items()
            if not is_written(self._path(wanted.daemon, name), text, MODES[name])
        }
        return changed | ({CERTIFICATE} if self._goes(wanted) else set())

    def _write(self, wanted: WantedShape) -> None:
        changed = self._changed(wanted)
        for name in changed:
            pending = _PENDING[name in _OF_HAPROXY]
            write_text(self._path(wanted.daemon, pending), "", 0o600)
        for name, text in self._shall(wanted).items():
            write_text(self._path(wanted.daemon, name), text, MODES[name])
        if self._goes(wanted):
            os.unlink(self._path(wanted.daemon, CERTIFICATE))

    def _tell(self, wanted: WantedShape, *, haproxy: bool) -> None:
        """Let a program that runs read its files anew, if they have changed."""
        unit = wanted.daemon.unit if haproxy else keepalived_unit(wanted.daemon)
        if os.path.lexists(self._path(wanted.daemon, _PENDING[haproxy])):
            act("reload", [unit])
            self._forget(wanted.daemon, haproxy=haproxy)

    def _forget(self, daemon: DaemonShape, *, haproxy: bool) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(daemon, _PENDING[haproxy]))

    def _refused(self, wanted: WantedShape) -> List[str]:
        """Return what haproxy's own check says against its files."""
        program = find_program("haproxy")
        if not program or not self._changed(wanted) & {*_OF_HAPROXY}:
            # In check mode before its package is there; else the missing unit is named.
            return []
        with tempfile.TemporaryDirectory(prefix="ceph-orch-") as folder:
            for name in _OF_HAPROXY:
                if name in wanted.files:
                    write_text(os.path.join(folder, name), wanted.files[name], 0o600)
            answer = run([program, "-C", folder, "-c", "-q", "-f", CONFIG], _CHECK_TIMEOUT)
        if answer.status == 0:
            return []
        said = clean(last_line(answer.err) or last_line(answer.out) or answer.problem, 300)
        return [
            f"{wanted.daemon.name}: haproxy refuses {CONFIG}: {said.rstrip('.')}. What the daemon "
            "has stays as it is."
        ]

    def _taken(self, wanted: WantedShape) -> List[str]:
        """Return a sentence for each port of haproxy's that another process has."""
        found = []
        lines = wanted.files.get(CONFIG, "").splitlines()
        for match in filter(None, map(_BIND.fullmatch, lines)):
            addr, port = match.group(1), int(match.group(2))
            others = [
                each
                for each in holders(self._roots.proc, port, addr)
                if each.unit != wanted.daemon.unit
            ]
            # The module's own check says it of the port where haproxy tells its state.
            if others and port != wanted.port:
                found.append(
                    f"{wanted.daemon.name}: the port {port} is taken by {others[0]}. Choose "
                    "another port or host, or stop that process."
                )
        return list(dict.fromkeys(found))


def keepalived_unit(daemon: DaemonShape) -> str:
    """Return the unit of the keepalived that goes with a haproxy."""
    return f"ceph-orch-keepalived@{daemon.daemon_id}.service"
