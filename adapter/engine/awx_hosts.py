"""How AWX reaches a host: the inventory's variables, with the host's pinned ssh keys.

AWX checks no host keys by itself, and a job there has no file of ours. So the keys go with the
inventory: ssh gets them from a command that prints them (OpenSSH 8.5 and later).
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Dict, List, Sequence

from adapter.engine.encode import host_variables
from adapter.engine.model import Target
from adapter.engine.ssh_files import known_host_name

_NO_FILE = ("UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null")


def pinned_keys(target: Target, known_hosts: Path) -> List[str]:
    """Return the lines of a file of known hosts that are about a host. Raises ``OSError``."""
    name = known_host_name(target)
    lines = known_hosts.read_text(encoding="ascii").splitlines()
    return [line for line in lines if line.partition(" ")[0] == name]


def awx_variables(target: Target, marker: str, keys: Sequence[str]) -> Dict[str, Any]:
    """Return the variables of a host in AWX; ``keys`` are its lines of known hosts."""
    return {
        **host_variables(target, marker),
        # One module is one ssh command.
        "ansible_pipelining": True,
        "ansible_host_key_checking": True,
        "ansible_ssh_common_args": " ".join(map(shlex.quote, ssh_options(keys))),
    }


def ssh_options(keys: Sequence[str]) -> List[str]:
    """Return the options with which ssh takes these keys and no others."""
    words = " ".join(f"'{word}'" for line in keys for word in line.split()[:3])
    # ssh makes % of %%, and leaves \n to printf.
    command = f"/usr/bin/printf '%%s %%s %%s\\n' {words}"
    settings = ("StrictHostKeyChecking=yes", *_NO_FILE, f"KnownHostsCommand={command}")
    return [word for setting in settings for word in ("-o", setting)]
