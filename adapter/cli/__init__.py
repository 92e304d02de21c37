"""``orch-ansible``: the verbs of ``ceph orch`` without a mgr, on a directory of YAML.

It also installs the mgr module, and makes it the orchestrator's backend.
"""

from __future__ import annotations


def main() -> None:
    """Run the command ``orch-ansible``."""
    from adapter.cli.app import root

    root.main(prog_name="orch-ansible")
