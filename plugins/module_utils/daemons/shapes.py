"""What code below ``Daemon``, ``Wanted`` and the watch over them may know of these: types alone.

That code cannot import them: they import the kinds, and the kinds import that code.
"""

from __future__ import annotations

import sys
from typing import FrozenSet, Mapping, Optional, Sequence

if sys.version_info >= (3, 8):
    from typing import Protocol
else:
    Protocol = object


class KindShape(Protocol):
    """A kind of daemon (``kinds.base.Kind``)."""

    name: str
    data: str
    lack: str

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]: ...

    def lack_of_cluster(self, daemon: DaemonShape) -> str: ...


class DaemonShape(Protocol):
    """A daemon (``daemon.Daemon``)."""

    daemon_id: str
    name: str
    unit: str
    entity: str
    keyring_path: str
    data_path: str
    socket_path: str
    mark_path: str

    @property
    def kind(self) -> KindShape: ...


class WantedShape(Protocol):
    """A daemon as it shall be (``deployment.Wanted``)."""

    keyring: str
    port: int
    addr: str
    stop_timeout: int
    cluster: str
    args: Sequence[str]
    settings: Mapping[str, str]
    files: Mapping[str, str]
    installs: bool

    @property
    def daemon(self) -> DaemonShape: ...


class AwaitedShape(Protocol):
    """A daemon that is to be waited for (``deployment.Wanted``, and ``at_work`` has another)."""

    port: int
    others: FrozenSet[str]

    @property
    def daemon(self) -> DaemonShape: ...


class WatchedShape(Protocol):
    """A daemon that is waited for (in ``health``)."""

    port: int
    others: FrozenSet[str]
    must_answer: bool
    hopeless: str

    @property
    def daemon(self) -> DaemonShape: ...

    @property
    def pid(self) -> int: ...
