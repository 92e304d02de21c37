"""What a run says of OSDs is what it does with them, also where it does not come to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils import osd_removal_steps
from plugins.module_utils.osd_removal_steps import Work
from tests.unit.plugins.labels import FSID, OSD_UUID
from tests.unit.plugins.osd_host import OsdHost

DISK = {"disks": {"sdb": {"content": {0: {"label": {}}}}}}


def make_host(top: Path, patch: pytest.MonkeyPatch, **case: Any) -> OsdHost:
    host = OsdHost(top, case, patch)
    for module in (osd_removal_steps,):
        patch.setattr(module, "HostLock", lambda timeout: host.lock)
        patch.setattr(module, "Startup", lambda roots: host.startup)
    return host


def params(step: str, **values: Any) -> Dict[str, Any]:
    osd = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": False, "force": True, "gone": False}
    return {
        "step": step,
        "osds": [{**osd, "destroy_lvs": True, "disks": [], **values}],
        "cluster": FSID,
        "keyring": "",
        "patience": 0.0,
        "kept_fails": True,
        "timeout": 30,
        "report": [],
    }


@pytest.mark.parametrize(
    ("state", "sub", "word"),
    [
        ("active", "running", "present"),
        ("activating", "start-pre", "present"),
        ("activating", "auto-restart", "started"),
        ("failed", "failed", "started"),
        ("inactive", "dead", "started"),
    ],
)
def test_what_would_be_started_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, sub: str, word: str
) -> None:
    osd = {"devices": {"block": "sdb"}, "state": state, "sub": sub}
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds={3: osd})
    states: List[Any] = []
    for check_mode in (True, False):
        rows: List[Any] = []
        Work(params("start"), host.roots, check_mode, rows).do()
        states += [row["state"] for row in rows]

    assert states == [word if word == "present" else f"would be {word}", word]
