"""``orch-ansible``: the verbs of ``ceph orch`` without a mgr, on a directory of YAML.

It also installs the mgr module, and makes it the orchestrator's backend.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command ``orch-ansible``."""
    from adapter.cli.needs import refusal

    reason = refusal()
    if reason:
        # What prints errors otherwise is part of what is missing.
        sys.stderr.write(f"orch-ansible: {reason}\n")
        sys.exit(1)
    from adapter.cli.app import root

    root.main(prog_name="orch-ansible")
