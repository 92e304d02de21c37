"""Whatever firmware, kernel or tools say, the readers give JSON data of bounded size."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.module_utils.daemons.listing import describe_daemons, parse_units
from plugins.module_utils.disks.blkid import parse_blkid
from plugins.module_utils.disks.block import own_blocks
from plugins.module_utils.disks.ceph_volume import fingerprint, parse_inventory
from plugins.module_utils.disks.inventory import describe_devices, inspections
from plugins.module_utils.disks.lvm import parse_volumes
from plugins.module_utils.facts import kernel
from plugins.module_utils.facts.cephadm import cephadm_facts
from plugins.module_utils.facts.hardware import read_disks, read_enclosures
from plugins.module_utils.system.processes import Processes
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.tree import write

PLACES = [
    *(
        f"sys/block/sda/{name}"
        for name in ("size", "ro", "removable", "sda1/partition", "sda1/size")
    ),
    *(f"sys/block/sda/device/{name}" for name in ("vendor", "model", "rev", "type", "vpd_pg80")),
    *(f"sys/block/sda/queue/{name}" for name in ("scheduler", "logical_block_size", "rotational")),
    *(f"sys/block/dm-0/{name}" for name in ("dev", "dm/uuid", "dm/name")),
    *(f"sys/class/net/e0/{name}" for name in ("type", "mtu", "speed", "operstate")),
    *(
        f"sys/class/enclosure/0/{name}"
        for name in ("id", "components", "S/slot", "S/device/vpd_pg80")
    ),
    *(f"proc/{name}" for name in ("meminfo", "loadavg", "uptime", "stat", "swaps", "net/tcp")),
    *(f"proc/{name}" for name in ("self/mountinfo", "7/stat", "7/statm", "sys/a/b")),
    *("udev/b8:0", "etc/ceph/ceph.conf", "sys/kernel/security/lsm", "dev/sda"),
    "sys/kernel/security/apparmor/profiles",
]
ODD = st.one_of(
    st.binary(max_size=300),
    st.integers(-(10**40), 10**40).map(lambda number: str(number).encode()),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"8:0", b"0A", b"a:b c:d 0A 0 0 0 0 0 0 9", b"1 (x) " + b"9 " * 30, b"nan", b"-1"]
    ),
)
TEXTS = st.one_of(st.text(max_size=200), st.sampled_from(["[{}]", '{"report": [{"pv": [{}]}]}']))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
RELAXED = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def _is_data(value: Any) -> None:
    text = json.dumps(value, allow_nan=False)
    assert len(text) < 200_000
    text.encode("utf-8")


@RELAXED
@given(st.dictionaries(st.sampled_from(PLACES), ODD, max_size=12))
def test_trees(files: dict) -> None:
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        write(top / "sys/block/sda/dev", "8:0")
        write(top / "dev/sda", "")
        for name, value in files.items():
            write(top / name, {"hex": value.hex()})
        names = ("sys", "dev", "proc", "udev", "etc", "var")
        _read_all(Roots(**{name: str(top / name) for name in names}))


def _read_all(roots: Roots) -> None:
    blocks = own_blocks(roots)
    contents = {name: job() for name, job in inspections(blocks).items()}
    _is_data(describe_devices(roots, blocks, contents, {}))
    _is_data(fingerprint(roots, blocks, contents, ""))
    enclosures = read_enclosures(roots)
    facts = {
        "system": kernel.read_system(roots, "h1"),
        "interfaces": kernel.read_interfaces(roots),
        "security": kernel.read_security(roots),
        "product_family": kernel.product_family(roots),
        "entitlements": kernel.entitlements(roots),
        "enclosures": enclosures,
        "disks": read_disks(roots, lambda name: True, enclosures),
    }
    _is_data(cephadm_facts({}, facts))
    units = parse_units("Id=ceph-osd@0.service\nLoadState=loaded\nMainPID=7\n")
    _is_data(describe_daemons(units, "h1", roots, Processes(roots), _NoVersion()))


class _NoVersion:
    def of(self, kind: str, identity: str, program: str) -> str:
        return ""


@RELAXED
@given(TEXTS)
def test_what_tools_print(text: str) -> None:
    with contextlib.suppress(ValueError):
        _is_data([list(entry["volumes"].values()) for entry in parse_volumes(text).values()])
    _is_data(parse_units(text))
    _is_data(parse_blkid(text.encode("utf-8", "replace").decode()))
    with contextlib.suppress(ValueError):
        _is_data(parse_inventory(text))


@RELAXED
@given(st.lists(st.dictionaries(st.sampled_from(["path", "available", "sys_api", "lvs"]), DATA)))
def test_inventories(rows: list) -> None:
    with contextlib.suppress(ValueError):
        _is_data(parse_inventory(json.dumps(rows)))


@RELAXED
@given(st.dictionaries(st.sampled_from(["processor", "processor_count", "selinux", "e0"]), DATA))
def test_facts_of_ansible(facts: dict) -> None:
    with tempfile.TemporaryDirectory() as directory:
        roots = Roots(sys=directory, proc=directory, etc=directory)
        write(Path(directory) / "class/net/e0/type", "1")
        system = {
            "system": {},
            "interfaces": kernel.read_interfaces(roots),
            "security": kernel.read_security(roots),
            "product_family": "Unknown",
            "entitlements": 0,
            "enclosures": {},
            "disks": [],
        }
        _is_data(cephadm_facts(facts, system))
