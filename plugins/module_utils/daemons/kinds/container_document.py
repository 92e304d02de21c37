"""What a host is told of a custom container, and what of it is refused there.

Whoever deploys it has checked it field by field. Here it is read again, because root does what it
says: nothing is written outside of the container's directory, and nothing ends a line of a unit.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from ...system.reading import clean
from .base import DaemonRefused

DOCUMENT = "container.json"
# Root: what Ceph writes of a spec cannot tell it from none.
_OWNER = 0
_MOST = 500_000
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,500}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}=.*")
_TEXTS = ("entrypoint_args", "extra_entrypoint_args", "extra_container_args", "envs", "dirs")
_FIELDS: Mapping[str, type] = {
    **{"image": str, "entrypoint": str, "privileged": bool, "uid": int, "gid": int},
    **{name: list for name in (*_TEXTS[1:], "bind_mounts", "ports", "custom_configs")},
    **{"files": dict, "volume_mounts": dict, "init_containers": list},
}
_OF_INIT = ("image", "entrypoint", "entrypoint_args", "envs", "volume_mounts", "privileged")


class Part(NamedTuple):
    """A container: the service's own, or one that runs before it. ``words`` is its command."""

    image: str
    entrypoint: str
    words: List[str]
    envs: List[str]
    volumes: Dict[str, str]
    privileged: bool


class Document(NamedTuple):
    """All that a host is told. ``configs`` are texts by the place where they are mounted."""

    main: Part
    inits: List[Part]
    podman: List[str]
    binds: List[List[str]]
    ports: List[int]
    owner: Tuple[int, int]
    dirs: List[str]
    files: Dict[str, str]
    configs: Dict[str, str]

    @property
    def images(self) -> List[str]:
        """Return the images that it needs, each once."""
        return list(dict.fromkeys(part.image for part in (self.main, *self.inits)))


def read_document(text: str) -> Document:
    """Return what a document says; raises ``DaemonRefused``."""
    if len(text) > _MOST:
        raise _refused(DOCUMENT, f"it has {len(text)} characters, and {_MOST} are the most")
    try:
        given = json.loads(text)
    except ValueError:
        raise _refused(DOCUMENT, "it is not JSON") from None
    _check_fields(given, _FIELDS, "")
    main = _part(given, given, "extra_entrypoint_args")
    inits = []
    for each in given.get("init_containers", []):
        _check_fields(each, {**_FIELDS, "entrypoint_args": list}, "init_containers: ", _OF_INIT)
        # What it does not say is as with the container itself, but the command.
        inits.append(_part(each, given, "entrypoint_args"))
    configs = [each for each in given.get("custom_configs", []) if _is_config(each)]
    document = Document(
        main,
        inits,
        given.get("extra_container_args", []),
        given.get("bind_mounts", []),
        given.get("ports", []),
        (given.get("uid", _OWNER), given.get("gid", _OWNER)),
        given.get("dirs", []),
        given.get("files", {}),
        {each["mount_path"]: each["content"] for each in configs},
    )
    _check(document)
    return document


def _check_fields(given: Any, fields: Mapping[str, type], prefix: str, some: Any = None) -> None:
    if not isinstance(given, dict):
        raise _refused(prefix + DOCUMENT, "it is not a mapping")
    for name, each in given.items():
        if name not in (some or fields):
            raise _refused(prefix + str(name), "a container has no such field")
        kind = fields[name]
        if not isinstance(each, kind) or (isinstance(each, bool) and kind is not bool):
            raise _refused(prefix + name, f"it is not a {kind.__name__}")
        texts: Any = each if name in _TEXTS else ()
        if isinstance(each, dict):
            texts = [*each, *each.values()]
        if not all(isinstance(text, str) for text in texts):
            raise _refused(prefix + name, "it has something else than texts")


def _is_config(given: Any) -> bool:
    fields = {"mount_path": str, "content": str}
    _check_fields(given, fields, "custom_configs: ")
    if set(given) != set(fields):
        raise _refused("custom_configs", "a file has no mount_path or no content")
    return True


def _part(given: Mapping[str, Any], main: Mapping[str, Any], words: str) -> Part:
    def of(name: str, default: Any) -> Any:
        return given.get(name, main.get(name, default))

    return Part(
        of("image", ""),
        given.get("entrypoint", ""),
        given.get(words, []),
        of("envs", []),
        of("volume_mounts", {}),
        of("privileged", False),
    )


def _check(document: Document) -> None:
    for part in (document.main, *document.inits):
        if not _IMAGE.fullmatch(part.image):
            raise _refused("image", "it is not the name of an image", part.image)
        _check_words("entrypoint", [part.entrypoint, *part.words])
        _check_words("volume_mounts", [*part.volumes, *part.volumes.values()])
        for source in part.volumes:
            _check_source("volume_mounts", source)
        _check_words("envs", part.envs, hidden=True)
        if not all(map(_VARIABLE.fullmatch, part.envs)):
            raise _refused("envs", "one is not a variable with its value")
    _check_words("extra_container_args", document.podman)
    _check_words("custom_configs", document.configs)
    _check_binds(document)
    _check_numbers(document)
    for path in (*document.dirs, *document.files):
        if not path.isprintable() or {"", ".", ".."} & {*path.split("/")}:
            raise _refused("files", "it is not a path inside of the container's directory", path)


def _check_binds(document: Document) -> None:
    for words in document.binds:
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise _refused("bind_mounts", "one is not a list of texts")
        _check_words("bind_mounts", words)
        _check_source("bind_mounts", source_of(words))


def _check_numbers(document: Document) -> None:
    for port in document.ports:
        if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
            raise _refused("ports", "it is not a port", port)
    if not all(0 <= number < 2**32 - 1 for number in document.owner):
        raise _refused("uid", "it is not the number of a user or group")


def _check_words(field: str, words: Any, *, hidden: bool = False) -> None:
    for word in words:
        if not word.isprintable():
            shown = "" if hidden else word
            raise _refused(field, "it has a character that cannot be printed", shown)


def _check_source(field: str, source: str) -> None:
    if not source.startswith("/") and {"", ".", ".."} & {*source.split("/")}:
        raise _refused(field, "it is not a path inside of the container's directory", source)


def source_of(words: List[str]) -> str:
    """Return what a bind mount mounts, empty where it does not say it."""
    given = dict(word.partition("=")[::2] for word in words)
    return given.get("source", given.get("src", ""))


def _refused(field: str, reason: str, value: object = "") -> DaemonRefused:
    shown = f" {clean(value)!r}" if value != "" else ""
    return DaemonRefused(f"Invalid {clean(field)}{shown}: {reason}.")
