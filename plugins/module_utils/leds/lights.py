"""Switch the identification and fault lights of disks, and read them back.

There is no one way to do this; each of the classes in ``WAYS`` knows one. A way finds out whether
it can reach the light, reads it, switches it and reads it again. The first that works is used; when
none does, what each of them said is the error.
"""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Union

from ..disks.block import DEVICE_PATH, own_blocks
from ..disks.names import claimants, is_link
from ..system.reading import Roots, clean, list_dir, read_text
from .command import OperatorsCommand
from .sysfs import Enclosure, Npem
from .tools import Ledctl, Lsmcli

Way = Union[OperatorsCommand, Enclosure, Npem, Ledctl, Lsmcli]
WAYS: Dict[str, Callable[..., Way]] = {
    "command": OperatorsCommand,
    "enclosure": Enclosure,
    "npem": Npem,
    "ledctl": Ledctl,
    "lsmcli": Lsmcli,
}
REMEDY = (
    "Install ledmon or libstoragemgmt, or set the command that works on this hardware: `ceph "
    "config set mgr mgr/ansible/light_command '...'` (in playbooks the variable "
    "device_light_command)"
)
_NAME = re.compile(r"[A-Za-z0-9_.:+@=-]+")


class CannotSwitch(Exception):
    """Say why a light could not be switched."""


class Light:
    """One light of one disk, as the ways need it.

    ``disk`` is the disk's name in sysfs, ``path`` its device file, ``kind`` ``ident`` or ``fault``.
    """

    def __init__(self, dev: str, path: str, disk: str, kind: str) -> None:
        self.dev = dev
        self.path = path
        self.disk = disk
        self.kind = kind


def find_light(roots: Roots, location: Mapping[str, Any], kind: str) -> Light:
    """Return the light that a location means; raise ``CannotSwitch`` for a path that is refused."""
    dev = str(location.get("dev") or "")
    path = str(location.get("path") or "") or (dev if dev.startswith("/") else "/dev/" + dev)
    if not DEVICE_PATH.fullmatch(path) or ".." in path.split("/"):
        raise CannotSwitch(
            f"Invalid path {clean(path)!r}: it is not a device file. Give a path below /dev, made "
            "of letters, digits and / _ . : + @ = -."
        )
    short = dev[len("/dev/") :] if dev.startswith("/dev/") else dev
    if short and not all(_NAME.fullmatch(part) and part != ".." for part in short.split("/")):
        raise CannotSwitch(f"Invalid dev {clean(dev)!r}: it is not the name of a device.")
    node = os.path.join(roots.dev, path[len("/dev/") :])
    if is_link(roots, path):
        _refuse_unclear(roots, path, node)
    name = os.path.relpath(os.path.realpath(node), os.path.realpath(roots.dev))
    if not os.path.exists(node) and short:
        # The disk may be gone; its slot's light can still be found by its name.
        name = short
    disk = physical_disk(roots, name.replace("/", "!"))
    # A command of the operator's wants a disk's own name.
    given = "" if is_link(roots, path) and path == "/dev/" + short else short
    return Light(given or disk, path, disk, kind)


def _refuse_unclear(roots: Roots, path: str, node: str) -> None:
    """Raise ``CannotSwitch`` for a name that leads to nothing, or that two disks claim."""
    if not os.path.exists(node):
        raise CannotSwitch(
            f"{path}: the name leads to no device now. Name the disk as the host did "
            "before it went, such as /dev/sdb."
        )
    shared = claimants(roots, own_blocks(roots, loop_devices=True), path)
    if len(shared) > 1:
        raise CannotSwitch(
            f"{path}: {' and '.join(shared)} both have this name. Name the disk by a path that it "
            "alone has."
        )


def physical_disk(roots: Roots, name: str) -> str:
    """Return the disk below a partition or a mapping; refuse one that stands on several disks."""
    if os.path.exists(os.path.join(roots.sys, "class/block", name, "partition")):
        parent = os.path.realpath(os.path.join(roots.sys, "class/block", name, ".."))
        target = os.path.realpath(os.path.join(roots.sys, "class/block", name))
        name = os.path.basename(os.path.dirname(target)) or os.path.basename(parent)
    directory = os.path.join(roots.sys, "block", name)
    slaves = list_dir(os.path.join(directory, "slaves"))
    if not slaves:
        return name
    multipath = read_text(os.path.join(directory, "dm/uuid")).startswith("mpath-")
    disks = sorted({physical_disk(roots, slave) for slave in slaves})
    if len(disks) > 1 and not multipath:
        raise CannotSwitch(
            f"/dev/{name} stands on several disks ({', '.join(disks)}). Name one of them."
        )
    return disks[0]


def switch(
    light: Light, wanted: bool, ways: Sequence[Way], simulate: bool = False
) -> Dict[str, Any]:
    """Bring a light into the wanted state; return what was done.

    ``ways`` are instances of the classes in ``WAYS``, in the order in which they are tried. With
    ``simulate`` nothing is switched. Raises ``CannotSwitch`` with what each way said.
    """
    tried = []
    for way in ways:
        problem = way.problem(light)
        if not problem:
            before = _read(light, way, ways)
            outcome = _outcome(light, wanted, way, before)
            if before == wanted:
                return outcome
            if simulate:
                return dict(outcome, changed=True, read_back=wanted if before is not None else None)
            problem = way.switch(light, wanted)
        if not problem:
            after = _read(light, way, ways)
            if after in (wanted, None):
                return dict(outcome, changed=True, read_back=after)
            problem = f"it was switched but reads back {state_word(after)}"
        tried.append(f"{way.name}: {problem}")
    word = state_word(wanted)
    raise CannotSwitch(
        f"The {light.kind} light of {light.path} was not switched {word}. Tried: "
        f"{'; '.join(tried)}. {REMEDY}."
    )


def _outcome(light: Light, wanted: bool, way: Way, before: Optional[bool]) -> Dict[str, Any]:
    return {
        "dev": light.dev,
        "path": light.path,
        "kind": light.kind,
        "on": wanted,
        "method": way.name,
        "read_back": before,
        "before": before,
        "changed": False,
    }


def _read(light: Light, way: Way, ways: Sequence[Way]) -> Optional[bool]:
    """Return the light's state, from another way when this one cannot tell."""
    others = [other for other in ways if other is not way]
    for candidate in [way, *others]:
        if candidate is way or not candidate.problem(light):
            state = candidate.read(light)
            if state is not None:
                return state
    return None


def state_word(on: Optional[bool]) -> str:
    """Return how a state is written."""
    return {True: "on", False: "off", None: "unknown"}[on]
