"""Which AWX runs the jobs, how long it may take, and how it is asked again where it is silent."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar

from adapter.awxapi.client import Awx
from adapter.awxapi.connection import Connection, Server
from adapter.awxapi.login import read_login
from adapter.errors import AdapterError, NotReady

T = TypeVar("T")

_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class AwxPlace:
    """Where AWX is, and its deadlines in seconds.

    ``url``, ``base``, ``ca_file`` and ``fingerprint`` are those of ``Server``; ``secret_file``
    holds the token or, with ``user``, the password. Job templates belong to ``organization`` and
    their names begin with ``name``. A job waits in AWX's queue for ``queue`` seconds at most; AWX
    may be silent for ``silence``; the last events come within ``events`` of a job's end; a
    cancelled job ends within ``stop``. One request takes ``request`` seconds at most, and a job
    that runs is looked at every ``interval``. All jobs of one directory together ask AWX ``rate``
    times a second at most. ``root`` are the paths of AWX's collections, empty where nobody has
    asked for them.
    """

    url: str
    organization: str
    secret_file: str
    name: str = "ceph"
    user: str = ""
    base: str = "/api/v2"
    ca_file: str = ""
    fingerprint: str = ""
    instance_group: str = ""
    queue: float = 300.0
    silence: float = 120.0
    events: float = 30.0
    stop: float = 60.0
    request: float = 20.0
    interval: float = 1.0
    # A little less than ten: whoever starts the jobs asks, too.
    rate: float = 9.0
    root: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Dict[str, Any]:
        """Return it as JSON data; no secret is in it."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AwxPlace:
        """Read what ``to_json`` wrote; unknown keys of a later version are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})

    @property
    def beyond(self) -> float:
        """Return for how long a job may be there in addition to its own time."""
        return self.queue + self.silence + self.events + self.stop

    def connect(self, turn: Callable[[], None] = lambda: None) -> Awx:
        """Return AWX with the login that the file has now. Raises ``AdapterError``.

        ``turn`` is called before each request, see ``Turns``.
        """
        server = Server(self.url, self.base, self.ca_file, self.fingerprint)
        login = read_login(Path(self.secret_file), self.user)
        return Awx(Connection(server, login, self.request, turn), self.root or None)


class Asking:
    """Ask AWX, and ask again while it does not answer.

    ``limit`` tells for how many seconds it may be silent; the file with the login is read again
    each time, because somebody may have written another token into it. ``wait`` pauses, ``turn`` is
    called before each request.
    """

    def __init__(
        self,
        place: AwxPlace,
        wait: Callable[[float], None],
        limit: Callable[[], float],
        turn: Callable[[], None] = lambda: None,
    ) -> None:
        self.limit = limit
        self._turn = turn
        self._place = place
        self._wait = wait
        self._awx: Optional[Awx] = None
        self._silent_since: Optional[float] = None
        self._failures = 0

    def once(self, what: Callable[[Awx], T]) -> T:
        """Ask once. Raises ``NotReady`` without an answer, ``AdapterError`` for a refusal."""
        try:
            if self._awx is None:
                self._awx = self._place.connect(self._turn)
            answer = what(self._awx)
        except AdapterError:
            # The next time it may be another login.
            self._awx = None
            raise
        self._silent_since, self._failures = None, 0
        return answer

    def ask(self, what: Callable[[Awx], T]) -> T:
        """Ask until there is an answer. Raises ``NotReady`` when AWX was silent for too long."""
        while True:
            try:
                return self.once(what)
            except NotReady as error:
                self.pause_after(error)

    def pause_after(self, error: NotReady, tries: int = 0) -> None:
        """Pause before the next try, or raise the error if AWX has been silent for too long.

        ``tries`` have failed so before, although AWX may have answered other requests in between.
        """
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= self.limit():
            raise error
        self._failures = max(self._failures, tries) + 1
        pause = self._place.interval * 2 ** min(self._failures - 1, 5)
        self._wait(min(pause, _LONGEST_PAUSE))
