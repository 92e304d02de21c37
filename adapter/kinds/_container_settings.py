"""What the spec of a custom container says, as its host takes it. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List

from adapter.interface import ServiceSpec

# The one file that its host is given.
DOCUMENT = "container.json"
# With it a container has the network that it has anyway.
_OF_HOST = ("--net=host", "--network=host")

FIELDS = frozenset(
    (
        "args",
        "bind_mounts",
        "custom_configs",
        "dirs",
        "entrypoint",
        "envs",
        "extra_container_args",
        "extra_entrypoint_args",
        "files",
        "gid",
        "image",
        "init_containers",
        "ports",
        "privileged",
        "uid",
        "volume_mounts",
    )
)


def document_of(spec: ServiceSpec) -> Dict[str, Any]:
    """Return the container as JSON data: what the spec says, arguments word by word.

    ``args`` and ``extra_container_args`` are the same; a file is one text.
    """
    given: Any = spec
    found = {
        "image": given.image,
        "entrypoint": given.entrypoint,
        "extra_entrypoint_args": words_of(given.extra_entrypoint_args),
        "extra_container_args": podman_words(given),
        "envs": list(given.envs or ()),
        "volume_mounts": dict(given.volume_mounts or {}),
        "bind_mounts": [list(each) for each in given.bind_mounts or ()],
        "privileged": bool(given.privileged),
        "ports": list(given.ports or ()),
        "dirs": list(given.dirs or ()),
        "files": {path: text_of(each) for path, each in (given.files or {}).items()},
        "custom_configs": [each.to_json() for each in given.custom_configs or ()],
        "init_containers": [_init(each) for each in given.init_containers or ()],
        # Ceph leaves out 0 when it writes a spec: it is the same as none.
        "uid": given.uid,
        "gid": given.gid,
    }
    return {name: each for name, each in found.items() if each}


def _init(given: Any) -> Dict[str, Any]:
    found = {
        "image": given.image,
        "entrypoint": given.entrypoint,
        "entrypoint_args": words_of(given.entrypoint_args),
        "envs": given.envs,
        "volume_mounts": given.volume_mounts,
        "privileged": given.privileged,
    }
    # What is given as empty is none of what the container itself has.
    return {name: each for name, each in found.items() if each is not None}


def podman_words(given: Any) -> List[str]:
    """Return the further arguments of podman, without those that say what is so anyway."""
    words = words_of(given.args) or words_of(given.extra_container_args)
    found: List[str] = []
    for word in words:
        if word == "host" and found and f"{found[-1]}=host" in _OF_HOST:
            del found[-1]
        elif word not in _OF_HOST:
            found.append(word)
    return found


def bind_source(words: List[str]) -> str:
    """Return what a bind mount mounts, empty where it does not say it."""
    given = dict(word.partition("=")[::2] for word in words)
    return given.get("source", given.get("src", ""))


def words_of(arguments: Any) -> List[str]:
    """Return arguments word by word."""
    return [word for each in arguments or () for word in each.to_args()]


def text_of(given: Any) -> str:
    """Return the text of a file: as it is, or of lines."""
    return given if isinstance(given, str) else "".join(f"{line}\n" for line in given)
