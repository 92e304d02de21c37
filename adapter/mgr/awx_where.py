"""Which engine runs the jobs and where AWX is, as the options and the kept login say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Protocol, Tuple

from adapter.awx.settings import (
    check_base_path,
    check_fingerprint,
    check_name,
    check_organization,
)
from adapter.awxapi.connection import Server, check_server
from adapter.engine.awx_place import AwxPlace
from adapter.engine.switched import Where
from adapter.errors import AdapterError, InvalidValue

ENGINES = ("local", "awx")
# What becomes of changes while AWX takes no jobs.
WHEN_DOWN = ("refuse", "queue")
_HOW = "docs/awx.md says how it is set."

Get = Callable[[str], Any]


class Login(Protocol):
    """The files with the login and the certificates; empty where there are none.

    ``problem`` says why they are not what is kept, empty where they are.
    """

    token_file: str
    ca_file: str
    problem: str


@dataclass(frozen=True)
class _Options:
    get: Get

    def text(self, name: str) -> str:
        return str(self.get(name) or "").strip()

    def needed(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise AdapterError(f"engine is awx, and {name} is not set.", _HOW)
        return found

    def choice(self, name: str, allowed: Tuple[str, ...]) -> str:
        found = self.text(name) or allowed[0]
        if found not in allowed:
            raise InvalidValue(name, found, "it cannot be", f"Allowed: {', '.join(allowed)}.")
        return found

    def seconds(self, name: str) -> float:
        try:
            found = float(self.get(name))
        except (TypeError, ValueError):
            found = 0.0
        if not found >= 1:
            raise InvalidValue(name, self.get(name), "it is not a number of seconds, 1 or more")
        return found


def where(get: Get, login: Login, before: Where) -> Tuple[Where, List[str]]:
    """Return where jobs are to run, and which options are wrong.

    With a wrong option it is as it was ``before``, but never this machine in place of AWX.
    """
    options = _Options(get)
    try:
        if options.choice("engine", ENGINES) == "local":
            return Where(), []
        queues = options.choice("awx_when_down", WHEN_DOWN) == "queue"
        place = _place(options, login)
    except AdapterError as error:
        text = str(error)
        if before.place is not None and isinstance(error, InvalidValue):
            return before, [text]
        return Where(problem=text), [text]
    if login.problem:
        return Where(problem=login.problem, queues=queues), []
    if not login.token_file:
        return Where(problem=_no_token(place.url), queues=queues), []
    return Where(place, queues=queues), []


def _place(options: _Options, login: Login) -> AwxPlace:
    url = options.needed("awx_url").rstrip("/")
    check_server(Server(url), "awx_url")
    pinned = check_fingerprint(options.text("awx_certificate_sha256"), "awx_certificate_sha256")
    return AwxPlace(
        url=url,
        organization=check_organization(options.needed("awx_organization"), "awx_organization"),
        secret_file=login.token_file,
        name=check_name(options.text("awx_name") or "ceph", "awx_name"),
        user=options.text("awx_user"),
        base=check_base_path(options.text("awx_base_path") or "/api/v2", "awx_base_path"),
        ca_file="" if pinned else login.ca_file,
        fingerprint=pinned,
        instance_group=options.text("awx_instance_group"),
        queue=options.seconds("awx_queue_deadline"),
        events=options.seconds("awx_event_deadline"),
    )


def _no_token(url: str) -> str:
    return (
        f"There is no login for AWX at {url}. Give a token: `ceph ansible awx set-token -i FILE`."
    )


def described(get: Get, login: Login, found: Where, problem: str) -> Dict[str, Any]:
    """Return what `ceph ansible awx status` shows; ``problem`` is why AWX takes no jobs."""
    place = found.place
    options = _Options(get)
    engine = options.text("engine") or ENGINES[0]
    if engine == "local":
        state = "not used: jobs run on this manager's host"
    else:
        state = problem or "jobs run there"
    verified = "by the system's authorities"
    if options.text("awx_certificate_sha256"):
        verified = "by the fingerprint of its own certificate"
    elif login.ca_file:
        verified = "by the authority that was given"
    user = options.text("awx_user")
    kept = f"the password of {user}" if user else "a token"
    return {
        "engine": engine,
        "url": place.url if place is not None else options.text("awx_url"),
        "organization": options.text("awx_organization"),
        "name": options.text("awx_name"),
        "login": f"{kept} is kept" if login.token_file else "none",
        "certificate": verified,
        "when_down": options.text("awx_when_down"),
        "state": state,
    }
