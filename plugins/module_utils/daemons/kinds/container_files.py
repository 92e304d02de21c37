"""Write what a custom container needs on its host, and take it away again.

In ``/etc`` are the document that the host was given, the quadlet, and the files that are mounted
alone; in ``/var/lib`` is the container's own directory. Before anything is written there it stands
in a list, so that whoever removes the container knows what is ours, wherever the work was ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from typing import Dict, List, Set, Tuple

from ...system.atomic_write import is_written, make_directory, read_whole, write_text
from ...system.inner_tree import InnerTree
from ...system.listening import holders
from ...system.mounts import remove_tree
from ...system.reading import Roots, clean, list_dir, to_int
from ...systemd.units import act, runs, show_units
from ..shapes import DaemonShape, WantedShape
from . import container_podman as podman
from .base import DaemonRefused
from .container_document import DOCUMENT, Document, read_document
from .container_quadlet import Naming, quadlet_of, secrets_of
from .extra import Extra
from .program_parts import reason_of

_STORE = "lib/ceph-orch-ansible/container"
_QUADLETS = "containers/systemd"
_CONFIGS = "configs"
# What of the container's directory is ours.
_WRITTEN = "written.json"
# It is there from before anything is changed until the container runs with it.
_PENDING = ".pending"
_FOR_PODMAN = ".for-podman"
# So long a program may take until it listens (seconds); one that still does not is started anew.
_PATIENCE = 300.0
_GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator"


class ContainerFiles(Extra):
    """The files of custom containers on this host."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against it: what is missing or bad, taken ports."""
        name = wanted.daemon.name
        other = sorted(set(wanted.files) - {DOCUMENT})
        if other:
            shown = clean(other[0])
            return [f"{name}: Invalid file {shown!r}: it has no such file. Use {DOCUMENT}."]
        if not self._text(wanted):
            return [f"{name}: there is no file {DOCUMENT}, and none was given (secret_files)."]
        try:
            document = self._document(wanted)
        except DaemonRefused as error:
            return [f"{name}: {error}"]
        if podman.podman() and self._roots.real and not os.path.exists(_GENERATOR):
            return [f"{name}: podman makes no units of quadlets here. Install podman 4.4 or later."]
        return self._taken(wanted, document)

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether something is not as it shall be; the container reads it when it starts."""
        daemon, document = wanted.daemon, self._document(wanted)
        if os.path.lexists(self._path(daemon, _PENDING)):
            return True
        texts = self._texts(wanted, document)
        if not all(is_written(path, *each) for path, each in texts.items()):
            return True
        tree = self._tree(daemon, document)
        if not all(map(tree.has_directory, document.dirs)):
            return True
        if not all(tree.has_file(path, text) for path, text in document.files.items()):
            return True
        if not all(is_written(*each[:3], document.owner) for each in self._configs(wanted)):
            return True
        naming = Naming(daemon.daemon_id)
        shall = set(secrets_of(naming, document))
        return bool(shall and podman.podman() and shall != podman.secrets(naming.prefix))

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether it does not listen on its ports yet."""
        unit, proc = wanted.daemon.unit, self._roots.proc
        ports = self._document(wanted).ports
        return not all(any(each.unit == unit for each in holders(proc, port)) for port in ports)

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether it has had long enough to listen, and does not."""
        state = show_units([wanted.daemon.unit])[wanted.daemon.unit]
        began = to_int(state.get("ExecMainStartTimestampMonotonic")) / 1e6
        return time.monotonic() - began > _PATIENCE and self.is_unfinished(wanted)

    def setup(self, wanted: WantedShape) -> None:
        """Write all, first what says that it is ours; raises ``DaemonRefused``, ``OSError``."""
        daemon, document = wanted.daemon, self._document(wanted)
        for image in document.images:
            podman.bring_image(daemon.name, image)
        make_directory(os.path.dirname(daemon.mark_path), 0o700)
        write_text(daemon.mark_path, self._mark(wanted), 0o644)
        write_text(self._path(daemon, _PENDING), "", 0o600)
        naming = Naming(daemon.daemon_id)
        secrets = secrets_of(naming, document)
        podman.keep_secrets(daemon.name, naming.prefix, secrets, self._path(daemon, _FOR_PODMAN))
        self._write_tree(daemon, document)
        self._write_configs(wanted)
        for path, (text, mode) in self._texts(wanted, document).items():
            write_text(path, text, mode)
        act("daemon-reload", [])
        if show_units([daemon.unit])[daemon.unit].get("LoadState") == "not-found":
            raise DaemonRefused(
                f"{daemon.name}: podman made no unit of {self._quadlet(daemon)}. `{_GENERATOR} "
                "--dryrun` says why."
            )

    def finish(self, wanted: WantedShape) -> str:
        """Note that the container runs with what was written."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(wanted.daemon, _PENDING))
        return ""

    def give_up(self, wanted: WantedShape) -> str:
        """Let one that runs with what was written go on: some need long until they listen."""
        if runs(show_units([wanted.daemon.unit])[wanted.daemon.unit]):
            self.finish(wanted)
        return ""

    def data_of(self, daemon: DaemonShape) -> str:
        """Return the container's directory if there is something in it that is none of ours."""
        store = self._store(daemon)
        return store if InnerTree(store, (0, 0)).others(self._written(daemon)) else ""

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take away what is ours, last what says so."""
        naming = Naming(daemon.daemon_id)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._quadlet(daemon))
        act("daemon-reload", [])
        if podman.podman():
            podman.drop_containers([naming.container, *self._befores(daemon, naming)])
            podman.drop_secrets(podman.secrets(naming.prefix))
        self._forget(daemon, self._written(daemon))
        store = self._store(daemon)
        for path in (store, os.path.dirname(store), os.path.dirname(os.path.dirname(store))):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        folder = os.path.dirname(daemon.mark_path)
        for name in list_dir(folder):
            if name != os.path.basename(daemon.mark_path):
                self._remove(os.path.join(folder, name))
        remove_tree(folder, self._roots.proc)
        for path in (os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
            with contextlib.suppress(OSError):
                os.rmdir(path)

    def _remove(self, path: str) -> None:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            remove_tree(path, self._roots.proc)
        else:
            os.unlink(path)

    def _befores(self, daemon: DaemonShape, naming: Naming) -> List[str]:
        try:
            inits = read_document(read_whole(self._path(daemon, DOCUMENT))).inits
        except (DaemonRefused, OSError):
            return []
        return [naming.before(number) for number in range(1, len(inits) + 1)]

    def _path(self, daemon: DaemonShape, name: str) -> str:
        return os.path.join(os.path.dirname(daemon.mark_path), name)

    def _store(self, daemon: DaemonShape) -> str:
        return os.path.join(self._roots.var, _STORE, daemon.daemon_id)

    def _quadlet(self, daemon: DaemonShape) -> str:
        unit = daemon.unit.rpartition(".service")[0]
        return os.path.join(self._roots.etc, _QUADLETS, f"{unit}.container")

    @staticmethod
    def _mark(wanted: WantedShape) -> str:
        return f"# Made by ceph-orch-ansible: {reason_of(wanted)}\n"

    def _text(self, wanted: WantedShape) -> str:
        """Return the document: what was given, else what the host has."""
        return wanted.files.get(DOCUMENT) or read_whole(self._path(wanted.daemon, DOCUMENT))

    def _document(self, wanted: WantedShape) -> Document:
        return read_document(self._text(wanted))

    def _texts(self, wanted: WantedShape, document: Document) -> Dict[str, Tuple[str, int]]:
        """Return the files of root's with their modes, last the one that the others follow from."""
        daemon = wanted.daemon
        configs = {place: path for path, _, _, place in self._configs(wanted)}
        program = podman.podman() or "/usr/bin/podman"
        text = quadlet_of(Naming(daemon.daemon_id), document, program, self._store(daemon), configs)
        return {
            daemon.mark_path: (self._mark(wanted), 0o644),
            self._quadlet(daemon): (text, 0o644),
            self._path(daemon, DOCUMENT): (self._text(wanted), 0o600),
        }

    def _configs(self, wanted: WantedShape) -> List[Tuple[str, str, int, str]]:
        """Return path, text and mode of each file that is mounted alone, and where."""
        configs = self._document(wanted).configs
        return [
            (self._path(wanted.daemon, f"{_CONFIGS}/{number}"), text, 0o600, place)
            for number, (place, text) in enumerate(configs.items())
        ]

    def _write_configs(self, wanted: WantedShape) -> None:
        shall = self._configs(wanted)
        folder = self._path(wanted.daemon, _CONFIGS)
        for path, text, mode, _ in shall:
            write_text(path, text, mode, self._document(wanted).owner)
        for name in set(list_dir(folder)) - {os.path.basename(path) for path, *_ in shall}:
            os.unlink(os.path.join(folder, name))

    def _tree(self, daemon: DaemonShape, document: Document) -> InnerTree:
        return InnerTree(self._store(daemon), document.owner)

    def _written(self, daemon: DaemonShape) -> List[str]:
        """Return what of the container's directory was written from here."""
        try:
            found = json.loads(read_whole(self._path(daemon, _WRITTEN)) or "[]")
        except ValueError:
            return []
        return [str(each) for each in found] if isinstance(found, list) else []

    def _note(self, daemon: DaemonShape, paths: Set[str]) -> None:
        write_text(self._path(daemon, _WRITTEN), json.dumps(sorted(paths)), 0o600)

    def _write_tree(self, daemon: DaemonShape, document: Document) -> None:
        """Write the container's directory, and remove of it what is no longer wanted."""
        before, shall = set(self._written(daemon)), {*document.dirs, *document.files}
        self._note(daemon, before | shall)
        # Root's: nobody puts anything in place of what is mounted.
        make_directory(self._store(daemon), 0o755)
        tree = self._tree(daemon, document)
        self._forget(daemon, sorted(before - shall))
        for path in document.dirs:
            tree.make_directory(path)
        for path, text in document.files.items():
            tree.write(path, text)
        self._note(daemon, shall)

    def _forget(self, daemon: DaemonShape, paths: List[str]) -> None:
        """Remove files, and directories in which nothing else is, the inner ones first."""
        tree = InnerTree(self._store(daemon), (0, 0))
        parts = [path.split("/") for path in paths]
        above = {"/".join(each[:count]) for each in parts for count in range(1, len(each) + 1)}
        inner = {"/".join(each[:-1]) for each in parts}
        for path in sorted(above, reverse=True):
            # In place of a directory there may be a file of the container's.
            if path in paths and path not in inner:
                tree.remove(path)
            else:
                tree.remove_empty(path)

    def _taken(self, wanted: WantedShape, document: Document) -> List[str]:
        """Return a sentence for each port but the first that another process has."""
        found = []
        for port in document.ports:
            others = [
                each for each in holders(self._roots.proc, port) if each.unit != wanted.daemon.unit
            ]
            # The module's own check says it of the first.
            if others and port != wanted.port:
                found.append(
                    f"{wanted.daemon.name}: the port {port} is taken by {others[0]}. Choose "
                    "another port or host, or stop that process."
                )
        return found
