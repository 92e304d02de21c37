"""A host as a whole: what it says of itself, and what it gets before it runs daemons."""

from __future__ import annotations
