"""The module's options: what they mean, and how they become ``Settings``."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any, Callable, Dict, List, Tuple

from mgr_module import Option

from adapter import names
from adapter.errors import AdapterError, InvalidValue
from adapter.settings import Settings

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
        "sudo_invoker",
        type="bool",
        default=False,
        desc="Whether hosts are worked on through the invoker, the one program that the user may "
        "run there as root. It must be installed on every host.",
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
        "clean_cli_errors",
        type="bool",
        default=True,
        desc="While this module is the orchestrator's backend: what `ceph orch` is given with -i "
        "is checked as a whole before anything is applied, and its errors are one line and a "
        "failure, no traceback. Has no effect where modules have interpreters of their own "
        "(Ceph before 20, mgr_subinterpreter_modules).",
        runtime=True,
    ),
    Option(
        "warn_on_stray_hosts",
        type="bool",
        default=True,
        desc="Warn of hosts that are not managed and run daemons of the cluster "
        "(ANSIBLE_STRAY_HOST).",
        runtime=True,
    ),
    Option(
        "warn_on_stray_daemons",
        type="bool",
        default=True,
        desc="Warn of daemons that run on managed hosts without a systemd unit there "
        "(ANSIBLE_STRAY_DAEMON).",
        runtime=True,
    ),
    Option(
        "metrics_port",
        type="uint",
        default=9284,
        max=65535,
        desc="The port at which the active manager gives Prometheus this backend's own figures "
        "(/metrics), to anybody who reaches it, as the module prometheus gives the cluster's. 0: "
        "none.",
        runtime=True,
    ),
    Option(
        "metrics_addr",
        type="str",
        default="",
        desc="The address at which it listens there. Empty: all. "
        "mgr/ansible/NAME/metrics_addr is that of one manager.",
        runtime=True,
    ),
    Option(
        "state_directory",
        type="str",
        default="",
        desc="Where jobs, ssh files and kept reports are, on the manager's host; belongs to the "
        "user ceph. Empty: the one that `orch-ansible mgr install` made on each manager's host. "
        "Takes effect when the manager starts.",
    ),
    Option(
        "python",
        type="str",
        default="",
        desc="The interpreter on all managers' hosts that has ansible-core and ansible-runner. "
        "Empty: the one that each host's installation is for. Takes effect when the manager "
        "starts.",
    ),
]


def settings(get: Callable[[str], Any], before: Settings) -> Tuple[Settings, List[str]]:
    """Return the settings that the options say, and what is wrong with some of them.

    A wrong option keeps the value it had ``before``: one slip must not change the others. Ceph
    itself does not enforce an option's minimum.
    """
    values: Dict[str, Any] = {}
    problems: List[str] = []
    for name, read in _READERS.items():
        try:
            values[name] = read(name, get(name))
        except AdapterError as error:
            problems.append(str(error))
    return replace(before, **values), problems


def figures_at(get: Callable[[str], Any]) -> Tuple[str, int]:
    """Return address and port of the figures; what cannot be used is no port."""
    port = get("metrics_port")
    usable = isinstance(port, int) and 0 < port < 65536
    return str(get("metrics_addr") or ""), int(port) if usable else 0


def _seconds(name: str, value: Any) -> float:
    least = _MINIMA[name]
    try:
        seconds = float(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(name, value, "it is not a number of seconds") from error
    if not seconds >= least:
        raise InvalidValue(name, value, f"it is less than {least} s", "Give more.")
    return seconds


def _argv(name: str, value: Any) -> Tuple[str, ...]:
    try:
        return tuple(shlex.split(value or ""))
    except ValueError as error:
        raise InvalidValue(name, value, str(error).lower(), "Check its quotes.") from error


def _root(name: str, value: Any) -> str:
    text = value or ""
    if text and not re.fullmatch(r"/[A-Za-z0-9/_.-]*", text):
        raise InvalidValue(name, value, "it is not an absolute path of plain characters")
    return str(text)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(name, value, "it is neither true nor false")
    return value


_MINIMA = {"report_interval": 30, "probe_interval": 2}
_READERS: Dict[str, Callable[[str, Any], Any]] = {
    "ssh_user": lambda name, value: names.check_user(value, name),
    "sudo_invoker": _flag,
    "report_interval": _seconds,
    "probe_interval": _seconds,
    "light_command": _argv,
    "light_sysfs_root": _root,
    "warn_on_stray_hosts": _flag,
    "warn_on_stray_daemons": _flag,
}
