"""Which disk is meant by a name: its path, or a link to it as the host reported it. Pure functions.

A disk has many names: ``/dev/disk/by-id``, ``by-path``, those of multipath below ``/dev/mapper``,
links that an administrator made. A name that leads to no disk, to a part of one or to two is none.
"""

from __future__ import annotations

import copy
import functools
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from adapter.interface import Device, DeviceSelection, DriveGroupSpec

Links = Mapping[str, Sequence[str]]
NO_DEVICE = "the host has no such device"
KINDS = ("data_devices", "db_devices", "wal_devices")


class DeviceNames:
    """The names of one host's devices. ``links`` are what other names below /dev lead to."""

    def __init__(self, devices: Sequence[Device], links: Links) -> None:
        self._devices = devices
        self._links = links

    # Most drive groups name no path, and all are planned again whenever anything changes.

    @functools.cached_property
    def _paths(self) -> Set[str]:
        return {device.path for device in self._devices}

    @functools.cached_property
    def _several(self) -> List[Device]:
        """Return devices of several paths: they have a name of the kernel's too."""
        return [each for each in self._devices if each.sys_api.get("type") == "mpath"]

    @functools.cached_property
    def _kernels(self) -> Dict[str, str]:
        return {str(each.sys_api.get("parent")): each.path for each in self._several}

    @functools.cached_property
    def _members(self) -> Dict[str, str]:
        return {f"/dev/{node}": each.path for each in self._several for node in _nodes(each)}

    def find(self, name: str) -> Tuple[str, str]:
        """Return the path of the disk that a name means and nothing, or nothing and why not."""
        if name in self._paths:
            return name, ""
        if name in self._kernels:
            return self._kernels[name], ""
        behind = self._links.get(name)
        if behind is None:
            return "", self._of_no_link(name)
        if not behind:
            return "", "the name leads to no device now"
        if len(behind) > 1:
            return "", f"{' and '.join(behind)} both have this name; name the disk by its path"
        if behind[0] in self._paths:
            return behind[0], ""
        return "", self._whose_part(behind[0]) or (
            f"it leads to {behind[0]}, which is not a whole disk in the host's report"
        )

    def _of_no_link(self, name: str) -> str:
        if name in self._members:
            return f"it is one path of {self._members[name]}; name that"
        return self._whose_part(name) or NO_DEVICE

    def _whose_part(self, path: str) -> str:
        for device in self._devices:
            parts = device.sys_api.get("partitions") if device.sys_api else None
            if isinstance(parts, dict) and path.rpartition("/")[2] in parts:
                return f"it is the partition {path} of {device.path}; OSDs are made of whole disks"
        return ""


def _nodes(device: Device) -> List[str]:
    """Return what the kernel calls the paths of a device: a list, or a text with commas."""
    nodes = device.sys_api.get("device_nodes")
    found = nodes.split(",") if isinstance(nodes, str) else nodes
    return [str(each) for each in found] if isinstance(found, list) else []


class NamedPaths:
    """A drive group whose paths are those of the host's disks.

    ``links`` are the names that were given, by path; ``problems`` say by kind of devices which
    names mean no disk. A kind of which none means one has no devices.
    """

    def __init__(self, spec: DriveGroupSpec, names: DeviceNames) -> None:
        self.links: Dict[str, str] = {}
        self.problems: Dict[str, List[str]] = {kind: [] for kind in KINDS}
        self._names = names
        self._seen: Dict[str, str] = {}
        found = {kind: self._resolved(kind, getattr(spec, kind)) for kind in KINDS}
        self.spec = spec
        if any(found[kind] is not getattr(spec, kind) for kind in KINDS):
            self.spec = copy.copy(spec)
            for kind in KINDS:
                setattr(self.spec, kind, found[kind])

    def _resolved(
        self, kind: str, selection: Optional[DeviceSelection]
    ) -> Optional[DeviceSelection]:
        if selection is None or not selection.paths:
            return selection
        found = [self._device(kind, device) for device in selection.paths]
        if all(new is old for new, old in zip(found, selection.paths)):
            return selection
        changed = copy.copy(selection)
        changed.paths = [device for device in found if device is not None]
        # Without paths it would choose every device.
        return changed if changed.paths else None

    def _device(self, kind: str, device: Device) -> Any:
        path, problem = self._names.find(device.path)
        if not problem and path in self._seen:
            problem = f"it is the same disk as {self._seen[path]}; name each disk once"
        if problem:
            self.problems[kind].append(f"{device.path}: {problem}")
            return None
        self._seen[path] = device.path
        if path == device.path:
            return device
        self.links[path] = device.path
        return Device(path, crush_device_class=device.crush_device_class)
