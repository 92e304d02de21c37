"""Write what a program that is no daemon of Ceph reads, after its own check has passed it."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import tempfile
from typing import List, Mapping, Tuple

from ...system.atomic_write import is_written, make_directory, own_directory, write_text
from ...system.command import Answer, find_program, last_line, run
from ...system.mounts import remove_tree
from ...system.reading import Roots, clean
from ...systemd.drop_in import DropIn
from ...systemd.units import act, is_alive, show_units
from ...systemd.words import unit_words
from ..shapes import DaemonShape, WantedShape
from .extra import Extra
from .program_certificate import make_certificate
from .program_parts import OwnFile, ProgramShape, own_certificate, read_told, reason_of

_FOLDER = "ceph-orch-ansible/{name}"
# It is there while files have changed of which the program does not know yet.
_PENDING = ".pending"
_CHECK_TIMEOUT = 30.0
# One that may be left as it is has longer to answer than in a report (seconds).
_PATIENCE = 10.0
# With this word promtool and amtool begin what is wrong.
_FAILED = "FAILED:"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ProgramFiles(Extra):
    """The files of a program, and the drop-in file that lets its unit read them."""

    def __init__(self, roots: Roots, kind: ProgramShape) -> None:
        self._roots, self._kind = roots, kind
        self._folder = os.path.join(roots.etc, _FOLDER.format(name=kind.name))
        self._store = os.path.join(roots.var, kind.store) if kind.store else ""
        self._pending = os.path.join(self._folder, _PENDING)
        self._drop_in = DropIn(roots, kind.unit)

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against it: whose unit it is, what it could not read."""
        name, found = wanted.daemon.name, []
        if self._is_others():
            found.append(
                f"{name}: {self._kind.unit} runs and was not set up from here. Leave this host "
                f"out, or give it up: `systemctl disable --now {self._kind.unit}`."
            )
        found += [
            f"{name}: Invalid argument {clean(each)!r}: it has control characters. Remove them."
            for each in wanted.args
            if _CONTROL.search(each)
        ]
        known = [each.name for each in self._kind.files]
        found += [
            f"{name}: Invalid file {clean(each)!r}: it has no such file. Use one of "
            f"{', '.join(known) or 'none'}."
            for each in sorted(set(wanted.files) - {*known})
        ]
        objection = self._kind.objection(wanted)
        found += [f"{name}: Invalid file {clean(objection)}."] if objection else []
        return found or self._refused_files(wanted)

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether the unit would start something else."""
        if not self._drop_in.has(self._lines(wanted), self._reason(wanted)):
            return True
        return self._lacks_certificate(wanted) or self._must_restart(wanted)

    def needs_reload(self, wanted: WantedShape) -> bool:
        """Tell whether a file is another one, or was changed and the program not told of it."""
        return os.path.lexists(self._pending) or bool(self._changed(wanted))

    def setup(self, wanted: WantedShape) -> None:
        """Write the files, first the one that says that they are ours."""
        make_directory(os.path.dirname(self._drop_in.path))
        if not self._drop_in.has(self._lines(wanted), self._reason(wanted)):
            self._drop_in.put(self._lines(wanted), self._reason(wanted))
        elif self._must_restart(wanted):
            # Before the files are there: whoever finds this work cut off restarts it.
            self._drop_in.renew()
        if self._kind.files:
            make_directory(self._folder)
        if self._lacks_certificate(wanted):
            make_certificate(own_certificate(self._folder), wanted.addr, self._owner())
        if self._store:
            make_directory(self._store, 0o750)
            own_directory(self._store, 0o750, self._owner())
        for each in self._kind.files:
            self._put(each, wanted.files)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._pending)

    def reload(self, wanted: WantedShape) -> None:
        """Write the files that have changed, and tell the program where it does not look itself."""
        changed = self._changed(wanted)
        tell = os.path.lexists(self._pending) or any(each.reload for each in changed)
        if tell:
            write_text(self._pending, "", 0o644)
        for each in changed:
            self._put(each, wanted.files)
        if tell:
            act("reload", [self._kind.unit])
            os.unlink(self._pending)

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether it does not answer, however long it is waited for."""
        told = read_told(self._drop_in.path)
        return told is not None and not self._kind.answers(told, _PATIENCE)

    def data_of(self, daemon: DaemonShape) -> str:
        """Return where its data is."""
        del daemon
        return self._store

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the files away, last the one that says that they were ours."""
        del daemon
        if os.path.isdir(self._folder):
            remove_tree(self._folder, self._roots.proc)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(self._folder))
        self._drop_in.remove()

    def _is_others(self) -> bool:
        unit = self._kind.unit
        return not self._kind.is_here(self._roots) and is_alive(show_units([unit])[unit])

    def _reason(self, wanted: WantedShape) -> str:
        return reason_of(wanted, self._kind.has_tls(wanted))

    def _lacks_certificate(self, wanted: WantedShape) -> bool:
        paths = own_certificate(self._folder)
        return self._kind.has_tls(wanted) and not all(os.path.isfile(each) for each in paths)

    def _must_restart(self, wanted: WantedShape) -> bool:
        return any(each.restart for each in self._changed(wanted))

    def _lines(self, wanted: WantedShape) -> List[str]:
        argv = [*self._kind.command(self._folder, self._store, wanted), *wanted.args]
        return ["ExecStart=", f"ExecStart={unit_words(argv)}"]

    def _changed(self, wanted: WantedShape) -> List[OwnFile]:
        return [each for each in self._kind.files if not self._has(each, wanted.files)]

    def _has(self, file: OwnFile, texts: Mapping[str, str]) -> bool:
        path = os.path.join(self._folder, file.name)
        if file.name not in texts:
            return not os.path.lexists(path)
        owner = self._owner() if file.secret else None
        return is_written(path, texts[file.name], _mode(file), owner)

    def _put(self, file: OwnFile, texts: Mapping[str, str]) -> None:
        path = os.path.join(self._folder, file.name)
        if file.name in texts:
            make_directory(os.path.dirname(path))
            owner = self._owner() if file.secret else None
            write_text(path, texts[file.name], _mode(file), owner)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _refused_files(self, wanted: WantedShape) -> List[str]:
        """Return what the program's own check says against files that would be written."""
        checks = [each for each in self._kind.files if each.check and each.name in wanted.files]
        if not any(each.check or each.reload for each in self._changed(wanted)):
            return []
        found = []
        with tempfile.TemporaryDirectory(prefix="ceph-orch-") as folder:
            for name, text in wanted.files.items():
                write_text(os.path.join(folder, name), text, 0o644)
            for each in checks:
                said = _objection(each, folder)
                if said:
                    found.append(
                        f"{wanted.daemon.name}: {each.check[0]} refuses {each.name}: {said}. What "
                        "the daemon has stays as it is."
                    )
        return found

    def _owner(self) -> Tuple[int, int]:
        """Return user and group of the program, those of nobody while its package is not there."""
        if not self._roots.real:
            return os.geteuid(), os.getegid()
        try:
            user = pwd.getpwnam(self._kind.user)
        except KeyError:
            return -1, -1
        return user.pw_uid, user.pw_gid


def _mode(file: OwnFile) -> int:
    return 0o600 if file.secret else 0o644


def _objection(file: OwnFile, folder: str) -> str:
    """Return what a program's own check says against a file, nothing where it may be used."""
    program = find_program(file.check[0])
    if not program:
        # In check mode before its package is there; else the missing unit is named.
        return ""
    answer = run([program, *file.check[1:], os.path.join(folder, file.name)], _CHECK_TIMEOUT)
    if answer.status == 0:
        return ""
    return clean(_decisive(answer).replace(folder + "/", ""), 300).rstrip(".")


def _decisive(answer: Answer) -> str:
    """Return what a check said of the first thing that is wrong, without what passed."""
    for text in (answer.err, answer.out):
        _, failed, said = text.partition(_FAILED)
        if failed:
            lines = (" ".join(line.split()) for line in said.strip().split("\n\n")[0].splitlines())
            return "; ".join(filter(None, lines))
    return last_line(answer.err) or last_line(answer.out) or answer.problem
