#!/usr/bin/env python3
"""Compare ``adapter.interface`` with the classes of the Ceph that is installed here.

Runs under the system's python3 of a host that has Debian's python3-ceph-common and
ceph-mgr-modules-core, with the ``adapter`` package and the corpus copied there:

    PYTHONPATH=/root/work python3 compare_with_ceph.py --corpus CORPUS \
        [--accepted accepted_differences.yml] [--bench]

Prints one JSON object: ``differences`` (those that no entry of the accepted ones explains),
``accepted`` (how many each entry explains), ``stale`` (entries that explain nothing),
``cases``, and with ``--bench`` the times. Exit status 1 if there are differences.

For every case: ours reads it and writes it, Ceph's reads that and must write the same; and the
other way round. Then signatures, constructors, placements, device selections and
`ceph-volume` commands. Ceph's classes are run, not read.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import fnmatch
import inspect
import json
import sys
import time
import types
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import yaml

MGR_MODULES = "/usr/share/ceph/mgr"


def _import_ceph() -> Tuple[Any, Any]:
    """Import Ceph's classes; what only exists inside ceph-mgr is replaced by an empty stand-in."""
    for name in ("ceph_module", "cephfs", "rados", "rbd"):
        try:
            __import__(name)
        except ImportError:
            stand_in: Any = types.ModuleType(name)
            stand_in.__getattr__ = lambda attribute: type(attribute, (Exception,), {})
            sys.modules[name] = stand_in
    if not any(Path(entry, "orchestrator").is_dir() for entry in sys.path if entry):
        sys.path.append(MGR_MODULES)
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

import adapter.interface as OURS  # noqa: E402, N812 - Ceph's modules are stood in for first

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


def readable_for_ceph(data: Any) -> Any:
    """Bring our JSON form to the release that runs: names, and fields that say nothing there.

    18.2 refuses fields that 20.2 added, even with their default. The mgr module's compat does
    the same for what it hands to Ceph.
    """
    data = copy.deepcopy(data)
    if RELEASE == "20.2" or not isinstance(data, dict):
        return data
    for device in [data, *data.get("devices", [])]:
        if isinstance(device, dict) and "ceph_device_lvm" in device:
            device["ceph_device"] = device.pop("ceph_device_lvm")
            if not device["being_replaced"]:
                del device["being_replaced"]
    if data.get("pending_daemon_config") is False:
        del data["pending_daemon_config"]
    if isinstance(data.get("spec"), dict):
        _leave_out_unknown_defaults(data)
    return data


def _leave_out_unknown_defaults(data: Dict[str, Any]) -> None:
    spec = OURS.ServiceSpec.from_json(data)
    cls, error = attempt(lambda: CEPH.ServiceSpec._cls(data["service_type"]))
    if error:
        return
    known = set(inspect.signature(cls.__init__).parameters)
    resting = dict(spec._fields.written)
    if "timeout" in known and "spdk_timeout" in data["spec"]:
        data["spec"]["timeout"] = data["spec"].pop("spdk_timeout")
    data["spec"] = {
        name: value
        for name, value in data["spec"].items()
        if name in known or value != plain(resting.get(name))
    }
    if not data["spec"]:
        del data["spec"]


def round_trips(corpus: Path) -> Iterator[Difference]:
    """Let each side read what the other wrote."""
    for name, class_name, document in cases(corpus):
        ours: Any = getattr(OURS, class_name)
        ceph: Any = getattr(CEPH, class_name)
        written = plain(ours.from_json(copy.deepcopy(document)).to_json())
        given = readable_for_ceph(written)
        back, error = attempt(lambda: plain(ceph.from_json(copy.deepcopy(given)).to_json()))  # noqa: B023
        if error:
            yield Difference("ceph refuses ours", name, "/", "", error)
        else:
            yield from compared("ceph reads ours", name, given, back)

        written, error = attempt(lambda: plain(ceph.from_json(copy.deepcopy(document)).to_json()))  # noqa: B023
        if error:
            continue  # the line above tells it
        back, error = attempt(lambda: plain(ours.from_json(copy.deepcopy(written)).to_json()))  # noqa: B023
        if error:
            yield Difference("ours refuses ceph's", name, "/", error, "")
        else:
            back = readable_for_ceph(back)
            yield from compared("ours reads ceph's", name, back, written)


def parameters(function: Any) -> List[str]:
    """Give the parameters after self, with their defaults."""
    found = list(inspect.signature(inspect.unwrap(function)).parameters.values())[1:]
    return [
        one.name if one.default is one.empty else f"{one.name}={one.default!r}" for one in found
    ]


def signatures() -> Iterator[Difference]:
    """Compare the methods of Orchestrator and the feature set."""
    for cls in ("Orchestrator",):
        ours, ceph = getattr(OURS, cls), getattr(CEPH, cls)
        names = {name for one in (ours, ceph) for name in dir(one) if not name.startswith("_")}
        for name in sorted(names):
            mine = parameters(getattr(ours, name)) if hasattr(ours, name) else "(absent)"
            theirs = parameters(getattr(ceph, name)) if hasattr(ceph, name) else "(absent)"
            if mine != theirs:
                yield Difference("signature", f"{cls}.{name}", "/", mine, theirs)
    forwarded = [
        sorted(
            name
            for name in dir(module.Orchestrator)
            if hasattr(OURS.Orchestrator, name)
            and hasattr(CEPH.Orchestrator, name)
            and getattr(module.OrchestratorClientMixin, name)
            is not getattr(module.Orchestrator, name)
            and not name.startswith("_")
        )
        for module in (OURS, CEPH)
    ]
    yield from compared("forwarded", "OrchestratorClientMixin", *forwarded)
    mine, theirs = OURS.Orchestrator().get_feature_set(), CEPH.Orchestrator().get_feature_set()
    yield from compared("feature set", "Orchestrator", mine, theirs)


def names_and_methods() -> Iterator[Difference]:
    """Look for public names of Ceph's classes that ours lack."""
    for name in sorted(OURS.__all__):
        theirs, mine = getattr(CEPH, name, None), getattr(OURS, name)
        if not isinstance(theirs, type) or not isinstance(mine, type):
            continue
        for attribute in dir(theirs):
            if not attribute.startswith("_") and not hasattr(mine, attribute):
                yield Difference("missing name", f"{name}.{attribute}", "/", "(absent)", "there")


PLACEMENTS = [
    "3", "h1", "h1 h2", "2 h1 h2", "h1,h2", "h1;h2", "label:a", "3 label:a", "*", "h*", "data[1-3]",
    "regex:a.*", "count:2", "count:2 *", "count-per-host:2 label:a", "h1:10.0.0.1", "h1=x",
    "h1:10.0.0.0/24=x", "h1:[v2:10.0.0.1:3300,v1:10.0.0.1:6789]=x", "label:a h*", "3 3", "",
    "0", "h_1", "label:a label:b", "h* d*", "h1 h*", "count:x", "h1:x", "count-per-host:2",
    "2 count-per-host:2 label:a", "a b;c", "3;h1", "h?", "[ab]", "h1:fd00::1",
]  # fmt: skip


def placements() -> Iterator[Difference]:
    """Compare the reading of placements, and which hosts they select."""
    hosts = [("h1", ["a"]), ("h2", []), ("data1", ["a", "b"]), ("data22", ["b"])]
    for text in PLACEMENTS:
        mine, my_error = attempt(lambda: OURS.PlacementSpec.from_string(text))  # noqa: B023
        theirs, error = attempt(lambda: CEPH.PlacementSpec.from_string(text))  # noqa: B023
        if bool(my_error) != bool(error):
            yield Difference("placement", text, "/refused", my_error, error)
        elif mine is not None:
            yield from compared("placement", text, mine.to_json(), plain(theirs.to_json()))
            yield from compared("placement", text, mine.pretty_str(), theirs.pretty_str(), "pretty")
            yield from compared("placement", text, repr(mine), repr(theirs), "repr")
            selected = [
                side.filter_matching_hostspecs(
                    [module.HostSpec(name, labels=labels) for name, labels in hosts]
                )
                for side, module in ((mine, OURS), (theirs, CEPH))
            ]
            yield from compared("placement", text, *selected, "hosts")


DAEMONS = [
    ("mds", "fs.h1.x", "h1"), ("mds", "h1", "h1"), ("rgw", "a.b.c", "h1"), ("rgw", "a", "h1"),
    ("rgw", "h1.rgw0", "h1"), ("mds", "h10", "h1"), ("nfs", "foo.0.0.h1.abc", "h1"),
    ("iscsi", "a.h1.b", "h1.dom"), ("haproxy", "nfs.foo.h1.abc", "h1"), ("osd", "3", "h1"),
    ("crashcollector", "h1", "h1"), ("rbd-mirror", "h1.x", "h1"), ("node-exporter", "h1", "h1"),
    ("keepalived", "rgw.a.b.h1.x", "h1"), ("rgw", "a.b.c.d", "h1"), ("mds", "a.h1.h1.x", "h1"),
    ("agent", "h1", "h1"), ("snmp-gateway", "h1", "h1"), ("container", "foo.h1", "h1"),
]  # fmt: skip


def daemons() -> Iterator[Difference]:
    """Compare the services of daemons, ports of services, and statuses."""
    for daemon in DAEMONS:
        mine, my_error = attempt(lambda: OURS.DaemonDescription(*daemon).service_name())  # noqa: B023
        theirs, error = attempt(lambda: CEPH.DaemonDescription(*daemon).service_name())  # noqa: B023
        if mine != theirs or bool(error) != bool(my_error):
            yield Difference(
                "service name", "/".join(daemon), "/", mine or my_error, theirs or error
            )
    for status in (-2, -1, 0, 1, 2):
        texts = [
            module.DaemonDescriptionStatus.to_str(module.DaemonDescriptionStatus(status))
            for module in (OURS, CEPH)
        ]
        yield from compared("status", str(status), *texts)
    for name in ("daemon_type_to_service", "service_to_daemon_types"):
        for word in {*OURS.KNOWN_DAEMON_TYPES, *OURS.KNOWN_SERVICE_TYPES}:
            mine, my_error = attempt(lambda: getattr(OURS, name)(word))  # noqa: B023
            theirs, error = attempt(lambda: getattr(CEPH, name)(word))  # noqa: B023
            if mine != theirs or bool(my_error) != bool(error):
                yield Difference(name, word, "/", mine or my_error, theirs or error)


def ports(corpus: Path) -> Iterator[Difference]:
    """Compare the ports and addresses that specs tell."""
    for name, class_name, document in cases(corpus):
        if class_name != "ServiceSpec":
            continue
        mine = OURS.ServiceSpec.from_json(copy.deepcopy(document))
        theirs, error = attempt(lambda: CEPH.ServiceSpec.from_json(copy.deepcopy(document)))  # noqa: B023
        if error:
            continue
        for method in ("get_port_start", "get_virtual_ip", "service_name", "one_line_str"):
            given, error = attempt(getattr(theirs, method))
            if given != getattr(mine, method)() or error:
                yield Difference(method, name, "/", getattr(mine, method)(), error or given)


def disks(module: Any) -> List[Any]:
    """Make the devices of a host; nothing is unknown about them."""
    lvm = "ceph_device_lvm" if RELEASE == "20.2" else "ceph_device"

    def disk(path: str, size: str = "10.00 GB", rotational: str = "1", **more: Any) -> Any:
        more.setdefault("available", True)
        if more.pop("lvm", False):
            more.update({"available": False, lvm: True})
        sys_api = {
            "human_readable_size": size,
            "size": 1e10,
            "rotational": rotational,
            "model": "M-1",
            "vendor": "V",
        }
        return module.Device(f"/dev/{path}", sys_api=sys_api, **more)

    return [
        disk("c"),
        disk("a", rotational="0"),
        disk("b", "20.00 GB"),
        disk("d", available=False),
        disk("e", lvm=True, lvs=[{"osdspec_affinity": "d"}]),
        disk("f", lvm=True, lvs=[{"osdspec_affinity": "other"}]),
        disk("g", lvm=True, lvs=[{"name": "x", "comment": "not used by ceph"}]),
        disk("i", "1.00 TB", rotational="0"),
        disk("j", "500.00 MB"),
        disk("l", lvm=True),
        disk("m", lvm=True, lvs=[]),
    ]


SELECTIONS: List[Dict[str, Any]] = [
    *({"data_devices": one} for one in (
        {"all": True}, {"all": True, "limit": 1}, {"rotational": True}, {"rotational": 0},
        {"rotational": 1, "limit": 2}, {"size": "10G"}, {"size": "10GB:20GB"}, {"size": "15G:"},
        {"size": ":1G"}, {"size": "500M"}, {"size": "1T"}, {"size": "20G:10G"}, {"model": "M"},
        {"model": "x"}, {"vendor": "V", "size": "10G"}, {"paths": ["/dev/c", "/dev/b"]},
        {"paths": ["/dev/b", "/dev/a"], "limit": 1},
    )),
    {"data_devices": {"size": "10G", "model": "x"}, "filter_logic": "OR"},
    {"data_devices": {"rotational": 1}, "db_devices": {"rotational": 0}},
    {"data_devices": {"rotational": 1}, "db_devices": {"rotational": 0, "limit": 1},
     "wal_devices": {"rotational": 0, "limit": 1}},
    *({"data_devices": {"paths": ["/dev/c", "/dev/b"]}, **more} for more in (
        {"encrypted": True}, {"osds_per_device": 2}, {"crush_device_class": "ssd"},
        {"data_allocate_fraction": 0.5}, {"method": "raw"}, {"method": "raw", "encrypted": True},
        {"db_devices": {"paths": ["/dev/i"]}, "block_db_size": "5G"},
        {"db_devices": {"paths": ["/dev/i"]}, "wal_devices": {"paths": ["/dev/j"]},
         "block_db_size": 5, "block_wal_size": "1G"},
        {"db_devices": {"paths": ["/dev/i", "/dev/j"]}, "method": "raw"},
        {"db_devices": {"paths": ["/dev/i"]}, "method": "raw"},
    )),
    {"data_devices": {"paths": [{"path": "/dev/c", "crush_device_class": "ssd"}, "/dev/b"]},
     "db_devices": {"paths": ["/dev/i"]}},
]  # fmt: skip


def selections() -> Iterator[Difference]:
    """Compare which devices drive groups choose, and the commands for them."""
    for selection in SELECTIONS:
        for existing in (0, 1):
            for service_id in ("d", "other"):
                data = {
                    "service_type": "osd",
                    "service_id": service_id,
                    "placement": {"host_pattern": "*"},
                    "spec": selection,
                }
                found = [
                    attempt(lambda: _selected(module, data, existing))  # noqa: B023
                    for module in (OURS, CEPH)
                ]
                name = f"{json.dumps(selection)} {service_id} {existing}"
                (mine, my_error), (theirs, error) = found
                if bool(my_error) != bool(error):
                    yield Difference("selection", name, "/refused", my_error, error)
                elif mine is not None:
                    yield from compared("selection", name, mine, theirs)


def _selected(module: Any, data: Dict[str, Any], existing: int) -> Dict[str, Any]:
    spec = module.ServiceSpec.from_json(copy.deepcopy(data))
    chosen = module.DriveSelection(spec, disks(module), existing_daemons=existing)
    return {
        **{
            name: [device.path for device in getattr(chosen, name)()]
            for name in ("data_devices", "db_devices", "wal_devices", "journal_devices")
        },
        **{
            f"commands {claims} {preview}": _commands(module, chosen, claims, preview)
            for claims, preview in ((None, False), (["1", "2"], False), ([], True))
        },
    }


def _commands(module: Any, chosen: Any, claims: Any, preview: bool) -> List[str]:
    commands: List[str] = module.to_ceph_volume(chosen, claims, preview).run()
    if RELEASE == "18.2":  # it leaves out what is ceph-volume's default
        commands = [command.replace(" --objectstore bluestore", "") for command in commands]
    return commands


def times() -> Iterator[Difference]:
    """Compare the writing and reading of times."""
    now = CEPH.datetime_now()
    yield from compared("time", "now", OURS.datetime_to_str(now), CEPH.datetime_to_str(now))
    for text in ("2026-01-31T12:00:00.000001Z", "2026-01-31T14:00:00.000001+0200", "now"):
        mine, my_error = attempt(lambda: OURS.str_to_datetime(text))  # noqa: B023
        theirs, error = attempt(lambda: CEPH.str_to_datetime(text))  # noqa: B023
        if mine != theirs or bool(my_error) != bool(error):
            yield Difference("time", text, "/", str(mine or my_error), str(theirs or error))


def bench(corpus: Path, rounds: int = 7) -> Dict[str, Any]:
    """Measure 10,000 daemons and 1,000 mixed specs; CPU time, the best of some rounds each."""
    readable: Dict[str, List[Any]] = {"DaemonDescription": [], "ServiceSpec": []}
    for _, name, document in cases(corpus):
        if name in readable:
            written = plain(getattr(OURS, name).from_json(copy.deepcopy(document)).to_json())
            given = readable_for_ceph(written)
            if not attempt(lambda: getattr(CEPH, name).from_json(copy.deepcopy(given)))[1]:  # noqa: B023
                readable[name].append(given)
    found: Dict[str, Any] = {}
    for label, name, count in (
        ("daemons", "DaemonDescription", 10_000),
        ("specs", "ServiceSpec", 1_000),
    ):
        documents = readable[name]
        text = json.dumps([documents[index % len(documents)] for index in range(count)])
        best: Dict[str, List[float]] = {"ours": [9e9, 9e9], "ceph": [9e9, 9e9]}
        for _ in range(rounds):
            for side, module in (("ours", OURS), ("ceph", CEPH)):
                spent = _measured(getattr(module, name), json.loads(text))
                best[side] = [min(pair) for pair in zip(best[side], spent)]
        ours, ceph = best["ours"], best["ceph"]
        found[label] = {
            "count": count,
            "ours_ms": {"from_json": round(ours[0] * 1e3), "to_json": round(ours[1] * 1e3)},
            "ceph_ms": {"from_json": round(ceph[0] * 1e3), "to_json": round(ceph[1] * 1e3)},
            "ratio": {
                "from_json": round(ours[0] / ceph[0], 3),
                "to_json": round(ours[1] / ceph[1], 3),
                "both": round(sum(ours) / sum(ceph), 3),
            },
        }
    return found


def _measured(cls: Any, documents: List[Any]) -> Tuple[float, float]:
    start = time.process_time()
    objects = [cls.from_json(document) for document in documents]
    between = time.process_time()
    for one in objects:
        one.to_json()
    return between - start, time.process_time() - between


def main() -> int:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--accepted", type=Path)
    parser.add_argument("--bench", action="store_true")
    options = parser.parse_args()
    entries = []
    if options.accepted:
        entries = yaml.safe_load(options.accepted.read_text(encoding="utf-8"))
    found = [
        *round_trips(options.corpus),
        *ports(options.corpus),
        *signatures(),
        *names_and_methods(),
        *placements(),
        *daemons(),
        *selections(),
        *times(),
    ]
    explained = [0] * len(entries)
    left = []
    for one in found:
        fitting = [index for index, entry in enumerate(entries) if one.fits(entry)]
        if fitting:
            explained[fitting[0]] += 1
        else:
            left.append(dataclasses.asdict(one))
    report = {
        "ceph": RELEASE,
        "python": sys.version.split()[0],
        "cases": len(list(cases(options.corpus))),
        "differences": left,
        "accepted": {entry["reason"]: count for entry, count in zip(entries, explained)},
        "stale": [
            entry["reason"]
            for entry, count in zip(entries, explained)
            if not count and RELEASE in [str(one) for one in entry.get("releases", [RELEASE])]
        ],
    }
    if options.bench:
        report["bench"] = bench(options.corpus)
    json.dump(report, sys.stdout, indent=1, default=str, ensure_ascii=False)
    print()
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
