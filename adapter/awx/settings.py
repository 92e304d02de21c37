"""``awx.yml``: where AWX is, and what its objects for one cluster are to be like."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Dict, Mapping

import yaml

from adapter.awx.objects import Owner
from adapter.errors import AdapterError, InvalidValue, NotReady

FILE = "awx.yml"
# Where hosts come from: the monitors, or whoever fills the inventory in AWX.
HOSTS = ("monitors", "awx")
PULLS = ("", "always", "missing", "never")
_FLAGS = ("become", "engine")
_SECONDS = ("queue_deadline", "event_deadline")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_BASE = re.compile(r"(?:/[A-Za-z0-9._-]+)+/?")
_FSID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LONGEST = 200


@dataclass(frozen=True)
class AwxSettings:
    """What the file says.

    ``name`` begins the name of every object and is in its mark, ``organization`` is the one that
    they belong to. ``token_file``, or ``user`` with ``password_file``, is the login. Files are
    relative to ``awx.yml``. The names of credentials are of those that are in AWX already. With
    ``engine`` there is also what the engine needs that runs an orchestrator's jobs; a job of it
    waits in AWX for ``queue_deadline`` seconds, its last events come within ``event_deadline``.
    """

    url: str
    organization: str
    project_url: str
    name: str = "ceph"
    base_path: str = "/api/v2"
    token_file: str = ""
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate_sha256: str = ""
    project_branch: str = ""
    project_credential: str = ""
    image: str = ""
    image_pull: str = "missing"
    image_credential: str = ""
    hosts: str = "monitors"
    machine_credential: str = ""
    become: bool = False
    fsid: str = ""
    engine: bool = False
    instance_group: str = ""
    queue_deadline: float = 300.0
    event_deadline: float = 30.0

    @property
    def owner(self) -> Owner:
        """Return what the marks of the objects say."""
        return Owner(self.organization, self.name)

    @property
    def secret_file(self) -> str:
        """Return the file with the token or the password."""
        return self.password_file if self.user else self.token_file


def load(path: Path) -> AwxSettings:
    """Read the file.

    Raises ``NotReady`` without it, ``AdapterError`` for one that is no YAML mapping or lacks
    something, ``InvalidValue`` for a setting that is not known or cannot be.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotReady(
            f"There is no {path}.", "docs/awx.md says what it holds; --file names another one."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AdapterError(f"{path} is not YAML: {error}.", "Correct it.") from error
    if not isinstance(data, dict):
        raise AdapterError(f"{path} does not hold a mapping.", "Write lines like `name: ceph`.")
    return read(data, path)


def read(data: Mapping[Any, Any], path: Path) -> AwxSettings:
    """Return the settings in ``data``; relative files are beside ``path``."""
    known = {field.name: field.type for field in fields(AwxSettings)}
    for key in data:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"Is it '{close[0]}'?" if close else f"There are: {', '.join(known)}."
            raise InvalidValue(f"setting in {path}", key, "there is no such setting", hint)
    values = {str(key): _value(str(key), value) for key, value in data.items()}
    for key in ("url", "organization", "project_url"):
        if not values.get(key):
            raise AdapterError(f"{path} has no {key}.", "docs/awx.md says what it is.")
    for key in ("token_file", "password_file", "ca_file"):
        if values.get(key):
            values[key] = str(path.parent / Path(values[key]).expanduser())
    return _checked(AwxSettings(**values), path)


def check_name(name: str, field: str = "name") -> str:
    """Return what names of objects begin with; raises ``InvalidValue``."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(field, name, "letters, digits, dot, dash, underscore")
    return name


def check_organization(name: str, field: str = "organization") -> str:
    """Return the name of an organization; raises ``InvalidValue``."""
    if len(name) > _LONGEST or not name.isprintable():
        raise InvalidValue(field, name, "it is too long, or cannot be printed")
    return name


def check_base_path(path: str, field: str = "base_path") -> str:
    """Return the path of the interface; raises ``InvalidValue``."""
    if not _BASE.fullmatch(path):
        raise InvalidValue(field, path, "it is not a path like /api/v2")
    return path


def check_fingerprint(text: str, field: str = "certificate_sha256") -> str:
    """Return 64 hexadecimal digits, or nothing of nothing; raises ``InvalidValue``."""
    found = text.replace(":", "").lower()
    if found and not _FINGERPRINT.fullmatch(found):
        raise InvalidValue(field, text, "it is no SHA-256")
    return found


def _value(key: str, value: Any) -> Any:
    if key in _SECONDS:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 1:
            raise InvalidValue(key, value, "it is not a number of seconds, 1 or more")
        return float(value)
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise InvalidValue(key, value, "it is neither true nor false")
        return value
    if not isinstance(value, str):
        raise InvalidValue(key, value, "it is not a text", "Put it in quotes.")
    if not value.isprintable():
        raise InvalidValue(key, value, "it has a character that cannot be printed")
    return value.strip()


def _checked(settings: AwxSettings, path: Path) -> AwxSettings:
    def need(key: str, good: bool, reason: str, remedy: str = "") -> None:
        if not good:
            raise InvalidValue(key, getattr(settings, key), reason, remedy)

    check_name(settings.name)
    check_organization(settings.organization)
    check_base_path(settings.base_path)
    need("hosts", settings.hosts in HOSTS, "it cannot be", f"Allowed: {', '.join(HOSTS)}.")
    need("image_pull", settings.image_pull in PULLS, "it cannot be", "always, missing or never.")
    need("fsid", not settings.fsid or bool(_FSID.fullmatch(settings.fsid)), "it is no fsid")
    pinned = check_fingerprint(settings.certificate_sha256)
    need("ca_file", not (settings.ca_file and pinned), "certificate_sha256 counts alone")
    need("token_file", not (settings.user and settings.token_file), "there is a user, too")
    if not settings.secret_file:
        raise AdapterError(f"{path} names no login.", "Set token_file, or user and password_file.")
    changed: Dict[str, Any] = {"certificate_sha256": pinned, "url": settings.url.rstrip("/")}
    return AwxSettings(**{**settings.__dict__, **changed})
