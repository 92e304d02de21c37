"""Provide what only some kinds of daemons need besides a key and a directory."""

from __future__ import annotations


def extras_of(roots):
    """Return the further needs by kind of daemon."""
    del roots
    return {}
