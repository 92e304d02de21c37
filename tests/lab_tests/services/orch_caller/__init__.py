"""A mgr module for tests; see ``module.py``."""

from __future__ import annotations

from .module import Module

__all__ = ["Module"]
