"""Copy files and directories from this machine to a host."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ceph_lab import access
from ceph_lab.errors import LabError
from ceph_lab.model import Lab


def copy(lab: Lab, sources: Sequence[str], target: str) -> None:
    """Put every source, by its own name, into a directory of a host.

    `target` is HOST:DIRECTORY; the directory is made when it is missing.
    Owner and group become root. Raises LabError when a source does not exist
    or either side fails.
    """
    name, colon, directory = target.partition(":")
    if not colon or not directory:
        raise LabError(f"the target {target!r} must be HOST:DIRECTORY, for example h1:/root/work")
    host = lab.host(name)
    pack = ["tar", "-cf", "-", "--owner=root:0", "--group=root:0"]
    for source in sources:
        path = Path(source).resolve()
        if not path.exists():
            raise LabError(f"{source} does not exist; nothing was copied")
        pack += ["-C", str(path.parent), f"./{path.name}"]
    unpack = 'mkdir -p -- "$0" && exec tar -xf - --no-same-owner -C "$0"'
    ssh = access.ssh_command(lab, host, ["sh", "-c", unpack, directory])
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as sender:
        received = subprocess.run(ssh, stdin=sender.stdout, check=False)
        if sender.stdout is not None:
            sender.stdout.close()
        sent = sender.wait()
    if sent != 0 or received.returncode != 0:
        raise LabError(
            f"copy to {target} failed: tar here ended with {sent}, "
            f"ssh {name} with {received.returncode}; their words are above"
        )
