"""Where each command of the documents is run: here, on the lab, or by the tests of its verb."""

from __future__ import annotations

import re
from typing import Dict, List

from adapter.operations import REGISTRY
from tests.tools.documents import Command, choices

HERE, LAB, CHANGES = "here", "lab", "changes"

# What `ceph` reads, or refuses, so that nothing is changed by it.
_READS = re.compile(
    r"-s|fsid"
    r"|ansible (check-host|get-pub-key|get-user|job (log|ls|show))\b.*"
    r"|auth (get|ls)\b.*"
    r"|config (dump|generate-minimal-conf|get|help)\b.*"
    r"|config-key (get|ls)\b.*"
    r"|crash (info|ls)\b.*"
    r"|daemon .* mon_status"
    r"|device ls"
    r"|health( detail)?"
    r"|log last .*"
    r"|node ls"
    r"|orch (device ls|host ls|ls|osd rm status|ps|status)\b.*"
    r"|orch apply .*--dry-run"
    r"|osd (info|ok-to-stop|safe-to-destroy|tree)\b.*"
    r"|service dump"
)
# `orch-ansible` without Ceph and without hosts: it shows this very machine.
_ORCH_HERE = re.compile(
    r"device ls|host ls( --detail)?|job ls( --all)?|key (generate|public)|status"
)
# What the documents show being refused, with the words that they show.
REFUSED = (
    "ceph ansible check-host h3",
    "ceph ansible generate-key",
    "ceph orch apply -i hosts.yml",
    "ceph orch apply -i web.yml",
    "ceph orch apply nfs a",
    "ceph orch host label rm h2 ssd",
)
# The name of a command stands for something of the lab.
STANDS_FOR: Dict[str, str] = {"HOST": "h2", "OPTION": "osd_max_backfills", "mon.ID": "mon.h1"}


def where(command: Command) -> str:
    """Return where a whole command is run."""
    line = " ".join(command.words[1:])
    if command.program in ("ansible-doc", "make"):
        return HERE
    if command.program == "orch-ansible":
        if _ORCH_HERE.fullmatch(line):
            return HERE
        return LAB if line == "mgr status" or "--check" in line else CHANGES
    if command.program == "ceph":
        is_read = _READS.fullmatch(line) and "-o /" not in line
        return LAB if is_read or f"ceph {line}" in REFUSED else CHANGES
    if command.program == "ansible-inventory":
        return LAB
    return _of_playbook(command)


def _of_playbook(command: Command) -> str:
    words = command.words
    if "-i" in words:
        return HERE
    name = playbook_of(command).rpartition("/")[2].removesuffix(".yml")
    reads = name in REGISTRY and not REGISTRY[name].changes
    return LAB if reads or ("--check" in words and "@" not in command.text) else CHANGES


def playbook_of(command: Command) -> str:
    """Return the playbook that a command of ansible-playbook runs."""
    (found,) = [word for word in command.words if word.startswith("playbooks/")]
    return found


def forms(command: Command) -> List[List[str]]:
    """Return the words of a command, or of each command that a synopsis stands for."""
    words = command.words[1:]
    return [words] if command.typed else choices(words)
