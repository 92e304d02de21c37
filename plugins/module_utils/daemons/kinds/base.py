"""What a host has to know of a kind of daemon; what a kind does not say is as it is for most."""

from __future__ import annotations

import os
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from ...cluster.admin_socket import ask
from ...system.reading import Roots
from ..shapes import DaemonShape, WatchedShape
from .extra import NONE, Extra

_ASK_TIMEOUT = 2.0


class DaemonRefused(Exception):
    """Say why a daemon is not touched, and what to do about it."""


class Kind:
    """A kind of daemon, as Ceph's packages have it. In all texts ``{id}`` is the daemon's id.

    Each kind is a class of its own that says what is other with it. What is empty is not there.
    """

    # Its name, as `ceph orch ps` has it before the first dot.
    name = ""
    # Whether it is one of Ceph's: others are ``Program``.
    is_ceph = True
    # Whether it reads the host's ceph.conf.
    needs_conf = True
    # Whether the unit is written here, and not by a package.
    makes_unit = False
    # Whether a program of its package makes the unit, of a file that is written here: it is started
    # with the host, and systemd can neither enable nor disable it.
    is_generated = False
    # The unit that it runs as, and the name of its key.
    unit = ""
    entity = ""
    # What the unit runs, and the target that starts the unit where `systemctl enable` cannot.
    program = ""
    target = ""
    # The data directory below /var; the keyring below /var or /etc, by default in that directory.
    data = ""
    keyring = ""
    # The name of its administration socket, where it is asked for its work.
    socket = ""
    # What it listens on, whatever its configuration says.
    ports: Tuple[int, ...] = ()
    # What its key may do, as lines of a keyring, where no database of the monitors says it.
    caps = ""
    # Whether ceph_daemon makes and removes such daemons.
    is_deployed = True
    # Whether its program says with --version which release the packages are of.
    tells_version = False
    # The option with which a program that is none of Ceph's says its version, empty for none.
    version_flag = "--version"
    # Whether its data directory holds what somebody may want back: it is put aside, not deleted.
    keeps_store = False
    # Whether another one is let go because this one is there: a report says whether it answers.
    is_counted_on = False
    # When it stops where a host stops as a whole: after all kinds with a smaller number.
    stops = 0
    # For how long (seconds) it may take until it does its work, where that is longer than usual.
    patience = 0.0
    # It loads modules, of which this backend is one.
    loads_modules = False
    # What its administration socket is asked, and what is said of one that does not work.
    question = ""
    lack = "it runs, but does not answer"

    @property
    def template(self) -> str:
        """Return the unit's name before the instance, empty where each host has but one unit."""
        name, found, _ = self.unit.partition("@")
        return name if found else ""

    @property
    def repeats_name(self) -> bool:
        """Tell whether the unit's instance has the kind before the id: ``ceph-radosgw@rgw.web``."""
        return self.unit.partition("@")[2].startswith(f"{self.name}.")

    @property
    def data_folder(self) -> str:
        """Return the directory below /var in which each daemon of the kind has its own."""
        return os.path.dirname(self.data)

    @property
    def wants_folder(self) -> str:
        """Return where systemd is told to start it, for kinds whose data directory cannot tell."""
        return f"{self.template}.target.wants" if self.template and not self.data else ""

    @property
    def version_socket(self) -> str:
        """Return the name of the socket on which it is asked for its version."""
        return f"ceph-{self.name}.{{id}}.asok"

    @property
    def can_be_asked(self) -> bool:
        """Tell whether it can be seen of a daemon that was only started that it does its work."""
        return bool(self.question)

    def keyring_path(self, roots: Roots, daemon_id: str) -> str:
        """Return where the key of a daemon is, empty for kinds without one."""
        if not self.entity:
            return ""
        keyring = self.keyring or f"var/{self.data}/keyring"
        top, _, rest = keyring.format(id=daemon_id).partition("/")
        return os.path.join({"var": roots.var, "etc": roots.etc}[top], rest)

    def mark_path(self, roots: Roots, daemon_id: str) -> str:
        """Return the file without which a host's daemon is not ours; empty where there is none."""
        del roots, daemon_id
        return ""

    def is_here(self, roots: Roots) -> bool:
        """Tell whether such a daemon of this host would be ours."""
        del roots
        return True

    def instances(self, roots: Roots) -> List[str]:
        """Return the ids of a host's daemons, where other files than data directories tell."""
        del roots
        return []

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return what a daemon is whose unit is in a state."""
        del roots, daemon_id
        return state

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Tell whether a daemon that is waited for works; None when there is no way to ask.

        Sets its ``hopeless`` to a sentence when waiting is of no use. ``proc`` is where /proc is.
        """
        path = watched.daemon.socket_path
        if not self.question or not os.path.exists(path):
            # A monitor opens its store before it can be asked; that it stays is no word of others.
            return False if watched.others or watched.must_answer else None
        answer = ask(path, self.question, _ASK_TIMEOUT)
        watched.hopeless = self.reason_hopeless(watched.daemon, answer, watched.others)
        return self.is_at_work(answer, watched.others)

    def is_at_work(self, answer: Mapping[str, Any], others: FrozenSet[str] = frozenset()) -> bool:
        """Tell from a daemon's answer whether it has its place in the cluster.

        ``others`` are those of whom it must have found one, where there are any.
        """
        del others
        return "version" in answer

    def reason_hopeless(
        self, daemon: DaemonShape, answer: Mapping[str, Any], others: FrozenSet[str]
    ) -> str:
        """Return a sentence when the answer says that waiting is of no use."""
        del daemon, answer, others
        return ""

    def lack_of_cluster(self, daemon: DaemonShape) -> str:
        """Return what the cluster lacks for such a daemon to come up, or nothing."""
        del daemon
        return ""

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what daemons of this kind need besides a key and a directory, an ``Extra``."""
        del roots, conf, touch
        return NONE

    def own_fsid(self, roots: Roots, daemon_id: str) -> str:
        """Return the cluster that a daemon itself says it is of; empty where the host's counts."""
        del roots, daemon_id
        return ""

    def more_of_row(self, roots: Roots, daemon_id: str, state: str) -> Dict[str, Any]:
        """Return what a report says of daemons of this kind alone."""
        del roots, daemon_id, state
        return {}
