"""Run an operation somewhere and tell what becomes of it.

``base.Engine`` is what the other packages see, ``model`` the data; ``local.LocalEngine`` runs
ansible-playbook in a child process, ``memory.MemoryEngine`` answers from a function. Nothing is
imported here, so that the child process loads only what it needs.
"""

from __future__ import annotations
