"""Say who a host is and which daemons it runs, as every report and every change of daemons does."""

from __future__ import annotations

import os
import platform
import socket
import time

from .apart import run_apart
from .cluster_conf import read_conf
from .reading import clean, read_text
from .record import read_record

SCHEMA = 1
_NAME_TIMEOUT = 2.0


def read_identity(roots):
    """Return who the host is. A name server that does not answer costs two seconds at most."""
    hostname = clean(os.uname().nodename)
    names = run_apart({"fqdn": socket.getfqdn}, _NAME_TIMEOUT)
    return {
        "hostname": hostname,
        "fqdn": clean(names.get("fqdn", "")) or hostname,
        "machine_id": read_text(os.path.join(roots.etc, "machine-id")),
        "python": platform.python_version(),
        "record": read_record(),
        "conf": read_conf(roots),
    }


def daemons_of(roots, identity, max_age, write):
    """Return the daemons of the host.

    For ``max_age`` seconds the version of an installed package counts as known; with ``write``
    false nothing is kept.
    """
    # Imported where it is needed: Python compiles what a module imports on every call.
    from .daemons import read_daemons
    from .private_file import Kept

    # Daemons that are called like their host are called as the orchestrator calls it.
    known_as = (identity["record"] or {}).get("hostname") or identity["hostname"]
    return read_daemons(roots, str(known_as), Kept("ceph-version.json", max_age, write=write))


def state_after(roots, check_mode):
    """Return the part of a host's report that an act on its daemons has changed."""
    identity = read_identity(roots)
    began = time.monotonic()
    daemons = daemons_of(roots, identity, max_age=600, write=not check_mode)
    return {
        "schema": SCHEMA,
        "identity": identity,
        "daemons": daemons,
        "timings": {"daemons": round(time.monotonic() - began, 3)},
    }
