"""The shell line that does a job once more by hand, and what its playbook has to know for that.

It works for as long as the job is kept: it names the files in the job's directory. Keyrings are not
among them any more once the job has ended; the playbook asks the monitors for them, with the access
of whoever typed the line.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Dict, Mapping

from adapter.engine.encode import mode_flags
from adapter.engine.jobs import JobDir
from adapter.engine.model import Request

# The variables that tell roles where the job's secret files are, whose keyrings they are, and which
# job it is: what cannot be seen on a host to be done already is known there by the job.
SECRETS = "ceph_orch_secrets"
ENTITIES = "ceph_orch_entities"
JOB = "ceph_orch_job"
# Says that the job is done again: what it was given of the cluster may be old.
BY_HAND = "ceph_orch_by_hand"

BORROWED_KEY = (
    "its ssh key was the manager's and is not kept on this machine; type the same `orch-ansible` "
    "command again"
)
_SECTION = re.compile(r"\[([a-z]+\.[A-Za-z0-9._-]*)\]\n")


def job_variables(job: Path) -> Dict[str, Any]:
    """Return the variables that every playbook gets of its job."""
    directory = JobDir(job).secrets
    if not directory.is_dir():
        return {JOB: job.name}
    entities = {}
    for path in directory.iterdir():
        section = _SECTION.match(path.read_text(encoding="utf-8"))
        if section:
            entities[path.name] = section[1]
    return {JOB: job.name, SECRETS: str(directory), ENTITIES: entities}


def by_hand(
    job: Path, settings: Mapping[str, Any], request: Request, *, playbook: str, program: str
) -> Dict[str, str]:
    """Return the line as ``command``, or why there is none as ``no_command``."""
    by_ssh = any(target.connection == "ssh" for target in request.targets)
    if by_ssh and not settings.get("ssh_stays", True):
        return {"command": "", "no_command": BORROWED_KEY}
    line = command_line(job, settings, request, playbook=playbook, program=program)
    return {"command": line, "no_command": ""}


def command_line(
    job: Path, settings: Mapping[str, Any], request: Request, *, playbook: str, program: str
) -> str:
    """Return the line; words may be added to it that ansible-playbook takes.

    It depends on nothing that its shell may have set otherwise. It uses a connection that is open
    and leaves none: the socket would be its user's, and the next job of ours could not use it.
    """
    ssh = f"-F {shlex.quote(str(settings['ssh_config']))} -o ControlMaster=no"
    words = [program, playbook, "-i", str(job / "inventory.yml")]
    words += ["-e", f"@{job / 'vars.yml'}", "-e", f"{BY_HAND}=true", *mode_flags(request)]
    return (
        f"cd {shlex.quote(str(settings['content_root']))} && "
        f"ANSIBLE_CONFIG=ansible.cfg ANSIBLE_SSH_ARGS={shlex.quote(ssh)} "
        f"{' '.join(map(shlex.quote, words))}"
    )
