"""Make the store of a new monitor, from the map that the cluster's monitors give."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import shutil
import socket

from .ceph_user import ceph_owner, make_directory
from .command import find_program, last_line, run
from .reading import clean, list_dir
from .service_kinds import DaemonRefused
from .whole_file import write_text

_ASK_SECONDS = 15
_TIMEOUT = 120.0
_MEMBER = re.compile(r"\d+: (\S+) mon\.(\S+)")
_V2_PORT, _V1_PORT = 3300, 6789
# Beside the stores, and no daemon's name: it says that a store was begun and is not whole.
_MARK = ".ceph-orch-unfinished-"


class MonStores:
    """The stores of this host's monitors: what they lack, and how one is made."""

    def __init__(self, roots):
        self._roots = roots

    def refuse(self, wanted):
        """Return what speaks against a new monitor."""
        if self._is_whole(wanted.daemon):
            return []
        reasons = [] if wanted.keyring else [_no_key(wanted.daemon)]
        return reasons + _reasons_against_address(wanted)

    def lacks(self, wanted):
        """Tell whether the store must be made."""
        return not self._is_whole(wanted.daemon)

    def provide(self, wanted):
        """Make the store; raises ``DaemonRefused``. One that was not made to its end is begun anew.

        The monitor stands in its own map, so that it knows its address, but not in the cluster's:
        when it starts it takes over the cluster's map and asks to be let in.
        """
        daemon = wanted.daemon
        if self._is_whole(daemon):
            return
        owner = ceph_owner(self._roots)
        mark = self._mark(daemon)
        make_directory(os.path.dirname(mark), 0o755, owner)
        write_text(mark, "", 0o600, owner)
        _empty(daemon.data_path)
        make_directory(daemon.data_path, 0o700, owner)
        with _workplace(self._roots, daemon, owner) as place:
            keyring, monmap = os.path.join(place, "keyring"), os.path.join(place, "monmap")
            write_text(keyring, wanted.keyring, 0o600, owner)
            _get_map(daemon, keyring, monmap)
            _add_to_map(wanted, monmap)
            os.chown(monmap, *owner)
            _call(daemon, _mkfs(daemon, keyring, monmap))
        os.unlink(mark)

    def forget(self, daemon):
        """Remove the mark of a store that was not made to its end."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._mark(daemon))

    def _is_whole(self, daemon):
        return bool(list_dir(daemon.data_path)) and not os.path.lexists(self._mark(daemon))

    def _mark(self, daemon):
        top, name = os.path.split(daemon.data_path)
        return os.path.join(top, _MARK + name)


def _no_key(daemon):
    return (
        f"{daemon.name}: a new monitor needs the key of mon., and none was given (keyring_file). "
        "Give a file with what `ceph auth get mon.` prints."
    )


def _reasons_against_address(wanted):
    name = wanted.daemon.name
    try:
        address = ipaddress.ip_address(wanted.addr)
    except ValueError:
        return [
            f"{name}: invalid addr {clean(wanted.addr)!r}. Give the address of this host that the "
            "monitor shall have."
        ]
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((wanted.addr, 0))
        except OSError:
            return [f"{name}: this host has no address {wanted.addr} (addr). Give one of its own."]
    return []


def addresses_of(addr):
    """Return a monitor's addresses as its map writes them."""
    host = f"[{addr}]" if ":" in addr else addr
    return f"[v2:{host}:{_V2_PORT},v1:{host}:{_V1_PORT}]"


def members_of(text):
    """Read which monitors a map has, from what ``monmaptool --print`` says: addresses by name."""
    found = (_MEMBER.fullmatch(line.strip()) for line in text.splitlines())
    return {match.group(2): match.group(1) for match in found if match}


def _get_map(daemon, keyring, monmap):
    argv = ["ceph", "--connect-timeout", str(_ASK_SECONDS), "--name", "mon.", "--keyring", keyring]
    answer = run([_program("ceph"), *argv[1:], "mon", "getmap", "-o", monmap], _TIMEOUT)
    if answer.problem:
        reason = clean(last_line(answer.err), 300) or answer.problem
        raise DaemonRefused(
            f"{daemon.name}: the cluster's monitors do not give their map: {reason}. Check that "
            "this host reaches them and that the key (keyring_file) is that of mon."
        )


def _add_to_map(wanted, monmap):
    daemon = wanted.daemon
    answer = _call(daemon, [_program("monmaptool"), "--print", monmap])
    there = members_of(answer.out).get(daemon.daemon_id)
    mine = addresses_of(wanted.addr)
    if there is None:
        _call(daemon, [_program("monmaptool"), "--addv", daemon.daemon_id, mine, monmap])
    elif there.replace("/0", "") != mine:
        raise DaemonRefused(
            f"{daemon.name}: the cluster knows it at {there}, not at {mine} (addr). If it shall "
            f"move, remove it first: ceph mon rm {daemon.daemon_id}."
        )


def _mkfs(daemon, keyring, monmap):
    argv = [_program("ceph-mon"), "--mkfs", "--id", daemon.daemon_id, "--monmap", monmap]
    return [*argv, "--keyring", keyring, "--setuser", "ceph", "--setgroup", "ceph"]


def _call(daemon, argv):
    answer = run(argv, _TIMEOUT)
    if answer.problem:
        reason = clean(last_line(answer.err) or last_line(answer.out), 300) or answer.problem
        raise DaemonRefused(
            f"{daemon.name}: the store cannot be made: {os.path.basename(argv[0])} says: {reason}."
        )
    return answer


def _program(name):
    return find_program(name) or name


@contextlib.contextmanager
def _workplace(roots, daemon, owner):
    """Give a directory in memory that Ceph's user can read, and remove it with its contents."""
    place = os.path.join(roots.ceph_run, f"ceph-orch-{daemon.name}")
    shutil.rmtree(place, ignore_errors=True)
    make_directory(place, 0o700, owner)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _empty(path):
    """Remove what is in a directory; the directory itself may be a file system of its own."""
    for name in list_dir(path):
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and not os.path.islink(inner):
            shutil.rmtree(inner)
        else:
            os.unlink(inner)
