"""Make the store of a new monitor, from the map that the cluster's monitors give."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import shutil
import socket
from enum import Enum
from typing import Dict, FrozenSet, Iterator, List, Optional, Tuple

from ...cluster.ceph_user import ceph_owner
from ...system.atomic_write import make_directory, own_directory, write_text
from ...system.command import Answer, find_program, run
from ...system.reading import Roots, clean, list_dir
from ...systemd.units import act, has_failed, is_alive, show_units
from ..kinds.base import DaemonRefused
from ..kinds.extra import Extra
from ..shapes import DaemonShape, WantedShape
from ..store_aside import MAKING, STORE, empty, has_store, holds, put_aside
from .joining import NO_FIRST_MEMBERS, Joining
from .views import OtherMons, View, ask_own, has_left, has_split_off, reason_of

_TIMEOUT = 120.0
# A monitor that has its place in CRUSH says so behind its name.
_MEMBER = re.compile(r"\d+: (\S+) mon\.([^\s;]+)(?:;.*)?")
_EPOCH = re.compile(r"^epoch (\d+)$", re.MULTILINE)
_V2_PORT, _V1_PORT = 3300, 6789
# Beside the stores: what was made before stores were made apart says so that one is not whole.
_MARK = ".ceph-orch-unfinished-"


class _Is(Enum):
    """What a store is: one to start with, or one that is made anew, and why."""

    GOOD = "good"
    LACKING = "not there, or not whole"
    SPLIT_OFF = "of a cluster of its own"
    LEFT = "of a monitor that the cluster has taken out of its map"


class MonStores(Extra):
    """The stores of this host's monitors: what they lack, and how one is made.

    ``conf`` is the text of a minimal configuration, which tells where the other monitors are.
    With ``touch`` false nothing is opened for writing.
    """

    def __init__(self, roots: Roots, conf: str = "", touch: bool = True) -> None:
        self._roots = roots
        self._mons = OtherMons(roots, conf)
        self._touch = touch
        # Asked once for what is predicted; what is done asks again.
        self._judged: Dict[str, _Is] = {}

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return what speaks against a new monitor."""
        if not self.needs_setup(wanted):
            return []
        reasons = [] if wanted.keyring else [_no_key(wanted.daemon)]
        return reasons + _reasons_against_address(wanted)

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether the store must be made, because there is none that is of use."""
        unit = wanted.daemon.unit
        if unit not in self._judged:
            self._judged[unit] = self._judge(wanted)
        return self._judged[unit] is not _Is.GOOD

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether the monitor has still to join, or is in no quorum now."""
        if Joining(self._roots, wanted.daemon.unit).is_begun:
            return True
        own = ask_own(wanted.daemon.socket_path)
        return own is None or not own.quorum

    def others(self, wanted: WantedShape) -> FrozenSet[str]:
        """Return the names of the monitors of which one must be in this one's quorum."""
        cluster = self._view(wanted)
        if cluster is not None:
            return cluster.mons - {wanted.daemon.daemon_id}
        begun, own = Joining(self._roots, wanted.daemon.unit), ask_own(wanted.daemon.socket_path)
        if own is not None and own.epoch > begun.epoch:
            # It has joined, and they may have left since.
            return frozenset()
        return begun.members

    def finish(self, wanted: WantedShape) -> str:
        """Take the override away: the monitor has joined, which its store remembers."""
        own = ask_own(wanted.daemon.socket_path)
        if self.is_seen(wanted) if own is None else own.quorum:
            self.cleanup(wanted.daemon)
        return ""

    def is_seen(self, wanted: WantedShape) -> bool:
        """Tell whether the quorum of the other monitors names this one."""
        cluster = self._view(wanted)
        return cluster is not None and wanted.daemon.daemon_id in cluster.quorum

    def give_up(self, wanted: WantedShape) -> str:
        """Stop a monitor that leads a cluster of its own: no client shall find it; say so."""
        own = ask_own(wanted.daemon.socket_path)
        if own is not None and own.quorum and self._judge(wanted) is _Is.SPLIT_OFF:
            act("stop", [wanted.daemon.unit])
            return " It was stopped."
        return ""

    def setup(self, wanted: WantedShape) -> None:
        """Make the store; raises ``DaemonRefused``. What was there is put aside.

        The monitor stands in its own map, so that it knows its address, but not in the cluster's:
        when it starts it takes over the cluster's map and asks to be let in.
        """
        daemon = wanted.daemon
        # Asked here, where it is done.
        judged = self._judge(wanted)
        if judged is _Is.GOOD:
            return
        if judged is _Is.SPLIT_OFF:
            # Whoever asks for the cluster's map could end at it.
            _stop(daemon)
        owner = ceph_owner(self._roots)
        with _workplace(self._roots, daemon, owner) as place:
            keyring, monmap = os.path.join(place, "keyring"), os.path.join(place, "monmap")
            write_text(keyring, wanted.keyring, 0o600, owner)
            self._get_map(wanted, keyring, monmap)
            members, epoch = _add_to_map(wanted, monmap)
            if not members and self._mons.known(wanted.addr):
                raise DaemonRefused(
                    f"{daemon.name}: the monitor that answered knows of no other one, but the "
                    "configuration names others: it is not in the cluster. Try again."
                )
            os.chown(monmap, *owner)
            _stop(daemon)
            self._make_room(daemon, owner)
            # From here on there may be a store, and whoever starts the unit must have it join.
            Joining(self._roots, daemon.unit).begin(members, epoch, wanted.addr)
            _make_store(daemon, keyring, monmap, owner)
        self._unmark(daemon)

    def _make_room(self, daemon: DaemonShape, owner: Tuple[int, int]) -> None:
        """Put aside what is where the store shall be, and give the directory to Ceph's user."""
        path = daemon.data_path
        empty(path, [MAKING] if MAKING in list_dir(path) else [], self._roots.proc)
        if holds(path):
            put_aside(self._roots, daemon)
        make_directory(os.path.dirname(path), 0o755, owner)
        make_directory(path, 0o700, owner)
        own_directory(path, 0o700, owner)

    def cleanup(self, daemon: DaemonShape) -> None:
        """Remove what says that a monitor is not finished."""
        self._unmark(daemon)
        Joining(self._roots, daemon.unit).end()

    def _unmark(self, daemon: DaemonShape) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._mark(daemon))

    def _mark(self, daemon: DaemonShape) -> str:
        top, name = os.path.split(daemon.data_path)
        return os.path.join(top, _MARK + name)

    def _judge(self, wanted: WantedShape) -> _Is:
        """Ask host and cluster what the store is; where nobody answers, one that is there is good.

        One that runs needs no store to be made: it has files open that nobody else sees.
        """
        daemon = wanted.daemon
        running = ask_own(daemon.socket_path)
        if not has_store(daemon.data_path) or os.path.lexists(self._mark(daemon)):
            return _Is.LACKING if running is None else _Is.GOOD
        cluster = self._view(wanted)
        if cluster is None or daemon.daemon_id in cluster.quorum:
            return _Is.GOOD
        idle = running is None and _is_idle(daemon)
        own = self._stored(daemon) if idle else running
        if has_split_off(daemon.daemon_id, own, cluster):
            return _Is.SPLIT_OFF
        return _Is.LEFT if idle and self._has_left(daemon, own, cluster) else _Is.GOOD

    def _has_left(self, daemon: DaemonShape, own: Optional[View], cluster: View) -> bool:
        """Tell whether the cluster has a monitor no more, which does not run."""
        begun = Joining(self._roots, daemon.unit)
        if not self._touch:
            # The store cannot be opened for reading alone.
            return daemon.daemon_id not in cluster.mons and not begun.is_begun
        if begun.is_begun and own is not None and own.epoch <= begun.epoch:
            # It has never been in the map: it joins when it starts, if it knows where it is.
            return not begun.knows_address
        return has_left(daemon.daemon_id, own, cluster)

    def _view(self, wanted: WantedShape) -> Optional[View]:
        daemon = wanted.daemon
        return self._mons.view(daemon.keyring_path, wanted.addr, daemon.daemon_id)

    def _stored(self, daemon: DaemonShape) -> Optional[View]:
        """Return what the store of a monitor that does not run says, or None."""
        if not self._touch:
            return None
        owner = ceph_owner(self._roots)
        with _workplace(self._roots, daemon, owner) as place:
            monmap = os.path.join(place, "monmap")
            argv = [_program("ceph-mon"), "--id", daemon.daemon_id, "--extract-monmap", monmap]
            if run([*argv, "--setuser", "ceph", "--setgroup", "ceph"], _TIMEOUT).problem:
                return None
            answer = run([_program("monmaptool"), "--print", monmap], _TIMEOUT)
        names = [{"name": name} for name in members_of(answer.out)]
        status = {"monmap": {"epoch": epoch_of(answer.out), "mons": names}}
        return View(status, ()) if names else None

    def _get_map(self, wanted: WantedShape, keyring: str, monmap: str) -> None:
        answer = self._mons.call(keyring, wanted.addr, "mon", "getmap", "-o", monmap)
        if answer.problem:
            raise DaemonRefused(
                f"{wanted.daemon.name}: the cluster's monitors do not give their map: "
                f"{reason_of(answer)}. Check that this host reaches them and that the key "
                "(keyring_file) is that of mon."
            )


def _no_key(daemon: DaemonShape) -> str:
    return (
        f"{daemon.name}: a new monitor needs the key of mon., and none was given (keyring_file). "
        "Give a file with what `ceph auth get mon.` prints."
    )


def _reasons_against_address(wanted: WantedShape) -> List[str]:
    name = wanted.daemon.name
    try:
        address = ipaddress.ip_address(wanted.addr)
    except ValueError:
        return [
            f"{name}: invalid addr {clean(wanted.addr)!r}. Give the address of this host that the "
            "monitor will use."
        ]
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((wanted.addr, 0))
        except OSError:
            return [f"{name}: this host has no address {wanted.addr} (addr). Give one of its own."]
    return []


def addresses_of(addr: str) -> str:
    """Return a monitor's addresses as its map writes them."""
    host = f"[{addr}]" if ":" in addr else addr
    return f"[v2:{host}:{_V2_PORT},v1:{host}:{_V1_PORT}]"


def members_of(text: str) -> Dict[str, str]:
    """Read which monitors a map has, from what ``monmaptool --print`` says: addresses by name."""
    found = (_MEMBER.fullmatch(line.strip()) for line in text.splitlines())
    return {match.group(2): match.group(1) for match in found if match}


def epoch_of(text: str) -> int:
    """Read the epoch of a map from the same, 0 where it has none."""
    found = _EPOCH.search(text)
    return int(found.group(1)) if found else 0


def _add_to_map(wanted: WantedShape, monmap: str) -> Tuple[Dict[str, str], int]:
    """Put the monitor into the map; return the names of the others, and the map's epoch."""
    daemon = wanted.daemon
    answer = _call(daemon, [_program("monmaptool"), "--print", monmap])
    members = members_of(answer.out)
    there = members.pop(daemon.daemon_id, None)
    mine = addresses_of(wanted.addr)
    if there is None:
        _call(daemon, [_program("monmaptool"), "--addv", daemon.daemon_id, mine, monmap])
    elif there.replace("/0", "") != mine:
        raise DaemonRefused(
            f"{daemon.name}: the cluster knows it at {there}, not at {mine} (addr). If it shall "
            f"move, remove it first: ceph mon rm {daemon.daemon_id}."
        )
    return members, epoch_of(answer.out)


def _is_idle(daemon: DaemonShape) -> bool:
    """Tell whether a unit does not run; one that fails at each of its starts does not."""
    state = show_units([daemon.unit])[daemon.unit]
    return has_failed(state) or not is_alive(state)


def _stop(daemon: DaemonShape) -> None:
    if is_alive(show_units([daemon.unit])[daemon.unit]):
        act("stop", [daemon.unit])


def _make_store(daemon: DaemonShape, keyring: str, monmap: str, owner: Tuple[int, int]) -> None:
    """Make a store beside where it shall be, and move it there when it is whole.

    ``ceph-mon`` makes none in a directory that has anything in it, and says that all is well.
    """
    place = os.path.join(daemon.data_path, MAKING)
    make_directory(place, 0o700, owner)
    answer = _call(daemon, _mkfs(daemon, keyring, monmap, place))
    if not has_store(place):
        raise DaemonRefused(
            f"{daemon.name}: the store cannot be made: ceph-mon made none in {place}: "
            f"{reason_of(answer)}."
        )
    # The store last: it decides whether there is one.
    for name in sorted(list_dir(place), key=lambda name: name == STORE):
        os.rename(os.path.join(place, name), os.path.join(daemon.data_path, name))
    os.rmdir(place)


def _mkfs(daemon: DaemonShape, keyring: str, monmap: str, place: str) -> List[str]:
    argv = [_program("ceph-mon"), "--mkfs", "--id", daemon.daemon_id, "--monmap", monmap]
    user = ["--setuser", "ceph", "--setgroup", "ceph"]
    argv += ["--mon-data", place, "--keyring", keyring]
    return [*argv, *user, NO_FIRST_MEMBERS]


def _call(daemon: DaemonShape, argv: List[str]) -> Answer:
    answer = run(argv, _TIMEOUT)
    if answer.problem:
        program = os.path.basename(argv[0])
        raise DaemonRefused(
            f"{daemon.name}: the store cannot be made: {program} says: {reason_of(answer)}."
        )
    return answer


def _program(name: str) -> str:
    return find_program(name) or name


@contextlib.contextmanager
def _workplace(roots: Roots, daemon: DaemonShape, owner: Tuple[int, int]) -> Iterator[str]:
    """Give a directory in memory that Ceph's user can read, and remove it with its contents."""
    place = os.path.join(roots.ceph_run, f"ceph-orch-{daemon.name}")
    shutil.rmtree(place, ignore_errors=True)
    make_directory(place, 0o700, owner)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
