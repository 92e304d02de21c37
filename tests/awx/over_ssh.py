"""Jobs that run the playbook with the real ansible-runner on real hosts, by ssh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.awx.jobs import Job
from tests.awx.real import Real

# AWX gives the key to an agent, which has no path in the job.
_KEY = "ssh_key_data"


class OverSsh(Real):
    """A runner for a project: hosts are reached as their inventory says, with their pinned keys.

    The private key is that of the job's credential.
    """

    def reached(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return a host's variables as they were given."""
        return dict(given)

    def injected(self, job: Job, top: Path) -> dict[str, str]:
        """Return what credentials give, the key in a file."""
        found = super().injected(job, top)
        # What Ansible keeps for itself goes with the job.
        found.update(HOME=str(top), LANG="C.UTF-8", ANSIBLE_SSH_CONTROL_PATH_DIR=str(top / "cp"))
        for credential in job.credentials:
            text = credential["inputs"].get(_KEY)
            if text:
                path = top / "key"
                path.touch(mode=0o600)
                path.write_text(f"{text.rstrip()}\n")
                found["ANSIBLE_PRIVATE_KEY_FILE"] = str(path)
        return found
