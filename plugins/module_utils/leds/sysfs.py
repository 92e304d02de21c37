"""Switch lights through the kernel: SES enclosures, and NPEM of PCIe slots (Linux 6.12)."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, List, Optional, Tuple

from ..system.reading import Roots, link_name, list_dir, read_text

if TYPE_CHECKING:
    from .command import LightLike

# An enclosure needs a moment until it reports what it was told.
PATIENCE = 2.0
_SLOT_FILES = {"ident": "locate", "fault": "fault"}
_LED_NAMES = {"ident": ("locate",), "fault": ("fail", "fault")}
_PCI_ADDRESS = re.compile(r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")


class _File:
    """A light that is a file: writing 1 or 0 switches it, reading tells its state."""

    def __init__(self, roots: Roots, patience: float = PATIENCE) -> None:
        self.roots = roots
        self._patience = patience

    def place(self, light: LightLike) -> Tuple[str, str]:
        """Return the light's file, or an empty text and why there is none."""
        raise NotImplementedError

    def problem(self, light: LightLike) -> str:
        """Return why this way cannot be used for a light, or an empty text."""
        path, problem = self.place(light)
        return problem or ("" if os.access(path, os.W_OK) else f"{path} cannot be written")

    def read(self, light: LightLike) -> Optional[bool]:
        """Return whether the light is on, or None when that cannot be told."""
        path, problem = self.place(light)
        value = "" if problem else read_text(path)
        return None if not value.isdigit() else int(value) != 0

    def switch(self, light: LightLike, wanted: bool) -> str:
        """Switch the light and wait until it says so; return what went wrong."""
        path, _ = self.place(light)
        try:
            with open(path, "w", encoding="ascii") as stream:
                stream.write("1" if wanted else "0")
        except OSError as error:
            return f"{path} cannot be written: {error.strerror}"
        until = time.monotonic() + self._patience
        while self.read(light) is not wanted and time.monotonic() < until:
            time.sleep(0.05)
        return ""


class Enclosure(_File):
    """The slot of a disk in a SES enclosure."""

    name = "enclosure"

    def place(self, light: LightLike) -> Tuple[str, str]:
        slot = self._slot(light.disk)
        if not slot:
            return "", f"{light.disk} is in no slot of an enclosure that the kernel knows"
        path = os.path.join(slot, _SLOT_FILES[light.kind])
        return (path, "") if os.path.exists(path) else ("", "the slot has no such light")

    def _slot(self, disk: str) -> str:
        top = os.path.join(self.roots.sys, "class/enclosure")
        for enclosure in list_dir(top):
            for name in list_dir(os.path.join(top, enclosure)):
                slot = os.path.join(top, enclosure, name)
                device = os.path.join(slot, "device")
                # An enclosure has a device too; that of a slot holds the disk.
                if name != "device" and self._holds(device, disk):
                    return slot
        return ""

    @staticmethod
    def _holds(device: str, disk: str) -> bool:
        if os.path.exists(os.path.join(device, "block", disk)):
            return True
        return link_name(device) == disk or os.path.basename(os.path.realpath(device)) == disk


class Npem(_File):
    """The light of a PCIe slot: a LED of the port above the drive, or of the drive itself."""

    name = "npem"

    def place(self, light: LightLike) -> Tuple[str, str]:
        addresses = self._addresses(light.disk)
        if not addresses:
            return "", f"{light.disk} is not on a PCI bus"
        for address in addresses:
            for name in _LED_NAMES[light.kind]:
                led = f"{address}:enclosure:{name}"
                path = os.path.join(self.roots.sys, "class/leds", led, "brightness")
                if os.path.exists(path):
                    return path, ""
        return "", f"the PCI slot of {light.disk} has no such light (Linux 6.12 and newer)"

    def _addresses(self, disk: str) -> List[str]:
        """Return the drive's PCI address and that of the port above it: farther is another slot."""
        directory = os.path.realpath(os.path.join(self.roots.sys, "block", disk))
        places = [directory]
        # With NVMe multipath the disk hangs on the subsystem, and that points to controllers.
        top = os.path.dirname(directory)
        if "nvme-subsys" in os.path.basename(top):
            places += [os.path.realpath(os.path.join(top, name)) for name in list_dir(top)]
        for place in places:
            found = [part for part in place.split("/") if _PCI_ADDRESS.fullmatch(part)]
            if found:
                return list(reversed(found))[:2]
        return []
