"""What a host knows of its cluster: configuration, keys, and what the monitors say."""

from __future__ import annotations
