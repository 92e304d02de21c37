"""The methods of ``Orchestrator``, one file for each family.

Each body raises ``NotImplementedError``: a backend implements a method by overriding it, and
only then does ``get_feature_set`` call it available. Parameter names, order and defaults are
those of 20.2 (18.2's where 20.2 has no such method); see reference/ceph_contract.md, section 1.
"""

from __future__ import annotations
