"""What only exists inside ceph-mgr, or in packages that a comparison does without."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

MGR_MODULES = "/usr/share/ceph/mgr"
_BASES = (
    "BaseMgrModule",
    "BaseMgrStandbyModule",
    "BasePyOSDMap",
    "BasePyOSDMapIncremental",
    "BasePyCRUSH",
)


class Nothing:
    """Stand for a C++ base class of ceph-mgr."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take whatever ceph-mgr would give."""


def put_in_place() -> None:
    """Make Ceph's mgr modules importable; what cannot be imported is stood in for."""
    stub: Any = types.ModuleType("ceph_module")
    for name in _BASES:
        setattr(stub, name, type(name, (Nothing,), {}))
    sys.modules["ceph_module"] = stub
    for name in ("cephfs", "rados", "rbd"):
        try:
            __import__(name)
        except ImportError:
            stand_in: Any = types.ModuleType(name)
            stand_in.__getattr__ = lambda attribute: type(attribute, (Exception,), {})
            sys.modules[name] = stand_in
    if not any(Path(entry, "orchestrator").is_dir() for entry in sys.path if entry):
        sys.path.append(MGR_MODULES)
