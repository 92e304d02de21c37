"""``DIR/config.yml``: the settings of the command, checked before anything is done."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Tuple

import yaml

from adapter import names
from adapter.errors import AdapterError, InvalidValue
from adapter.settings import Settings

FILE = "config.yml"
# Where jobs run: on this machine, or in AWX.
ENGINES = ("local", "awx")


@dataclass(frozen=True)
class Config:
    """The settings, and what only the command has.

    ``ssh_identity_file`` is an existing private key (empty: the one in ``DIR/ssh``), ``python``
    the interpreter with ansible-core and ansible-runner (empty: the command's own), ``engine``
    where jobs run.
    """

    settings: Settings = field(default_factory=Settings)
    ssh_identity_file: str = ""
    python: str = ""
    engine: str = "local"


def load(directory: Path) -> Config:
    """Read the file; without one the defaults hold.

    Raises ``InvalidValue`` for a setting that is not known or cannot be, ``AdapterError`` for a
    file that is not a YAML mapping.
    """
    path = directory / FILE
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AdapterError(f"{path} is not YAML: {error}.", "Correct it.") from error
    if data is None:
        return Config()
    if not isinstance(data, dict):
        raise AdapterError(f"{path} does not hold a mapping.", "Write lines like `ssh_user: root`.")
    return read(data, path)


def read(data: Mapping[Any, Any], path: Path) -> Config:
    """Return the settings in ``data``; relative files are beside ``path``."""
    values: Dict[str, Any] = {}
    for key, value in data.items():
        if key in OF_MANAGERS:
            raise InvalidValue(
                f"setting in {path}",
                key,
                "it is a setting of managers, which this command does not use",
                f"Leave it out; `ceph config set mgr mgr/ansible/{key}` sets it for managers.",
            )
        checker = CHECKERS.get(key) if isinstance(key, str) else None
        if checker is None:
            close = difflib.get_close_matches(str(key), CHECKERS, 1)
            hint = f"Is it '{close[0]}'?" if close else f"There are: {', '.join(CHECKERS)}."
            raise InvalidValue(f"setting in {path}", key, "there is no such setting", hint)
        values[key] = checker(key, value)
    own = {name: values.pop(name) for name in OWN if name in values}
    if own.get("ssh_identity_file"):
        own["ssh_identity_file"] = str(path.parent / Path(own["ssh_identity_file"]).expanduser())
    return Config(Settings(**values), **own)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue(name, value, "it is not a text", "Put it in quotes.")
    return value


def _user(name: str, value: Any) -> str:
    return names.check_user(value, name)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(name, value, "it is neither true nor false")
    return value


def _command(name: str, value: Any) -> Tuple[str, ...]:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise InvalidValue(name, value, str(error), "Check its quotes.") from error
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise InvalidValue(name, value, "it is neither a command line nor a list of words")


def _engine(name: str, value: Any) -> str:
    if value not in ENGINES:
        raise InvalidValue(
            name, value, "there is no such engine", f"Allowed: {', '.join(ENGINES)}."
        )
    return str(value)


CHECKERS: Dict[str, Callable[[str, Any], Any]] = {
    "ssh_user": _user,
    "sudo_invoker": _flag,
    "ssh_identity_file": _text,
    "light_command": _command,
    "light_sysfs_root": _text,
    "python": _text,
    "engine": _engine,
}
# What is not among the settings of an orchestrator.
OWN = ("ssh_identity_file", "python", "engine")
# What is for the loop of a manager: a command asks hosts whenever it needs them.
OF_MANAGERS = (
    "report_interval",
    "probe_interval",
    "report_batch",
    "warn_on_stray_hosts",
    "warn_on_stray_daemons",
)
