"""What a module was given for a daemon, as its deployment takes it."""

from __future__ import annotations

from typing import Any, Mapping

from .daemon import Daemon
from .deployment import Wanted
from .requested import keyring_of, secret_files_of

_TOLD = ("port", "addr", "since", "stop_timeout", "args", "settings")


def wanted_of(
    params: Mapping[str, Any], daemon: Daemon, options: Mapping[str, Any], *, installs: bool
) -> Wanted:
    """Return a daemon with its keyring and its files; raises ``DaemonRefused``."""
    keyrings = params["keyrings"]
    return Wanted(
        daemon,
        keyring_of(keyrings, daemon, options),
        cluster=params["cluster"],
        installs=installs,
        files={**options["files"], **secret_files_of(keyrings, daemon, options)},
        **{key: options[key] for key in _TOLD},
    )
