"""Fields of specs that only mean something for containers."""

from __future__ import annotations

from typing import Any, Collection, List

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec

_REASONS = {
    "extra_container_args": (
        "they are arguments for a container, and daemons from packages run in none",
        "Leave it out; what systemd can limit goes into a drop-in file of the daemon's unit.",
    ),
    "extra_entrypoint_args": (
        "they are arguments for a container's command, and daemons from packages run in none",
        "Leave it out, and set options of the daemon by `config`.",
    ),
    "custom_configs": (
        "they are files inside a container, and daemons from packages run in none",
        "Leave it out, and put the files onto the hosts.",
    ),
}


# OSDs have no `config` in their drive group.
_REMEDIES_OF_OSDS = {
    "extra_entrypoint_args": "Leave it out, and set options of OSDs by `ceph config set`."
}


def check_no_container(spec: ServiceSpec, known: Collection[str] = ()) -> None:
    """Raise ``InvalidValue`` for a field that is only for containers, in the user's own words.

    ``known`` are the fields that mean something for daemons from packages too.
    """
    for problem in of_containers(spec, known):
        raise problem


def of_containers(spec: ServiceSpec, known: Collection[str] = ()) -> List[InvalidValue]:
    """Return an error for each field that is only for containers."""
    remedies = _REMEDIES_OF_OSDS if spec.service_type == "osd" else {}
    return [
        InvalidValue(name, _as_written(getattr(spec, name)), reason, remedies.get(name, remedy))
        for name, (reason, remedy) in _REASONS.items()
        if name not in known and getattr(spec, name, None)
    ]


def _as_written(given: Any) -> List[Any]:
    """Return a field as it stood in the file; of a file for containers only where it goes."""
    return [
        getattr(each, "mount_path", None) or (each.to_json() if hasattr(each, "to_json") else each)
        for each in given
    ]
