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
import inspect
import json
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import yaml
from both_sides import CEPH, OURS, RELEASE, Difference, attempt, cases, compared, plain
from compare_choices import daemons, placements, ports, selections


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
