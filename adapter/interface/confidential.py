"""What a message must not repeat: passwords, keys and certificates that stand in specs.

Messages reach logs, health and other people's terminals; what a user typed there by mistake must
not go with them.
"""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(
    r"(?:passw(?:or)?d|passphrase|secret|credentials|community|token|certificate"
    r"|[_-](?:cert|key))$",
    re.IGNORECASE,
)
_DEEPEST = 8


class _Hidden:
    """Stands in a message where a secret would."""

    def __repr__(self) -> str:
        return "(not shown)"


HIDDEN = _Hidden()


class Unshown(str):
    """A text that is passed on as it is, and that no message repeats, whatever it is called."""

    __slots__ = ()


def is_secret(field: str) -> bool:
    """Tell by its name whether a field's value is to be kept to oneself.

    ``field`` may say where it stands, as ``iscsi: api_password`` does.
    """
    return bool(_SECRET.search(field))


def without_secrets(value: Any, field: str = "", deepest: int = _DEEPEST) -> Any:
    """Return a value with all that is secret replaced by ``HIDDEN``, for messages alone.

    What lies more than ``deepest`` mappings or lists below is left out: nobody reads so far, and
    what is deeper may have no end.
    """
    if is_secret(field) and value is not None and not isinstance(value, bool):
        return HIDDEN
    if not isinstance(value, (dict, list)):
        return value
    if not deepest:
        return "..."
    if isinstance(value, dict):
        return {key: without_secrets(item, str(key), deepest - 1) for key, item in value.items()}
    return [without_secrets(item, field, deepest - 1) for item in value]
