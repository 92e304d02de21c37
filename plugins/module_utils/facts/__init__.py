"""A host's facts, as cephadm has them."""

from __future__ import annotations
