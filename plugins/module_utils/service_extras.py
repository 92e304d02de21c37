"""Provide what only some kinds of daemons need besides a key and a directory."""

from __future__ import annotations

from .crash_files import CrashFiles
from .exporter_files import ExporterFiles
from .mon_store import MonStores


def extras_of(roots):
    """Return the further needs by kind of daemon.

    Each has ``refuse`` (sentences that speak against a daemon), ``lacks`` (whether there is
    something to do), ``provide`` (which does it) and ``forget`` (for a daemon that is taken away).
    """
    return {
        "mon": MonStores(roots),
        "crash": CrashFiles(roots),
        "ceph-exporter": ExporterFiles(roots),
    }
