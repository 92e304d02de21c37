"""Names, settings and placements of tuned profiles: what may be given, and why the rest is refused.

Settings end up in a file that root loads on every host, so they are narrower than what the kernel
would take. Keys are kept as hosts' facts have them: parts with dots between them, a slash for a dot
that is in a part.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, Dict, Iterable, List, Mapping

from adapter.errors import InvalidValue
from adapter.interface import PlacementSpec

NAME_LENGTH, VALUE_LENGTH = 64, 1000
# So many settings of one profile are enough for anybody.
MOST_SETTINGS = 1000
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,254}")
_SWAPPED = str.maketrans("./", "/.")
# What reports leave out: settings of single interfaces, and what is no setting.
_PER_INTERFACE = ("net.ipv4.conf.", "net.ipv4.neigh.", "net.ipv6.conf.", "net.ipv6.neigh.")
_LEFT_OUT = ("fs.binfmt_misc.",)
_MOST_REPORTED = 3000

Settings = Dict[str, str]


def check_name(name: object) -> str:
    """Return a profile's name, which is part of a file's; raises ``InvalidValue``."""
    remedy = f"Use letters, digits, '.', '_', '-', at most {NAME_LENGTH}, and no dot at the start."
    if not isinstance(name, str) or not name:
        raise InvalidValue("profile_name", name, "it is empty", remedy)
    if len(name) > NAME_LENGTH:
        raise InvalidValue("profile_name", name, "it is too long", remedy)
    if not NAME.fullmatch(name):
        raise InvalidValue("profile_name", name, "it cannot be part of a file's name", remedy)
    return name


def check_key(key: object) -> str:
    """Return a setting's name as facts have it; raises ``InvalidValue``.

    One whose first mark is a slash (``net/ipv4/ip_forward``) has them the other way round.
    """
    remedy = "Give it as `sysctl -a` prints it, such as net.core.somaxconn."
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidValue("setting", key, "it is not the name of a kernel setting", remedy)
    first = re.search(r"[./]", key)
    if first is None:
        raise InvalidValue("setting", key, "it is not the name of a kernel setting", remedy)
    key = key.translate(_SWAPPED) if first.group() == "/" else key
    if any(part.strip("/") == "" for part in key.split(".")):
        raise InvalidValue("setting", key, "a part of it is empty", remedy)
    return key


def check_value(key: str, value: object) -> str:
    """Return a setting's value as text, with one blank between its words.

    YAML's true and false are 1 and 0. Raises ``InvalidValue``.
    """
    field = f"value of {key}"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if not isinstance(value, (str, int, float)):
        raise InvalidValue(field, value, "it is neither a text nor a number")
    text = str(value)
    if not text.replace("\t", " ").isprintable():
        raise InvalidValue(field, value, "it has characters that are not printed")
    text = " ".join(text.split())
    if not text:
        raise InvalidValue(field, value, "it is empty", "To give it up, remove the setting.")
    if len(text.encode()) > VALUE_LENGTH:
        raise InvalidValue(field, value, f"it is longer than {VALUE_LENGTH} bytes")
    return text


def check_settings(settings: Any) -> Settings:
    """Return settings by key, both as texts; raises ``InvalidValue``."""
    if not isinstance(settings, Mapping):
        remedy = "Give them as KEY: VALUE."
        raise InvalidValue("settings", settings, "it is not a mapping", remedy)
    found: Settings = {}
    for given, value in settings.items():
        key = check_key(given)
        if key in found:
            raise InvalidValue("setting", given, f"{key} is given twice", "Give it once.")
        found[key] = check_value(key, value)
    if len(found) > MOST_SETTINGS:
        raise InvalidValue("settings", len(found), f"more than {MOST_SETTINGS} are not taken")
    return found


def check_placement(placement: PlacementSpec, hosts: Iterable[str]) -> None:
    """Raise ``InvalidValue`` for a placement that counts, or names a host that is not there."""
    field = "placement"
    for name in ("count", "count_per_host"):
        count = getattr(placement, name)
        if count is not None:
            raise InvalidValue(
                f"{field}: {name}",
                count,
                "a profile is on each host of its placement, and not on a number of them",
                "Name hosts, a label or a pattern.",
            )
    known = set(hosts)
    for host in placement.hosts:
        if host.network or host.name:
            remedy = "Give the host's name alone."
            raise InvalidValue(f"{field}: hosts", str(host), "a profile has no address", remedy)
        if host.hostname not in known:
            remedy = "`ceph orch host ls` lists the hosts."
            raise InvalidValue(f"{field}: hosts", host.hostname, "there is no such host", remedy)


def unknown_keys(settings: Iterable[str], reported: Mapping[str, str]) -> List[str]:
    """Return the settings that a host does not have, as far as its facts (``reported``) tell.

    A setting that cannot be read counts as one that is not there: nobody could say whether it is
    in force.
    """
    if not reported or len(reported) >= _MOST_REPORTED:
        return []
    return sorted(key for key in settings if key not in reported and not _is_left_out(key))


def _is_left_out(key: str) -> bool:
    for prefix in _PER_INTERFACE:
        if key.startswith(prefix):
            return key[len(prefix) :].partition(".")[0] not in ("all", "default")
    return key.startswith(_LEFT_OUT)


def digest_of(settings: Mapping[str, str]) -> str:
    """Return what hosts report of a profile with these settings."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
