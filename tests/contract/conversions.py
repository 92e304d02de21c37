#!/usr/bin/env python3
"""Hand all that there can be to the classes of the Ceph that is installed here, as the module does.

Runs under the system's python3 of a host that has Debian's python3-ceph-common and
ceph-mgr-modules-core; ``on_lab.conversions`` puts it there. Every case of the corpus goes through
``adapter.mgr.convert``, specs of each type also with all fields at once. Prints one JSON object:
``recorded`` (the release whose recorded parameters are those of the classes here), ``types`` and
``converted`` (how many), ``refused`` (specs that Ceph's class does not take, so that less of them
is shown) and ``problems`` (anything else), but for what ``ACCEPTED`` explains.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import json
import logging
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import yaml
from stand_ins import put_in_place

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.timezone.utc)
# What is there to be refused, with the reason.
ACCEPTED = {
    "*/all at once": "some fields exclude each other",
    "daemon/empty": "a daemon without a type has no service",
    "ingress/keepalive_only: no ports": "before 20.2 there is no keepalive_only without ports",
    "mgmt-gateway/unmanaged": "Ceph's class takes unmanaged and forgets it",
    "nvmeof/enable_auth: all keys": "18.2 has no root_ca_cert, which ours wants with the others",
    "smb/cluster_meta_uri: given": "19.2 has no clustered SMB",
    "smb/features: *": "19.2 has fewer features",
    "snmp-gateway/snmp_destination: name": "Ceph looks the name up in DNS",
}
# Classes that are nothing that is handed over.
COMPARED = ("ArgumentSpec", "CustomConfig", "Device", "DeviceSelection", "HostPattern")
OTHERS = {
    "daemon": "DaemonDescription",
    "host": "HostSpec",
    "inventory_host": "InventoryHost",
    "service_description": "ServiceDescription",
    "tuned_profile": "TunedProfileSpec",
}


class Refusals(logging.Handler):
    """Keep what the conversion says of specs that are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.texts.append(record.getMessage())


def documents(corpus: Path) -> Iterator[Tuple[str, str, Any]]:
    """Give name, class name and JSON form of what is to be converted."""
    from adapter.interface.specs.fields import CLASSES

    whole: Dict[Any, Dict[str, Any]] = {}
    kinds = set()
    for path in sorted(corpus.rglob("*.yml")):
        class_name = OTHERS.get(path.stem)
        if class_name is None and path.parent.name != "service_specs":
            continue
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            data = document["json"]
            yield f"{path.stem}/{document['case']}", class_name or "ServiceSpec", data
            if class_name is None:
                kinds.add(path.stem)
                found = whole.setdefault(CLASSES.get(path.stem), {})
                inner = {**found.get("spec", {}), **data.get("spec", {})}
                found.update(data, spec=inner)
    for kind in sorted(kinds):
        yield f"{kind}/all at once", "all", {**whole[CLASSES.get(kind)], "service_type": kind}


def ours(class_name: str, data: Any) -> Any:
    """Return an object of ours; a spec as the service that it makes."""
    from adapter import interface

    if class_name not in ("ServiceSpec", "all"):
        return getattr(interface, class_name).from_json(data)
    with interface.service_spec_allow_invalid_from_json():
        spec = interface.ServiceSpec.from_json(data)
    return interface.ServiceDescription(spec, created=NOW, last_refresh=NOW, size=1, running=1)


def converted(convert: Any, thing: Any) -> Any:
    """Convert there; return what a caller gets, or None where the release has no such type."""
    found = convert.to_ceph([thing])
    kind = getattr(getattr(thing, "spec", None), "service_type", None)
    known = convert.CEPH.parameters
    unknown = type(thing).__name__ == "TunedProfileSpec" and "TunedProfileSpec" not in known
    if unknown or (kind is not None and kind not in convert.CEPH.types):
        assert found == [], f"a type that is not known came through: {found}"
        return None
    (there,) = found
    json.dumps(there.to_json(), default=str)
    return there


def lost(convert: Any, thing: Any, there: Any) -> List[str]:
    """Convert a spec back; return what Ceph's class could hold and ours does not have again."""
    again = convert.CEPH.fitted(convert.from_ceph(there.spec).to_json())
    given = convert.CEPH.fitted(thing.spec.to_json())
    return sorted(key for key in given if key not in again and key != "spec")


def recorded(convert: Any, folder: Path) -> str:
    """Return the release whose record is what the classes here take, or what is nearest."""
    different = {}
    for path in sorted(folder.glob("*.yml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        names = {*data["types"].values(), *convert.CEPH.types.values(), *OTHERS.values(), *COMPARED}
        parts = [
            name
            for name in sorted(names)
            if sorted(data["parameters"].get(name, "").split())
            != sorted(convert.CEPH.parameters.get(name, ()))
        ]
        if data["types"] != dict(convert.CEPH.types):
            parts.append("types")
        different[path.stem] = parts
    nearest = min(different, key=lambda name: len(different[name]))
    return nearest if not different[nearest] else f"none; {nearest} but for {different[nearest]}"


def accepted(name: str) -> bool:
    """Tell whether it is known why a case is refused or not the same."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in ACCEPTED)


def main() -> int:
    """Convert all, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--recorded", type=Path, required=True)
    options = parser.parse_args()
    put_in_place()
    from adapter.mgr import convert

    refusals, count = Refusals(), 0
    problems: Dict[str, str] = {}
    refused: Dict[str, str] = {}
    logging.getLogger("adapter.mgr.convert").addHandler(refusals)
    for name, class_name, data in documents(options.corpus):
        count, before = count + 1, len(refusals.texts)
        try:
            thing = ours(class_name, data)
            there = converted(convert, thing)
            shown = refusals.texts[before:]
            if there is not None and not shown and getattr(thing, "created", None) == NOW:
                gone = lost(convert, thing, there)
                assert not gone, f"lost on the way back: {gone}"
        except Exception as error:  # noqa: BLE001 - any error is what is looked for
            problems[name] = f"{type(error).__name__}: {error}"
        if refusals.texts[before:]:
            refused[name] = refusals.texts[before]
    report = {
        "recorded": recorded(convert, options.recorded),
        "python": sys.version.split()[0],
        "types": len(convert.CEPH.types),
        "converted": count,
        "refused": {
            name: text
            for name, text in refused.items()
            if "does not know the type" not in text and not accepted(name)
        },
        "problems": {name: text for name, text in problems.items() if not accepted(name)},
    }
    json.dump(report, sys.stdout, indent=1, default=str, ensure_ascii=False)
    print()
    return 1 if report["problems"] or report["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
