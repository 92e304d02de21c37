"""Ceph's classes and ours beside each other, and how what they say is compared."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import types
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import yaml
from stand_ins import put_in_place


def _import_ceph() -> Tuple[Any, Any]:
    """Import Ceph's classes; what only exists inside ceph-mgr is stood in for."""
    put_in_place()
    import ceph.deployment.drive_group as drive_group
    import ceph.deployment.drive_selection as drive_selection
    import ceph.deployment.hostspec as hostspec
    import ceph.deployment.inventory as inventory
    import ceph.deployment.service_spec as service_spec
    import ceph.deployment.translate as translate
    import ceph.utils
    import orchestrator._interface as orchestrator

    everything = types.SimpleNamespace()
    for module in (
        ceph.utils,
        hostspec,
        inventory,
        service_spec,
        drive_group,
        drive_selection,
        translate,
        orchestrator,
    ):
        for name, value in vars(module).items():
            if not name.startswith("__"):
                setattr(everything, name, value)
    release = "20.2" if hasattr(service_spec, "SMBSpec") else "18.2"
    return everything, release


CEPH, RELEASE = _import_ceph()

import adapter.interface as OURS  # noqa: E402, F401, N812 - Ceph's modules are stood in for first

STREAMS = {
    "daemon": "DaemonDescription",
    "device": "Device",
    "event": "OrchestratorEvent",
    "host": "HostSpec",
    "inventory_host": "InventoryHost",
    "placement": "PlacementSpec",
    "service_description": "ServiceDescription",
    "tuned_profile": "TunedProfileSpec",
    "upgrade_status": None,  # Ceph's class reads nothing
}


@dataclasses.dataclass
class Difference:
    """One thing that is not the same."""

    kind: str
    case: str
    path: str
    ours: Any
    ceph: Any

    def fits(self, entry: Dict[str, Any]) -> bool:
        """Say whether an accepted entry explains it."""
        text = f"{self.ours} {self.ceph}"
        return (
            RELEASE in [str(one) for one in entry.get("releases", [RELEASE])]
            and _matches(self.kind, entry.get("kind", "*"))
            and _matches(self.case, entry.get("case", "*"))
            and _matches(self.path, entry.get("path", "*"))
            and entry.get("says", "") in text
        )


def _matches(text: str, patterns: Any) -> bool:
    """Say whether text matches a pattern, or one of a list of them."""
    if isinstance(patterns, str):
        patterns = [patterns]
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def plain(value: Any) -> Any:
    """Bring a JSON form to what JSON text makes of it."""
    return json.loads(json.dumps(value, default=lambda one: getattr(one, "value", str(one))))


def compared(kind: str, case: str, ours: Any, ceph: Any, path: str = "") -> Iterator[Difference]:
    """Give a difference for each place where two JSON values differ."""
    if isinstance(ours, dict) and isinstance(ceph, dict):
        for key in sorted({*ours, *ceph}):
            absent = "(absent)"
            yield from compared(
                kind, case, ours.get(key, absent), ceph.get(key, absent), f"{path}/{key}"
            )
    elif ours != ceph:
        yield Difference(kind, case, path or "/", ours, ceph)


def attempt(function: Callable[[], Any]) -> Tuple[Any, Optional[str]]:
    """Run a function: its result, or its error as text."""
    try:
        return function(), None
    except Exception as error:  # noqa: BLE001 - any error of either side is a finding
        return None, f"{type(error).__name__}: {error}"


def cases(corpus: Path) -> Iterator[Tuple[str, str, Any]]:
    """Give ``(name, class name, document)`` of the corpus."""
    for path in sorted(corpus.rglob("*.yml")):
        cls = STREAMS.get(path.stem, "ServiceSpec")
        if cls is not None:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield f"{path.stem}/{document['case']}", cls, document["json"]
