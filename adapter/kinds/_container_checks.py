"""What the spec of a custom container may not say, because nothing would come of it, or harm."""

from __future__ import annotations

import json
import re
from typing import Any, Iterable, List, Mapping, Set, Tuple

from adapter.errors import InvalidValue
from adapter.kinds._container_settings import bind_source, document_of, text_of

LAST_PORT = 65535
LAST_ID = 2**32 - 2
# What hosts take of a container; its files are most of it.
MOST = 500_000
_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
IMAGE = re.compile(
    rf"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
# podman takes "oci:x" for a file x.
_TRANSPORTS = ("dir", "docker", "oci", "ostree", "sif", "tarball")
# podman's quadlets take these for units that make the image.
_OF_UNITS = (".image", ".build")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_OPTIONS = re.compile(r"[A-Za-z][A-Za-z0-9=,-]*")
_BIND = re.compile(r"[A-Za-z-]+(?:=.*)?")
_ROOT = "Give a path such as /etc/app."
_INSIDE = "Give it as CONFIG_DIR/app.conf: it is made in the container's own directory."


def check_container(spec: Any) -> None:
    """Raise ``InvalidValue`` for what cannot be carried out, or only in part."""
    _check_image("image", spec.image)
    _check_word("entrypoint", spec.entrypoint)
    _check_envs("envs", spec.envs)
    _check_numbers(spec)
    inner = _check_inner(spec)
    sources = [*(spec.volume_mounts or ()), *map(bind_source, spec.bind_mounts or ())]
    mounted = _check_volumes("volume_mounts", spec.volume_mounts, inner, sources)
    mounted += [_check_bind(each, inner, sources) for each in spec.bind_mounts or ()]
    for each in spec.custom_configs or ():
        _check_target("custom_configs", each.mount_path, each.mount_path)
        _check_text("custom_configs", each.mount_path, each.content)
        mounted.append(("custom_configs", each.mount_path))
    _check_once(mounted)
    for each in spec.init_containers or ():
        _check_init(each, inner, sources)
    size = len(json.dumps(document_of(spec)))
    if size > MOST:
        raise InvalidValue(
            "files",
            "",
            f"with all other fields they have {size} characters, and hosts take {MOST}",
            "Put large files into the image, or onto the hosts.",
        )


def _check_init(init: Any, inner: Set[str], mounted: Iterable[str]) -> None:
    if init.image is not None:
        _check_image("init_containers: image", init.image)
    _check_word("init_containers: entrypoint", init.entrypoint)
    _check_envs("init_containers: envs", init.envs)
    sources = [*mounted, *(init.volume_mounts or ())]
    field = "init_containers: volume_mounts"
    _check_once(_check_volumes(field, init.volume_mounts, inner, sources))


def _check_image(field: str, image: str) -> None:
    if not IMAGE.fullmatch(image) or image.partition(":")[0] in _TRANSPORTS:
        raise InvalidValue(
            field, image, "it is not the name of an image", "Give it as registry/name:tag."
        )
    if image.endswith(_OF_UNITS):
        raise InvalidValue(
            field, image, "podman takes such a name for a unit's", "Give the image's tag too."
        )


def _check_word(field: str, word: Any) -> None:
    if word is not None and (not word or not word.isprintable()):
        raise InvalidValue(
            field, word, "it is empty or has a character that cannot be printed", "Leave it out."
        )


def _check_envs(field: str, given: Any) -> None:
    seen: Set[str] = set()
    for each in given or ():
        name, found, value = each.partition("=")
        # The value may be a password.
        shown = name if found else ""
        if not found or not _VARIABLE.fullmatch(name):
            reason, remedy = "it is not a variable with its value", "Give it as NAME=value."
        elif not value.isprintable():
            reason, remedy = "its value has a character that cannot be printed", "Use `files`."
        elif name in seen:
            reason, remedy = "it is there twice", "Leave one out."
        else:
            seen.add(name)
            continue
        raise InvalidValue(field, shown, reason, remedy)


def _check_numbers(spec: Any) -> None:
    seen: Set[int] = set()
    for port in spec.ports or ():
        if isinstance(port, bool) or not 1 <= port <= LAST_PORT:
            raise InvalidValue("ports", port, "it is not a port", f"Give 1 to {LAST_PORT}.")
        if port in seen:
            raise InvalidValue("ports", port, "it is there twice", "Leave one out.")
        seen.add(port)
    for field in ("uid", "gid"):
        number = getattr(spec, field)
        if number is not None and (isinstance(number, bool) or not 0 <= number <= LAST_ID):
            raise InvalidValue(
                field, number, "it is not a number of a user or group", f"Give 0 to {LAST_ID}."
            )


def _check_inner(spec: Any) -> Set[str]:
    """Check what is made in the container's own directory; return all that will be there."""
    files, there = set(spec.files or {}), set()
    for field, paths in (("dirs", spec.dirs or ()), ("files", files)):
        for path in sorted(paths):
            if not _is_inner(path):
                raise InvalidValue(
                    field, path, "it is not a path inside of the container's directory", _INSIDE
                )
            parts = path.split("/")
            above = {"/".join(parts[:count]) for count in range(1, len(parts))}
            if above & files or (field == "dirs" and path in files):
                raise InvalidValue(
                    field, path, "a file of `files` is in its place", "Choose another name."
                )
            there |= {path, *above}
    for path, given in (spec.files or {}).items():
        is_lines = isinstance(given, list) and all(isinstance(line, str) for line in given)
        if not is_lines and not isinstance(given, str):
            raise InvalidValue("files", path, "it is neither a text nor a list of lines")
        _check_text("files", path, text_of(given))
    return there


def _is_inner(path: str) -> bool:
    return path.isprintable() and not {"", ".", ".."} & {*path.split("/")}


def _check_text(field: str, path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(field, path, "its text is no Unicode", "Leave it out.") from None


def _check_volumes(
    field: str, given: Any, inner: Set[str], mounted: Iterable[str]
) -> List[Tuple[str, str]]:
    """Check volumes; return where they are mounted. ``mounted`` are the sources of all mounts."""
    volumes: Mapping[str, str] = given or {}
    for source, target in volumes.items():
        if not source.isprintable() or {":", ","} & {*source}:
            raise InvalidValue(field, source, "podman cannot be told of such a path", _INSIDE)
        _check_source(field, source, inner, mounted)
        path, found, options = target.partition(":")
        if found and not _OPTIONS.fullmatch(options):
            raise InvalidValue(field, target, "it has no such options", "Give it as /etc/app:ro.")
        _check_target(field, target, path)
    return [(field, target.partition(":")[0]) for target in volumes.values()]


def _check_bind(words: List[str], inner: Set[str], mounted: Iterable[str]) -> Tuple[str, str]:
    """Check a bind mount; return where it is mounted. ``mounted`` are all sources."""
    shown = ",".join(words)
    for word in words:
        if not _BIND.fullmatch(word) or not word.isprintable() or "," in word:
            raise InvalidValue(
                "bind_mounts", word, "it is not a word of a mount", "Give it as source=/srv/data."
            )
    given = dict(word.partition("=")[::2] for word in words)
    if given.get("type", "bind") != "bind":
        raise InvalidValue(
            "bind_mounts", shown, "this field is for type=bind", "Give others as --mount in `args`."
        )
    _check_source("bind_mounts", bind_source(words), inner, mounted)
    target = next((given[name] for name in ("destination", "dst", "target") if name in given), "")
    _check_target("bind_mounts", shown, target)
    return "bind_mounts", target


def _check_source(field: str, source: str, inner: Set[str], mounted: Iterable[str]) -> None:
    """Refuse what is in the container's directory and would not be there, or not be its own."""
    if source.startswith("/"):
        return
    if source not in inner:
        raise InvalidValue(
            field,
            source,
            "the container's directory will have nothing of this name",
            "Add it to `dirs`, or its file to `files`.",
        )
    outer = sorted(each for each in mounted if source.startswith(f"{each}/"))
    if outer:
        raise InvalidValue(
            field,
            source,
            f"it is in {outer[0]}, which is mounted too, so the container could put anything in "
            "its place",
            "Give it a directory of its own.",
        )


def _check_target(field: str, shown: str, path: str) -> None:
    is_plain = path.isprintable() and not {":", ","} & {*path}
    if not is_plain or not path.startswith("/") or not path.strip("/"):
        raise InvalidValue(field, shown, "it is no place in the container to mount at", _ROOT)


def _check_once(mounted: Iterable[Tuple[str, str]]) -> None:
    seen: Set[str] = set()
    for field, target in mounted:
        place = target.rstrip("/")
        if place in seen:
            raise InvalidValue(
                field, target, "something else is mounted there too", "Leave one out."
            )
        seen.add(place)
