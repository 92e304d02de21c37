"""What ssh complains about, in plain words. Pure functions."""

from __future__ import annotations

import re
from typing import Callable, List, Optional, Tuple

from adapter import __version__
from adapter.engine.invoker import INVOKER, OTHER_VERSION
from adapter.engine.model import Target
from adapter.engine.outcomes import one_line

_NOISE = re.compile(
    r"Warning: Permanently added|Connection to \S+ (?:port \d+ )?(?:closed|timed out)"
    r"|\*\* |debug\d: |Shared connection to|Control socket connect|mux_client_"
    r"|ControlSocket .* already exists|@@@@|Killed by signal"
)


def stderr_lines(text: str) -> List[str]:
    """Return ssh's own lines without what is said on every connection."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not _NOISE.search(line)]


def last_line(text: str) -> str:
    """Return ssh's own reason as one line, e.g. ``Permission denied (publickey)``."""
    lines = stderr_lines(text)
    if not lines:
        return ""
    line = re.sub(r"^(?:ssh: )?connect to (?:host|address) \S+ port \d+: ", "", lines[-1])
    line = re.sub(r"^[A-Za-z_.0-9-]+@[^\s:]+(?::[0-9a-fA-F:]*)?: (?=Permission denied)", "", line)
    return one_line(re.sub(r"^ssh: ", "", line)).rstrip(".")


def explain(target: Target, stderr: str, identity: str) -> Optional[Tuple[str, str]]:
    """Return (reason, remedy) for a failed ssh in our own words, or None for one not known."""
    for pattern, words in _KNOWN:
        if re.search(pattern, stderr):
            reason, remedy = words(target)
            return reason.format(identity=identity), remedy.format(identity=identity)
    return None


def in_its_own_words(stderr: str) -> Tuple[str, str]:
    """Return (reason, remedy) from the last line that ssh printed."""
    return last_line(stderr) or "ssh failed without a reason", "Look at it with `ssh -v`."


def no_answer(target: Target, seconds: float) -> Tuple[str, str]:
    """Return (reason, remedy) for a probe that had to be stopped."""
    return f"no answer from {target.addr} within {seconds:g} s", "Is the host overloaded or hung?"


def no_root(target: Target) -> Tuple[str, str]:
    """Return (reason, remedy) for a login whose user has no right to do anything there."""
    return (
        f"user '{target.user}' may not become root with sudo on {target.addr}",
        f"Put `{target.user} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/{target.user} there.",
    )


def no_invoker(target: Target, status: str) -> Tuple[str, str]:
    """Return (reason, remedy) for a host whose invoker ended with a status, or was not run."""
    remedy = "As root, run the playbook install_invoker.yml for it."
    if status == str(OTHER_VERSION):
        return f"{INVOKER} on {target.addr} is not of version {__version__}", remedy
    return f"user '{target.user}' may not run {INVOKER} with sudo on {target.addr}", remedy


def _where(target: Target) -> str:
    return f"{target.addr} port {target.port}"


def _changed_key(target: Target) -> Tuple[str, str]:
    return (
        f"the ssh host key of {target.addr} is not the one that was pinned",
        "If the host was installed anew, accept its new key with "
        f"`ceph orch host set-addr {target.name} {target.addr}`; "
        "if it was not, somebody else may be answering.",
    )


def _unknown_key(target: Target) -> Tuple[str, str]:
    return (
        f"no ssh host key is pinned for {target.addr}",
        f"Look at the host and pin it with `ceph orch host set-addr {target.name} {target.addr}`.",
    )


def _denied(target: Target) -> Tuple[str, str]:
    return (
        f"permission denied for user '{target.user}' with the key {{identity}}",
        f"Put its public part into ~{target.user}/.ssh/authorized_keys there.",
    )


def _silent(target: Target) -> Tuple[str, str]:
    return (
        f"something accepts connections at {_where(target)} but does not speak ssh in time",
        "Is its ssh daemon hung, or is it another service?",
    )


Words = Callable[[Target], Tuple[str, str]]

_KNOWN: Tuple[Tuple[str, Words], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", _changed_key),
    (r"No \S+ host key is known for", _unknown_key),
    (r"Host key verification failed", _unknown_key),
    (
        r"Could not resolve hostname|Name or service not known|Temporary failure in name",
        lambda t: (
            f"the name {t.addr} cannot be resolved",
            "Give the host's IP address, or correct DNS.",
        ),
    ),
    (
        r"UNPROTECTED PRIVATE KEY|bad permissions|Load key|no such identity|invalid format",
        lambda t: ("the ssh key {identity} cannot be used", "Set or generate another one."),
    ),
    (
        r"Too many authentication failures|Permission denied",
        _denied,
    ),
    (
        r"during banner exchange|Connection to \S+ port \d+ timed out",
        _silent,
    ),
    (
        r"Connection refused",
        lambda t: (
            f"connection refused at {_where(t)}",
            "The host is up: is its ssh daemon running?",
        ),
    ),
    (
        r"No route to host|Network is unreachable|Host is down",
        lambda t: (f"no route to {t.addr}", "Is the host switched on and the network whole?"),
    ),
    (
        r"timed out",
        lambda t: (
            f"no answer from {_where(t)}",
            "Is the host switched on, and does a firewall let ssh through?",
        ),
    ),
    (
        # What is printed where it went over a connection that was open before.
        r"mux_client_\w+|Timeout, server \S+ not responding|client_loop: send disconnect",
        lambda t: (
            f"no answer from {_where(t)}: the connection that was open broke",
            "Is the host switched on, and does a firewall let ssh through?",
        ),
    ),
    (
        r"Connection (?:closed|reset)|kex_exchange_identification|Broken pipe",
        lambda t: (
            f"{_where(t)} closed the connection before the login",
            "Look into the log of its ssh daemon.",
        ),
    ),
)
