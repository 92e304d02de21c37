"""The invoker: the one program of ours that a user may run as root where sudo is locked down."""

from __future__ import annotations
