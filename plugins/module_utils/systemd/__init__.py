"""Units of systemd: start, stop and watch them, and say why one does not run."""

from __future__ import annotations
