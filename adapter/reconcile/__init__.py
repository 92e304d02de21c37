"""What the serve loop does to bring what is there to what is wanted, one step at a time.

Each part has ``step``, which the loop's thread calls; nothing in it waits for a host.
"""

from __future__ import annotations

from adapter.reconcile.reconciler import Reconciler

__all__ = ["Reconciler"]
