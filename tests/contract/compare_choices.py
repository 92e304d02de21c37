"""Compare what placements, daemons' ports and device selections choose."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List

from both_sides import CEPH, OURS, RELEASE, Difference, attempt, cases, compared, plain

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
