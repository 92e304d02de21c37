"""What each method of the interface runs: one file per operation, found by itself.

One file stands for all kinds of daemons, whose operations differ in nothing but their kind.

An operation turns parameters into the variables of the playbook of the same name. What the
playbook publishes is read in ``adapter.cluster.reports`` and by the methods.
"""

from __future__ import annotations

from adapter.operations._registry import REGISTRY, Operation, discover, get

discover(__name__, __path__)

__all__ = ["REGISTRY", "Operation", "get"]
