"""What an installation says of itself, in a file beside the content: with what it works, and where.

`orch-ansible mgr install` writes it, or a package brings it. A checkout has none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "installed.json"
PYTHON = "/usr/bin/python3"
STATE = "/var/lib/ceph/orch-ansible"


@dataclass(frozen=True)
class Installed:
    """The interpreter that runs the playbooks on this host, and where its jobs are kept."""

    python: str = PYTHON
    state_directory: str = STATE


def read_installed(content: Path) -> Installed:
    """Return what the installation of a content says; what it does not say is as usual."""
    try:
        data = json.loads((content / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return Installed()
    known = data if isinstance(data, dict) else {}
    return Installed(
        python=str(known.get("python") or PYTHON),
        state_directory=str(known.get("state_directory") or STATE),
    )
