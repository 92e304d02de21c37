# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Ask the monitors on the controller, with the access of whoever runs the playbook."""

from __future__ import annotations

import subprocess

_CONNECT_TIMEOUT = "10"
_CALL_TIMEOUT = 40.0
REMEDY = "Run this where the package ceph-common and the administrator's keyring are."

IN_AWX = (
    "In AWX write the cluster's ceph.conf and the administrator's keyring into the credential for "
    "the monitors, which the job template has; the image needs the command ceph."
)


class NoAnswer(Exception):
    """Say why the monitors did not answer."""


def ask(*words: str) -> str:
    """Return what ``ceph WORDS...`` prints. Raises ``NoAnswer``."""
    argv = ["ceph", "--connect-timeout", _CONNECT_TIMEOUT, *words]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_CALL_TIMEOUT,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise NoAnswer(str(error).rstrip(".")) from None
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NoAnswer((said or [f"ceph ended with {done.returncode}"])[-1].rstrip("."))
    return done.stdout
