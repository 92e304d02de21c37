"""Provide what only some kinds of daemons need besides a key and a directory."""

from __future__ import annotations

from .kinds.ceph_exporter import ExporterFiles
from .kinds.crash import CrashFiles
from .kinds.rgw import GatewayFiles
from .mon.store import MonStores


def extras_of(roots, conf="", touch=True):
    """Return the further needs by kind of daemon, each an ``Extra``.

    ``conf`` is the text of the cluster's minimal configuration, where one was given. With ``touch``
    false they only look.
    """
    return {
        "mon": MonStores(roots, conf, touch),
        "crash": CrashFiles(roots),
        "ceph-exporter": ExporterFiles(roots),
        "rgw": GatewayFiles(roots),
    }
