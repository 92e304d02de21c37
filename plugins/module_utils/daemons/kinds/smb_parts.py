"""What is known of an SMB service by its files: where they are, whether libcephfsd is needed."""

from __future__ import annotations

import os
import socket
from typing import Iterable, List

from ...system.reading import Roots, list_dir, read_assignments, read_lines
from .own_folder import MARK

# Below /etc; each service has a directory there, named by its daemon's id.
FOLDER = "ceph-orch-ansible/smb"
# How the configuration says that a share is served through libcephfsd.
_PROXIED = "ceph_new:proxy = yes"
_SOCKET = "LIBCEPHFSD_SOCKET"


def services_of(roots: Roots) -> List[str]:
    """Return the ids of the services' daemons on a host."""
    top = os.path.join(roots.etc, FOLDER)
    return [each for each in list_dir(top) if os.path.lexists(os.path.join(top, each, MARK))]


def needs_proxy(folder: str) -> bool:
    """Tell whether the configuration in a directory has shares that are served by libcephfsd."""
    return is_proxied(read_lines(os.path.join(folder, "smb.conf")))


def is_proxied(lines: Iterable[str]) -> bool:
    """Tell whether a configuration has such shares."""
    return any(line.strip() == _PROXIED for line in lines)


def proxy_answers(folder: str) -> bool:
    """Tell whether libcephfsd takes connections."""
    path = read_assignments(os.path.join(folder, "environment")).get(_SOCKET, "")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(path)
        except OSError:
            return False
    return True
