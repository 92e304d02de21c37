"""The ceph-mgr module ``ansible``: a door to ``adapter.orchestrator`` for ``ceph orch``.

The only package that imports Ceph's own Python. What differs between Ceph's versions is in
``compat``, what differs between Ceph's classes and ours in ``convert``.
"""

from __future__ import annotations
