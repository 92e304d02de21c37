"""A device's name gets through Ceph's command, whatever signs are in it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from adapter.mgr.cli_errors import CleanErrors
from adapter.mgr.device_words import as_given, through_the_command

BY_PATH = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"


class AddOsd:
    """Takes its argument apart as Ceph's `orch daemon add osd` does."""

    def call(
        self, mgr: Any, words: Dict[str, Any], text: Optional[str] = None
    ) -> Tuple[int, str, str]:
        try:
            host, raw = words["svc_arg"].split(":")
            devices: List[str] = []
            for value in raw.split(","):
                key, name = value.split("=") if "=" in value else ("", value)
                devices.append(f"{key} {as_given(name)}".strip())
        except ValueError as error:
            return -22, "", str(error)
        return 0, f"{host} {' '.join(devices)}", ""


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        ("h2:/dev/sdb,/dev/sdc", "h2 /dev/sdb /dev/sdc"),
        (f"h2:{BY_PATH}", f"h2 {BY_PATH}"),
        (
            f"h2:data_devices={BY_PATH},/dev/sdc,db_devices={BY_PATH}0,encrypted=true",
            f"h2 data_devices {BY_PATH} /dev/sdc db_devices {BY_PATH}0 encrypted true",
        ),
        ("h2:/dev/disk/by-id/usb-a=b-0:0", "h2 /dev/disk/by-id/usb-a=b-0:0"),
    ],
)
def test_names_get_through(given: str, arrives: str) -> None:
    class Commands(AddOsd):
        """A class of commands of one's own."""

    front = CleanErrors(Commands, lambda: True)
    front.install()
    words = {"prefix": "orch daemon add osd", "svc_arg": given}
    assert Commands().call(None, words) == (0, arrives, "")
    assert words["svc_arg"] == given


@pytest.mark.parametrize(
    "words",
    [
        {"prefix": "orch daemon add", "svc_arg": "h2:a:b"},
        {"prefix": "orch daemon add osd"},
        {"prefix": "orch daemon add osd", "svc_arg": "h2"},
        {"prefix": "orch daemon add osd", "svc_arg": "h2:a:b"},
    ],
)
def test_nothing_else_is_rewritten(words: Dict[str, Any]) -> None:
    assert through_the_command(words) == words
