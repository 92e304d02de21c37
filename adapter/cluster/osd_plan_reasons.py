"""Why a drive group takes none of a host's disks: for each which filter refuses it. Pure functions.

Asked where somebody looks at an empty plan; the loop that plans all the time does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence

from adapter.cluster.choice_of_disks import Allowed
from adapter.cluster.osd_map import listed
from adapter.cluster.osd_plan import disk_of
from adapter.interface import (
    Device,
    DriveGroupSpec,
    EqualityMatcher,
    Matcher,
    SizeMatcher,
    SubstringMatcher,
)
from adapter.interface.matchers import describe_size, size_as_listed

_SINCE = (
    "it came, or was erased or freed, since the drive group was applied, and is taken when that is "
    "applied again"
)


@dataclass(frozen=True)
class Disks:
    """A host's disks as a plan sees them, see ``plan_host``; ``osds`` are the OSDs by path."""

    devices: Sequence[Device]
    existing: int
    allow: Allowed
    busy: Collection[str]
    osds: Mapping[str, Sequence[int]]


def why_not(spec: DriveGroupSpec, disks: Disks, said: Sequence[str]) -> List[str]:
    """Return a line for each reason, with the disks that it holds for.

    The paths of ``spec`` are those of the host's disks, see ``NamedPaths``. ``said`` are the notes
    of the plan: what they name needs no other reason.
    """
    if not disks.devices:
        return ["the host has no disk that can be used"]
    selection = spec.data_devices
    if selection is None:
        return []
    named = {device.path for device in selection.paths}
    found: Dict[str, List[str]] = {}
    for device in disks.devices:
        if any(note.startswith((f"{device.path} ", f"{device.path}:")) for note in said):
            continue
        if named and device.path not in named:
            continue
        reason = "; ".join(_reasons(spec, device, disks))
        if reason:
            found.setdefault(reason, []).append(device.path)
    return [f"{', '.join(paths)}: {reason}" for reason, paths in found.items()]


def _reasons(spec: DriveGroupSpec, device: Device, disks: Disks) -> List[str]:
    if device.path in disks.busy:
        return ["an OSD is being made on it"]
    if disks.osds.get(device.path):
        return [f"it carries {listed(list(disks.osds[device.path]))} already"]
    found = [*_of_filters(spec, device), *_of_state(spec, device)]
    if found:
        return found
    if not disks.allow(disk_of(device).key):
        return [_SINCE]
    limit = spec.data_devices.limit if spec.data_devices else None
    if limit and disks.existing >= limit:
        return [f"the limit of {limit} is reached, with {disks.existing} OSDs on this host"]
    return []


def _of_filters(spec: DriveGroupSpec, device: Device) -> List[str]:
    selection = spec.data_devices
    matchers = selection.matchers() if selection and not selection.paths else []
    wrong = [_describe(each, device) for each in matchers if not each.compare(device)]
    if spec.filter_logic == "OR" and len(wrong) < len(matchers):
        return []
    return wrong


def _describe(matcher: Matcher, device: Device) -> str:
    found = device.sys_api.get(matcher.key)
    if isinstance(matcher, SizeMatcher):
        return f"its size is {_size(device.sys_api)}, not {matcher.value}"
    if isinstance(matcher, SubstringMatcher):
        known = f"is {str(found).strip()!r}" if found else "is not known"
        signs = any(sign in matcher.value for sign in "*?")
        hint = " (a part of the text is meant; * and ? stand for themselves)" if signs else ""
        return f"its {matcher.key} {known}, not {matcher.value!r}{hint}"
    if isinstance(matcher, EqualityMatcher) and matcher.key == "rotational":
        words = {"1": "it is rotational", "0": "it is not rotational"}
        return words.get(str(found), "whether it is rotational is not known")
    known = "not known" if found is None else found
    return f"its number of {matcher.key} is {known}, not {matcher.value}"


def _size(sys_api: Mapping[str, Any]) -> str:
    """Return a size in all ways in which it is printed anywhere."""
    size, written = sys_api.get("size"), sys_api.get("human_readable_size")
    if not isinstance(size, (int, float)) or not size:
        return str(written or "not known")
    others = f"{size_as_listed(size)} in `ceph orch device ls`, {describe_size(size)}"
    return f"{written} ({others})" if written else others


def _of_state(spec: DriveGroupSpec, device: Device) -> List[str]:
    if device.being_replaced:
        return ["it is marked as being replaced"]
    if device.available:
        return []
    if device.ceph_device_lvm:
        owners = {str(lv.get("osdspec_affinity") or "") for lv in device.lvs or ()}
        others = ", ".join(sorted(owners - {str(spec.service_id), ""}))
        whose = f" of the drive group {others}" if others else ""
        return [f"OSDs{whose} are on its volumes"]
    return [f"it is not available: {', '.join(device.rejected_reasons) or 'in use'}"]
