"""What is wanted and what is there: hosts, reports with their age, and what is due."""

from __future__ import annotations
