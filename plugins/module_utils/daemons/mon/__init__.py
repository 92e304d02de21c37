"""What only monitors need: a store made of the cluster's map, and joining the others."""

from __future__ import annotations
