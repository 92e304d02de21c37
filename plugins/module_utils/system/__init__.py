"""Files, programs, packages and locks of a host, whatever runs on it."""

from __future__ import annotations
