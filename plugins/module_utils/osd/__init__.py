"""OSDs of a host: make, start, stop and remove them."""

from __future__ import annotations
