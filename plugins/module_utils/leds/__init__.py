"""The identification and fault lights of disks."""

from __future__ import annotations
