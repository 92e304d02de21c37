"""Write what Samba of an SMB service reads, and run the libcephfsd that it may need."""

from __future__ import annotations

import contextlib
import os
import re
from typing import Dict, List, Mapping, Set

from ...system.atomic_write import is_written, make_directory, write_text
from ...system.command import find_program, run
from ...system.distribution import not_installed
from ...system.mounts import remove_tree
from ...system.reading import Roots, clean, read_lines
from ...system.smb_answer import answers_smb
from ...systemd.units import UnitsFailed, act, is_alive, runs, show_units
from ..shapes import DaemonShape, WantedShape
from .extra import Extra
from .own_units import other_units, remove_with_last, stop_for_good, write_units
from .program_parts import read_told, reason_of
from .smb_parts import FOLDER, is_proxied, needs_proxy, services_of
from .smb_units import unit_texts

CONFIG = "smb.conf"
# The files with their modes. Samba's processes read the users as everybody does.
MODES: Mapping[str, int] = {
    CONFIG: 0o600,
    "smbpasswd": 0o600,
    "keyring": 0o600,
    "ceph.conf": 0o600,
    "environment": 0o600,
    "passwd": 0o644,
    "group": 0o644,
}
# Samba has them in the place of the host's own: another file of the same name would not be seen.
_IN_PLACE = ("passwd", "group")
# Samba's own directories.
_STORE = "lib/ceph-orch-smb"
_DIRECTORIES = ("private", "lock", "state", "cache", "pid", "ncalrpc")
_PENDING = ".pending"
# Names of sockets, which have 107 characters at most, have it in them.
_LONGEST = 40
_PATIENCE = 10.0
_TELL_TIMEOUT = 20.0
_SHARE = re.compile(r"\[([A-Za-z0-9_][A-Za-z0-9. _-]*)\]")
_PACKAGES = ("smbd.service", "nmbd.service")


class SmbFiles(Extra):
    """The files of SMB services on this host, their units, and each one's libcephfsd."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self._top = os.path.join(roots.etc, FOLDER)
        self._stores = os.path.join(roots.var, _STORE)
        self._units = os.path.join(roots.etc, "systemd/system")

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against it: files that are missing, names that are taken."""
        name, daemon = wanted.daemon.name, wanted.daemon
        found = [
            f"{name}: Invalid file {clean(each)!r}: it has no such file. Use {', '.join(MODES)}."
            for each in sorted(set(wanted.files) - {*MODES})
        ]
        found += [
            f"{name}: there is no file {each}, and none was given (secret_files)."
            for each in MODES
            if each not in wanted.files and not os.path.isfile(self._path(daemon, each))
        ]
        instance = _instance(daemon)
        if len(instance) > _LONGEST:
            found.append(
                f"{name}: the part of the id before the first dot is too long. Use at most "
                f"{_LONGEST} characters."
            )
        others = [
            each
            for each in services_of(self._roots)
            if each != daemon.daemon_id and each.partition(".")[0] == instance
        ]
        if others:
            found.append(
                f"{name}: smb.{others[0]} of the same service is on this host. Remove it before: "
                f"`ceph orch daemon rm smb.{others[0]}`."
            )
        if self._needs_proxy(wanted) and find_program("smbd") and not find_program("libcephfsd"):
            found.append(
                f"{name}: a share is served through libcephfsd, and {not_installed('libcephfsd')}. "
                "Install it, or let the share's provider be samba-vfs/new."
            )
        return found

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether a unit would start something else."""
        has = is_written(wanted.daemon.mark_path, self._mark(wanted), 0o644)
        return not has or bool(self._other_units())

    def needs_reload(self, wanted: WantedShape) -> bool:
        """Tell whether a file is another one, or was changed and Samba not told of it."""
        pending = os.path.lexists(self._path(wanted.daemon, _PENDING))
        return pending or bool(self._changed(wanted))

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether libcephfsd does not run as it shall, or is not started with the host."""
        return not self._is_proxy_right(wanted)

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether Samba does not answer, however long it is waited for."""
        told = read_told(wanted.daemon.mark_path)
        return told is not None and not answers_smb(told.addr, told.port, _PATIENCE)

    def setup(self, wanted: WantedShape) -> None:
        """Write the files, first the one that says that they are ours."""
        make_directory(os.path.dirname(wanted.daemon.mark_path), 0o700)
        write_text(wanted.daemon.mark_path, self._mark(wanted), 0o644)
        units = self._other_units()
        write_units(self._units, units)
        if wanted.installs:
            self._leave_resting()
        for name in _DIRECTORIES:
            # Everybody who has logged in goes through the one with the sockets of its pipes.
            mode = 0o700 if name == "private" else 0o755
            make_directory(os.path.join(self._store(wanted.daemon), name), mode)
        self._write(wanted)
        self._bring_proxy(wanted)
        self._forget(wanted.daemon)

    def reload(self, wanted: WantedShape) -> None:
        """Write the files that have changed, and let Samba read them without a restart."""
        before = self._shares(wanted.daemon)
        self._write(wanted)
        if self._needs_proxy(wanted):
            self._bring_proxy(wanted)
        act("reload", [wanted.daemon.unit])
        # Who has a share open keeps it otherwise.
        for share in sorted(before - self._shares(wanted.daemon)):
            self._close(wanted.daemon, share)
        self._bring_proxy(wanted)
        self._forget(wanted.daemon)

    def finish(self, wanted: WantedShape) -> str:
        """See that libcephfsd runs where it is needed; return a sentence if that went wrong."""
        try:
            self._bring_proxy(wanted)
        except UnitsFailed as error:
            return str(error)
        return ""

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take libcephfsd and the files away, and the units with the last service."""
        self._stop_proxy(daemon)
        for path in (self._store(daemon), os.path.dirname(daemon.mark_path)):
            if os.path.isdir(path):
                remove_tree(path, self._roots.proc)
        with contextlib.suppress(OSError):
            os.rmdir(self._stores)
        remove_with_last(self._top, self._units, unit_texts(self._top))

    def _path(self, daemon: DaemonShape, name: str) -> str:
        return os.path.join(os.path.dirname(daemon.mark_path), name)

    def _store(self, daemon: DaemonShape) -> str:
        return os.path.join(self._stores, _instance(daemon))

    @staticmethod
    def _mark(wanted: WantedShape) -> str:
        return f"# Made by ceph-orch-ansible: {reason_of(wanted)}\n"

    def _other_units(self) -> Dict[str, str]:
        """Return the unit files that are not as they shall be, each with its text."""
        return other_units(self._units, unit_texts(self._top))

    def _changed(self, wanted: WantedShape) -> List[str]:
        """Return the files that are other ones; one that was not given is left as it is."""
        return [
            name
            for name, text in wanted.files.items()
            if name in MODES and not is_written(self._path(wanted.daemon, name), text, MODES[name])
        ]

    def _write(self, wanted: WantedShape) -> None:
        changed = self._changed(wanted)
        if changed:
            write_text(self._path(wanted.daemon, _PENDING), "", 0o600)
        for name in changed:
            path, text = self._path(wanted.daemon, name), wanted.files[name]
            if name in _IN_PLACE and os.path.isfile(path):
                write_in_place(path, text)
            write_text(path, text, MODES[name])

    @staticmethod
    def _leave_resting() -> None:
        """Let the host not start what the packages bring; one that runs is the administrator's."""
        states = show_units(_PACKAGES)
        there = [unit for unit in _PACKAGES if states[unit].get("LoadState") == "loaded"]
        resting = [unit for unit in there if not is_alive(states[unit])]
        if resting:
            act("disable", resting)

    def _forget(self, daemon: DaemonShape) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(daemon, _PENDING))

    def _shares(self, daemon: DaemonShape) -> Set[str]:
        found = map(_SHARE.fullmatch, read_lines(self._path(daemon, CONFIG)))
        return {each.group(1) for each in found if each is not None} - {"global"}

    def _close(self, daemon: DaemonShape, share: str) -> None:
        """Let nobody go on with a share that is gone; raises ``UnitsFailed``."""
        argv = [find_program("smbcontrol"), f"--configfile={self._path(daemon, CONFIG)}"]
        answer = run([*argv, "smbd", "close-share", share], _TELL_TIMEOUT)
        if answer.status != 0:
            raise UnitsFailed(
                f"{daemon.name}: the share {share} could not be closed: "
                f"{clean(answer.err or answer.problem, 200).strip()}."
            )

    def _needs_proxy(self, wanted: WantedShape) -> bool:
        if CONFIG in wanted.files:
            return is_proxied(wanted.files[CONFIG].splitlines())
        return needs_proxy(os.path.dirname(wanted.daemon.mark_path))

    def _is_proxy_right(self, wanted: WantedShape) -> bool:
        state = show_units([proxy_unit(wanted.daemon)]).popitem()[1]
        enabled = state.get("UnitFileState", "").startswith("enabled")
        return (runs(state) and enabled) == self._needs_proxy(wanted)

    def _bring_proxy(self, wanted: WantedShape) -> None:
        """Bring libcephfsd to run where it is needed, else stop it."""
        if self._is_proxy_right(wanted):
            return
        if not self._needs_proxy(wanted):
            self._stop_proxy(wanted.daemon)
            return
        act("enable", [proxy_unit(wanted.daemon)])
        act("start", [proxy_unit(wanted.daemon)])

    def _stop_proxy(self, daemon: DaemonShape) -> None:
        stop_for_good(proxy_unit(daemon))


def write_in_place(path: str, text: str) -> None:
    """Write a file that is mounted somewhere: by one call, so that a reader sees whole lines."""
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        data = text.encode()
        os.pwrite(handle, data, 0)
        os.ftruncate(handle, len(data))
        os.fsync(handle)
    finally:
        os.close(handle)


def proxy_unit(daemon: DaemonShape) -> str:
    """Return the unit of the libcephfsd that goes with a Samba."""
    return f"ceph-orch-libcephfsd@{daemon.daemon_id}.service"


def _instance(daemon: DaemonShape) -> str:
    """Return what a service's directories are called on its host."""
    return daemon.daemon_id.partition(".")[0]
