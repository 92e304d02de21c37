"""The methods of the interface, by the noun they are about. See ``adapter.orchestrator``."""

from __future__ import annotations
