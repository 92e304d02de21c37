"""Where each command of the documents is run: here, on the lab, or by the tests of its verb.

Those of AWX are run against its stand-in, by the tests below ``tests/integration/awx``.
"""

from __future__ import annotations

import re
import shlex
from typing import Dict, List

from adapter.operations import REGISTRY
from tests.tools import ceph_commands
from tests.tools.documents import Command, choices

HERE, LAB, CHANGES, AWX = "here", "lab", "changes", "awx"

# What `ceph` reads, or refuses, so that nothing is changed by it.
_READS = re.compile(
    r"-s|fsid"
    r"|ansible (check-host|get-pub-key|get-user|job (log|ls|show))( .*)?"
    r"|auth (get|ls)( .*)?"
    r"|config (dump|generate-minimal-conf|get|help)( .*)?"
    r"|config-key (get|ls)( .*)?"
    r"|crash (info|ls)( .*)?"
    r"|daemon .* mon_status"
    r"|device ls"
    r"|health( detail)?"
    r"|log last .*"
    r"|node ls"
    r"|orch host ok-to-stop .*"
    r"|orch (device ls|host ls|ls|osd rm status|ps|status|upgrade ls)( .*)?"
    r"|orch apply .*--dry-run"
    r"|osd (info|ok-to-stop|safe-to-destroy|tree)( .*)?"
    r"|service dump"
)
# `orch-ansible` without Ceph and without hosts: it shows this very machine.
_ORCH_HERE = re.compile(
    r"device ls|host ls( --detail)?|job ls( --all)?|key (generate|public)|status"
)
_APPLY = r"apply -i \S+ --check"
# What the documents show being refused, with the words that they show.
REFUSED = (
    "ceph ansible generate-key",
    "ceph orch apply -i hosts.yml",
    "ceph orch apply -i web.yml",
    "ceph orch apply promtail",
    "ceph orch host label rm h2 ssd",
)
# What stands for something of the lab.
STANDS_FOR: Dict[str, str] = {
    "HOST": "h2",
    "NAME": "h2",
    "OPTION": "osd_max_backfills",
    "SERVICE": "mon",
    "mgr/ansible/OPTION": "mgr/ansible/probe_interval",
    "mon.ID": "mon.h1",
}


# The name of an option, records that are there while OSDs are made or a playbook upgrades, the
# second of a slow kind.
NOT_ON_LAB = {
    "ceph orch apply --dry-run",
    "ceph config-key get ceph-orch-ansible/upgrade_by_hand",
    "ceph config-key get mgr/ansible/osd_creation.h2",
    "orch-ansible apply -i FILE --check",
}
_CEPH = ceph_commands.recorded()
_JOB = re.compile(r"\d{8}T\d{6}-\w+-[0-9a-f]{4}|ID")
# What stands for something that a lab does not have at first: an OSD, a service, a crash.
_PLACEHOLDER = re.compile(r"(.*[./:])?[A-Z]{2,}")


def line_on_lab(command: Command) -> str:
    """Return what is typed on the lab for a command that only reads; empty where nothing is.

    JOB in it stands for a job of the lab, FILE for a file with specs.
    """
    if where(command) != LAB or not _is_whole(command):
        return ""
    words = [STANDS_FOR.get(word, word) for word in command.words]
    if "--service_name" in words:
        words[words.index("--service_name") + 1] = "mon"
    if words[:3] == ["ceph", "ansible", "job"] and words[3] != "ls":
        words = [_JOB.sub("JOB", word) for word in words]
    others = [word for word in words if _PLACEHOLDER.fullmatch(word)]
    line = shlex.join(words)
    return "" if set(others) - {"FILE", "JOB"} or line in NOT_ON_LAB else line


def _is_whole(command: Command) -> bool:
    """Tell whether a command can be typed as it stands there, but for names and jobs."""
    if re.search(r"[\[\]|]|VERB", command.text):
        return False
    words = command.words[1:]
    if command.program == "ceph" and words[:1] != ["daemon"]:
        return not ceph_commands.problem(words, _CEPH, whole=True)
    return bool(words)


def where(command: Command) -> str:
    """Return where a whole command is run."""
    line = " ".join(command.words[1:])
    if command.program in ("ansible-doc", "make"):
        return HERE
    if command.program == "orch-ansible":
        if command.words[1:2] == ["awx"] or command.words[1:3] == ["--engine", "awx"]:
            return AWX
        if _ORCH_HERE.fullmatch(line):
            return HERE
        is_read = line in ("mgr status", "mgr install --check") or re.fullmatch(_APPLY, line)
        return LAB if is_read else CHANGES
    if command.program == "ceph":
        is_read = _READS.fullmatch(line) and "-o /" not in line
        return LAB if is_read or f"ceph {line}" in REFUSED else CHANGES
    if command.program == "ansible-inventory":
        return LAB
    return _of_playbook(command)


def _of_playbook(command: Command) -> str:
    words = command.words
    if not re.search(r"playbooks/\w", command.text):
        return CHANGES
    name = playbook_of(command).rpartition("/")[2].removesuffix(".yml")
    reads = name in REGISTRY and not REGISTRY[name].changes
    if "-i" in words:
        return HERE if reads else CHANGES
    return LAB if reads or ("--check" in words and "@" not in command.text) else CHANGES


def playbook_of(command: Command) -> str:
    """Return the playbook that a command of ansible-playbook runs."""
    (found,) = [word for word in command.words if word.startswith("playbooks/")]
    return found


def forms(command: Command) -> List[List[str]]:
    """Return the words of a command, or of each command that a synopsis stands for."""
    words = command.words[1:]
    return [words] if command.typed else choices(words)
