"""What the tests ran with: the releases that stand in the table."""

from __future__ import annotations

import importlib.metadata
import os
from typing import Dict


def releases() -> Dict[str, str]:
    """Return the release of ansible-core here and, where tests name it, Ceph's on the lab."""
    try:
        core = importlib.metadata.version("ansible-core")
    except importlib.metadata.PackageNotFoundError:
        core = ""
    return {"ansible_core": core, "ceph": os.environ.get("SOAK_CEPH", "")}
