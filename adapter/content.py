"""Where the playbooks, roles and plugins are: beside this package, or where it was installed."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import List

from adapter.errors import NotReady

PACKAGE = Path(__file__).resolve().parent
SHARE = "share/ceph-orch-ansible"


def content_root() -> Path:
    """Return the directory that holds ``playbooks/``; raises ``NotReady`` if there is none.

    In a checkout, and below /usr/share/ceph-orch-ansible on a manager's host, that is where the
    package lies; a wheel puts it into the environment's share directory.
    """
    candidates: List[Path] = [PACKAGE.parent]
    candidates += [Path(base) / SHARE for base in (sys.prefix, sysconfig.get_path("data"))]
    for candidate in candidates:
        if (candidate / "playbooks").is_dir() and (candidate / "ansible.cfg").is_file():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise NotReady(
        f"The playbooks are not there (looked in {looked}).", "Install the package again."
    )
