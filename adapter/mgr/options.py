"""The module's options: what they mean, and how they become ``Settings``."""

from __future__ import annotations

import shlex
from typing import Any, Callable, List

from mgr_module import Option

from adapter.cluster import names
from adapter.errors import AdapterError, InvalidValue
from adapter.settings import Settings

DEFAULT_STATE = "/var/lib/ceph/orch-ansible"

OPTIONS: List[Any] = [
    Option(
        "ssh_user",
        type="str",
        default="root",
        desc="The user that logs in to the hosts; one other than root needs sudo there without "
        "a password.",
        runtime=True,
    ),
    Option(
        "ssh_identity_file",
        type="str",
        default="",
        desc="A private key on every manager's host, readable by the user ceph. Empty: the key "
        "made by `ceph ansible generate-key`, which is kept in the mons' key-value store.",
        runtime=True,
    ),
    Option(
        "report_interval",
        type="secs",
        default=600,
        min=30,
        desc="The age at which the facts, devices and daemons of a host are read again.",
        runtime=True,
    ),
    Option(
        "probe_interval",
        type="secs",
        default=10,
        min=2,
        desc="How often a host is asked whether it answers; with more than 20 hosts for each "
        "second of it, less often.",
        runtime=True,
    ),
    Option(
        "light_command",
        type="str",
        default="",
        desc="The site's own command for device lights, run on the host without a shell, with "
        "{path}, {dev}, {kind} (ident or fault) and {state} (on or off) in it. Empty: enclosure, "
        "NPEM, ledctl, lsmcli, whichever the host has.",
        runtime=True,
    ),
    Option(
        "light_sysfs_root",
        type="str",
        default="",
        desc="Another root for /sys on the hosts when lights are switched (for tests).",
        runtime=True,
    ),
    Option(
        "state_directory",
        type="str",
        default=DEFAULT_STATE,
        desc="Where jobs, ssh files and kept reports are, on the manager's host; belongs to the "
        "user ceph. Takes effect when the manager starts.",
    ),
    Option(
        "python",
        type="str",
        default="/usr/bin/python3",
        desc="The interpreter on the manager's host that has ansible-core and ansible-runner. "
        "Takes effect when the manager starts.",
    ),
]


def settings(get: Callable[[str], Any]) -> Settings:
    """Return the settings that the options say; raises ``InvalidValue``."""
    return Settings(
        ssh_user=names.check_user(get("ssh_user")),
        report_interval=float(get("report_interval")),
        probe_interval=float(get("probe_interval")),
        light_command=_command(get("light_command") or ""),
        light_sysfs_root=get("light_sysfs_root") or "",
    )


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise InvalidValue("light_command", text, str(error), "Check its quotes.") from error


def safe_settings(get: Callable[[str], Any], problem: Callable[[str], None]) -> Settings:
    """Return the settings, or the defaults and a word to ``problem`` where an option is wrong."""
    try:
        return settings(get)
    except AdapterError as error:
        problem(str(error))
        return Settings()
