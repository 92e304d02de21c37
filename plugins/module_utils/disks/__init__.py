"""A host's disks: what they are called, what is on them and who uses them."""

from __future__ import annotations
