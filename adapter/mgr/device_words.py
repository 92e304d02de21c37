"""Names of devices on their way through ``ceph orch daemon add osd``.

Ceph's command takes HOST:DEVICE apart at every colon, and KEY=DEVICE at every equals sign; names
below ``/dev/disk/by-path`` are full of colons. So these signs are written as udev writes such ones
on the way through, and are themselves again where the device's name arrives. No device is called so
by itself: a backslash is in no name that is accepted.
"""

from __future__ import annotations

from typing import Any, Dict

_WRITTEN = {":": "\\x3a", "=": "\\x3d"}


def through_the_command(words: Dict[str, Any]) -> Dict[str, Any]:
    """Return the words of a command with signs in names of devices that its parser lets pass."""
    text = words.get("svc_arg")
    if words.get("prefix") != "orch daemon add osd" or not isinstance(text, str):
        return words
    host, colon, rest = text.partition(":")
    if not colon:
        return words
    return {**words, "svc_arg": host + colon + ",".join(map(_pass, rest.split(",")))}


def _pass(part: str) -> str:
    """Rewrite what begins with the first slash: before it stands at most KEY=."""
    key, slash, name = part.partition("/")
    for sign, written in _WRITTEN.items():
        name = name.replace(sign, written)
    return key + slash + name


def as_given(path: str) -> str:
    """Return the name of a device as somebody gave it."""
    for sign, written in _WRITTEN.items():
        path = path.replace(written, sign)
    return path
