"""The Ceph orchestrator interface, implemented with Ansible.

Packages, from the bottom: ``interface`` (the contract), ``engine`` (runs an operation somewhere),
``operations`` (what each method runs), ``cluster`` (what is wanted and what is there),
``orchestrator`` (each method: validate, then read or submit), ``mgr`` and ``cli`` (the two doors).
Imports go downwards only. See docs/architecture.md.
"""

from __future__ import annotations

__version__ = "0.1.0"
