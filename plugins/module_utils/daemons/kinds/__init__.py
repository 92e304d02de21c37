"""The kinds of daemons, each in a file that says all that a host has to know of it."""

from __future__ import annotations
