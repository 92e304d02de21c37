"""Read objects in RADOS without waiting for ever: a pool without its OSDs answers nobody."""

from __future__ import annotations

import errno
import threading
from typing import Any, Callable, List

from adapter.interface import OrchestratorError

TIMEOUT = 10.0
_MOST = 4 * 2**20


class RadosObjects:
    """Read objects, each in a thread that may be left behind: one at a time."""

    def __init__(self, rados: Callable[[], Any], timeout: float = TIMEOUT) -> None:
        self._rados, self._timeout = rados, timeout
        self._lock = threading.Lock()

    def text(self, pool: str, namespace: str, name: str) -> str:
        """Return the text of an object; raises ``OrchestratorError``."""
        place = f"rados://{pool}/{namespace}/{name}"
        # Who reads one that does not answer holds it until it does.
        if not self._lock.acquire(timeout=self._timeout):
            raise OrchestratorError(
                f"{place}: an earlier read is not answered", errno=-errno.ETIMEDOUT
            )
        found: List[bytes] = []
        problem: List[Exception] = []
        done = threading.Event()

        def read() -> None:
            try:
                found.append(self._read(pool, namespace, name))
            except Exception as error:  # noqa: BLE001 - the one who waits says it
                problem.append(error)
            finally:
                self._lock.release()
                done.set()

        threading.Thread(target=read, name="rados-object", daemon=True).start()
        if not done.wait(self._timeout):
            raise OrchestratorError(
                f"{place}: it is not answered within {self._timeout:g} seconds",
                errno=-errno.ETIMEDOUT,
            )
        if problem:
            number = abs(int(getattr(problem[0], "errno", 0) or errno.EIO))
            raise OrchestratorError(f"{place}: {problem[0]}", errno=-number)
        if len(found[0]) > _MOST:
            raise OrchestratorError(f"{place}: it is too long", errno=-errno.EFBIG)
        try:
            return found[0].decode()
        except UnicodeDecodeError:
            raise OrchestratorError(f"{place}: it is no text", errno=-errno.EINVAL) from None

    def _read(self, pool: str, namespace: str, name: str) -> bytes:
        with self._rados().open_ioctx(pool) as ioctx:
            ioctx.set_namespace(namespace)
            return bytes(ioctx.read(name, _MOST + 1))
