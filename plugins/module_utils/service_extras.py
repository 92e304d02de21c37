"""Provide what only some kinds of daemons need besides a key and a directory."""

from __future__ import annotations

from .mon_store import MonStores


def extras_of(roots):
    """Return the further needs by kind of daemon."""
    return {"mon": MonStores(roots)}
