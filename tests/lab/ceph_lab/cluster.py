"""Make a minimal Ceph cluster on h1, the way Ceph's manual deployment page does."""

from __future__ import annotations

import secrets
import uuid
from pathlib import Path

from ceph_lab import access
from ceph_lab.files import write_private
from ceph_lab.model import Host, Lab

SCRIPT = Path(__file__).with_name("bootstrap_cluster.sh")
BOOTSTRAP_SECONDS = 300
DASHBOARD_PORT = 8080
DASHBOARD_USER = "admin"


def bootstrap(lab: Lab, host: Host) -> None:
    """Make one mon and one mgr on a host that runs already, and the dashboard if wanted.

    The dashboard's password is new and goes into the lab's state directory.
    Raises CommandError with the failing command's words.
    """
    password = secrets.token_urlsafe(12)
    if lab.dashboard:
        write_private(password_path(lab), password + "\n")
    variables = {
        "FSID": str(uuid.uuid4()),
        "NAME": host.name,
        "ADDR": host.addr,
        "NETWORK": lab.subnet,
        "DASHBOARD": "yes" if lab.dashboard else "no",
        "DASHBOARD_PORT": str(DASHBOARD_PORT),
        "DASHBOARD_USER": DASHBOARD_USER,
        "DASHBOARD_PASSWORD": password,
    }
    # As lines before the script: arguments would show the password in ps.
    lines = [f"{key}='{value}'\n" for key, value in variables.items()]
    script = "".join(lines) + SCRIPT.read_text(encoding="utf-8")
    access.remote(lab, host, ["bash", "-s"], stdin=script, timeout=BOOTSTRAP_SECONDS)


def password_path(lab: Lab) -> Path:
    """Return the file with the dashboard's password."""
    return lab.directory / "dashboard_password"


def dashboard_url(lab: Lab) -> str:
    """Return the address of the dashboard."""
    return f"http://{lab.hosts[0].addr}:{DASHBOARD_PORT}"
