"""Translating a selection of devices into `ceph-volume` commands."""

from __future__ import annotations

import shlex
from typing import Dict, List, Optional

from .drive_selection import DriveSelection
from .inventory import Device


class to_ceph_volume:  # noqa: N801 - the interface's name
    """The arguments for `ceph-volume` that make the OSDs of a selection on one host.

    ``osd_id_claims`` are ids of destroyed OSDs to use again, ``preview`` asks only for a report
    (which `raw prepare` cannot give and then refuses). The commands carry ``--no-systemd``, as
    Ceph's do: whoever runs them on packages has to activate the OSDs afterwards.
    """

    NO_CRUSH = ""

    def __init__(
        self,
        selection: DriveSelection,
        osd_id_claims: Optional[List[str]] = None,
        preview: bool = False,
    ) -> None:
        self.selection = selection
        self.spec = selection.spec
        self.preview = preview
        self.osd_id_claims = osd_id_claims

    def prepare_devices(self) -> Dict[str, List[str]]:
        """Group the data devices' paths by CRUSH device class (``""`` is none)."""
        groups: Dict[str, List[str]] = {}
        for device in self.selection.data_devices():
            device_class = (
                device.crush_device_class or self.spec.crush_device_class or self.NO_CRUSH
            )
            groups.setdefault(device_class, []).append(device.path)
        return groups

    def run(self) -> List[str]:
        """Give one text of arguments for each call of `ceph-volume`; none without devices.

        Raises ``ValueError`` if raw OSDs have not one DB (or WAL) device each.
        """
        groups = self.prepare_devices()
        if not groups:
            return []
        raw = self.spec.method == "raw"
        commands = self._raw(groups) if raw else self._lvm(groups)
        common = self._common(raw)
        return [command + common for command in commands]

    def _lvm(self, groups: Dict[str, List[str]]) -> List[str]:
        spec = self.spec
        options = ""
        for name, devices in (
            ("db", self.selection.db_devices()),
            ("wal", self.selection.wal_devices()),
        ):
            if devices:
                options += f" --{name}-devices {_joined(devices)}"
        if spec.block_wal_size:
            options += f" --block-wal-size {spec.block_wal_size}"
        if spec.block_db_size:
            options += f" --block-db-size {spec.block_db_size}"
        return [
            f"lvm batch --no-auto {' '.join(map(shlex.quote, paths))}{options}"
            f"{_crush_class(device_class)} --objectstore {spec.objectstore}"
            for device_class, paths in groups.items()
        ]

    def _raw(self, groups: Dict[str, List[str]]) -> List[str]:
        pairs = [(path, name) for name, paths in groups.items() for path in paths]
        options = [""] * len(pairs)
        for kind, devices in (
            ("db", self.selection.db_devices()),
            ("wal", self.selection.wal_devices()),
        ):
            if devices and len(devices) != len(pairs):
                raise ValueError(
                    f"{len(pairs)} data devices and {len(devices)} {kind} devices; allowed for"
                    f" raw OSDs: one {kind} device for each data device"
                )
            for index, device in enumerate(devices):
                options[index] += f" --block.{kind} {shlex.quote(device.path)}"
        return [
            f"raw prepare --bluestore --data {shlex.quote(path)}{more}{_crush_class(name)}"
            for (path, name), more in zip(pairs, options)
        ]

    def _common(self, raw: bool) -> str:
        spec = self.spec
        text = ""
        if spec.encrypted:
            text += " --dmcrypt"
        if spec.tpm2:
            text += " --with-tpm"
        if spec.osds_per_device:
            text += f" --osds-per-device {spec.osds_per_device}"
        if spec.data_allocate_fraction:
            text += f" --data-allocate-fraction {spec.data_allocate_fraction}"
        if self.osd_id_claims:
            text += f" --osd-ids {' '.join(shlex.quote(str(one)) for one in self.osd_id_claims)}"
        if not raw:
            text += " --yes --no-systemd"
        if self.preview:
            text += " --report --format json"
        return text


def _joined(devices: List[Device]) -> str:
    return " ".join(shlex.quote(device.path) for device in devices)


def _crush_class(name: str) -> str:
    return f" --crush-device-class {shlex.quote(name)}" if name else ""
