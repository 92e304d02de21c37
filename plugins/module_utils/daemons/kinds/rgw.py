"""Object gateways: they listen on a port, and need time to finish their requests."""

from __future__ import annotations

from typing import List, Optional

from ...system.listening import holders, listens
from ...system.reading import Roots
from ...systemd.drop_in import DropIn
from ..shapes import DaemonShape, WantedShape, WatchedShape
from .base import Kind
from .extra import Extra

_REASON = "Gives a stopping gateway time to finish its requests (rgw_exit_timeout_secs)."


class Gateway(Kind):
    """An object gateway."""

    name = "rgw"
    unit = "ceph-radosgw@rgw.{id}.service"
    entity = "client.rgw.{id}"
    program = "radosgw"
    data = "lib/ceph/radosgw/ceph-rgw.{id}"
    # `systemctl enable` fails: the unit asks for an alias that an instance cannot have.
    target = "ceph-radosgw.target"
    version_socket = "ceph-client.rgw.{id}.asok"
    tells_version = True
    is_counted_on = True
    can_be_asked = True
    lack = "it runs, but does not listen on its port"

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Tell whether it listens: it begins to when it has found its pools."""
        if not watched.port:
            return listens(proc, watched.pid)
        return any(holder.pid == watched.pid for holder in holders(proc, watched.port))

    def lack_of_cluster(self, daemon: DaemonShape) -> str:
        """Return what the cluster lacks to keep the pools that it waits for."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from ...cluster.storage_state import storage_lack

        return storage_lack(daemon.entity, daemon.keyring_path)

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what tells systemd how long it may take to stop."""
        del conf, touch
        return GatewayFiles(roots)


class GatewayFiles(Extra):
    """How long systemd waits for a gateway that stops. It is read anew without a restart."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether systemd would end the gateway at another time."""
        return not self._drop_in(wanted.daemon).has(_lines(wanted), _REASON)

    def setup(self, wanted: WantedShape) -> None:
        """Tell systemd."""
        self._drop_in(wanted.daemon).put(_lines(wanted), _REASON)

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the file away."""
        self._drop_in(daemon).remove()

    def _drop_in(self, daemon: DaemonShape) -> DropIn:
        return DropIn(self._roots, daemon.unit)


def _lines(wanted: WantedShape) -> List[str]:
    return [f"TimeoutStopSec={wanted.stop_timeout}"] if wanted.stop_timeout else []


KIND = Gateway()
