"""Service specs: what shall run, one file for each kind of service."""

from __future__ import annotations
