"""What is asked of a host's invoker without Ansible: whether it is there, and to end a job's work.

The invoker is the one program that a user whose sudo is locked down may run as root
(docs/invoker.md). Pure functions.
"""

from __future__ import annotations

import json

from adapter import __version__

INVOKER = "/usr/local/libexec/ceph-orch-invoker"
# Its exit status where it is of another version than what asks.
OTHER_VERSION = 65


def look() -> str:
    """Return the words for a shell that end well where the invoker is there and of our version."""
    return _ask(verb="version", version=__version__)


def end(marker: str) -> str:
    """Return the words for a shell that end what runs for a job; the marker is a hexadecimal."""
    return _ask(verb="end", mark=marker)


def _ask(**document: str) -> str:
    """Return the words; they hold no single quote, so that they may stand between two."""
    text = json.dumps(document).replace('"', '\\"')
    return f'printf %s "{text}" | sudo -n {INVOKER} >/dev/null 2>&1'
