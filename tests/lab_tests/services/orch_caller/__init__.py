"""A mgr module for tests; see ``module.py``."""

from .module import Module

__all__ = ["Module"]
