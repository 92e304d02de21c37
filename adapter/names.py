"""The names an operator may give, and why one is refused.

Everything that reaches Ansible, ssh or a file name passes here first. The patterns are narrower
than what those programs would take, on purpose.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Iterable, List

from adapter.errors import InvalidValue

HOST_LENGTH = 250
PART_LENGTH = 63
# Names that Ansible's inventory keeps for itself.
RESERVED = ("all", "ungrouped")
LABEL_LENGTH = 63

_HOST_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_LABEL = re.compile(r"_?[A-Za-z0-9][A-Za-z0-9_.-]*")
_DEVICE_PATH = re.compile(r"/dev/[A-Za-z0-9][A-Za-z0-9/_.:+@=-]*")
# What a daemon may be called behind its kind, as records have it.
DAEMON_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
# What a new daemon may be called: a host takes no other, see daemons/daemon.py among its modules.
NEW_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
NEW_ID_LENGTH = 120
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def check_hostname(name: object, field: str = "host name") -> str:
    """Return a host name as RFC 1123 allows it, or raise ``InvalidValue``.

    At most 250 characters, dot-separated parts of 1 to 63 letters, digits and dashes. An
    underscore is refused because Ceph refuses it (contract 3.2, HostSpec).
    """
    if not isinstance(name, str) or not name:
        raise InvalidValue(
            field, name, "it is empty", "Give the name that `hostname` prints there."
        )
    remedy = "Use letters, digits, dashes and dots, as `hostname` prints it on the host."
    if len(name) > HOST_LENGTH:
        raise InvalidValue(field, name, f"it is longer than {HOST_LENGTH} characters", remedy)
    if name.lower() in RESERVED:
        raise InvalidValue(field, name, "Ansible keeps this name for itself", "Rename the host.")
    for part in name.split("."):
        if len(part) > PART_LENGTH:
            raise InvalidValue(
                field, name, f"a part is longer than {PART_LENGTH} characters", remedy
            )
        if not _HOST_PART.fullmatch(part):
            raise InvalidValue(field, name, _why_not_host(part), remedy)
    return name


def _why_not_host(part: str) -> str:
    if not part:
        return "a part between two dots is empty"
    if part.startswith("-") or part.endswith("-"):
        return "a part begins or ends with a dash"
    bad = sorted(
        {char for char in part if not (char.isascii() and (char.isalnum() or char == "-"))}
    )
    return f"{', '.join(repr(char) for char in bad[:5])} cannot be in a host name"


def check_address(addr: object, field: str = "address") -> str:
    """Return an IP address or a resolvable-looking name, or raise ``InvalidValue``.

    Whether a name resolves is seen when the host is probed.
    """
    if not isinstance(addr, str) or not addr:
        raise InvalidValue(field, addr, "it is empty", "Give an IP address or a DNS name.")
    try:
        parsed = ipaddress.ip_address(addr)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", addr):
            raise InvalidValue(
                field, addr, "it is not an IPv4 address", "Give four numbers from 0 to 255."
            ) from None
        return check_hostname(addr, field)
    if getattr(parsed, "scope_id", None):
        raise InvalidValue(field, addr, "it has a zone", "Give an address without '%'.")
    if parsed.is_unspecified or parsed.is_multicast:
        raise InvalidValue(field, addr, "it is not the address of a host", "Give the host's own.")
    return str(parsed)


def check_label(label: object, field: str = "label") -> str:
    """Return a host label, or raise ``InvalidValue``.

    Letters, digits, ``_ . -``, at most 63, one leading underscore for those with a meaning of
    their own (``_admin``, ``_no_schedule`` ...).
    """
    remedy = "Use letters, digits, '_', '.', '-'; it starts with a letter, a digit or one '_'."
    if not isinstance(label, str) or not label:
        raise InvalidValue(field, label, "it is empty", remedy)
    if len(label) > LABEL_LENGTH:
        raise InvalidValue(field, label, f"it is longer than {LABEL_LENGTH} characters", remedy)
    if not _LABEL.fullmatch(label):
        raise InvalidValue(field, label, "it is not a valid label", remedy)
    return label


def check_labels(labels: Iterable[object]) -> List[str]:
    """Return labels in the order given, each once, or raise ``InvalidValue``."""
    return list(dict.fromkeys(check_label(label) for label in labels))


def is_device_path(path: object) -> bool:
    """Tell whether a value is a path below /dev."""
    try:
        check_device_path(path)
    except InvalidValue:
        return False
    return True


def check_device_path(path: object, field: str = "device path") -> str:
    """Return an absolute path below /dev, or raise ``InvalidValue``."""
    remedy = "Give it as `ceph orch device ls` shows it, such as /dev/sdb."
    if not isinstance(path, str) or not path:
        raise InvalidValue(field, path, "it is empty", remedy)
    if len(path) > 255 or not _DEVICE_PATH.fullmatch(path) or ".." in path.split("/"):
        raise InvalidValue(field, path, "it is not a path of a device below /dev", remedy)
    return path


def check_user(user: object, field: str = "ssh user") -> str:
    """Return a login name, or raise ``InvalidValue``."""
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise InvalidValue(
            field, user, "it is not a login name", "Use lower-case letters, digits, '_', '-'."
        )
    return user
