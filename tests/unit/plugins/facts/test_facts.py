"""A host's facts under cephadm's keys: one case, one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils.facts import kernel
from plugins.module_utils.facts.cephadm import cephadm_facts, human_capacity
from plugins.module_utils.facts.hardware import read_disks, read_enclosures
from plugins.module_utils.facts.report import fingerprint
from tests.unit.plugins.tree import CASES, Tree, case_files, load, write

# The keys of cephadm's answer (contract 4.5), with what their values are.
KINDS = {
    str: "arch bios_date bios_version board_serial chassis_serial cpu_model flash_capacity fqdn "
    "hdd_capacity hostname kernel model operating_system product_serial shortname subscribed "
    "vendor",
    int: "cpu_cores cpu_count cpu_threads enclosure_count flash_capacity_bytes flash_count "
    "hdd_capacity_bytes hdd_count memory_available_kb memory_free_kb memory_total_kb nic_count",
    float: "system_uptime timestamp",
    bool: "selinux_enabled",
    list: "flash_list hdd_list tcp6_ports_used tcp_ports_used udp6_ports_used udp_ports_used",
    dict: "cpu_load enclosures interfaces kernel_parameters kernel_security sysctl_options",
}


@pytest.mark.parametrize("path", case_files("facts"), ids=lambda path: path.stem)
def test_facts(path: Path, tmp_path: Path) -> None:
    case = load(path)
    roots = Tree(tmp_path, case["tree"]).roots
    enclosures = read_enclosures(roots)

    def own(name: str) -> bool:
        return (tmp_path / "dev" / name).exists() and not name.startswith("loop")

    facts = cephadm_facts(
        case["ansible"],
        {
            "system": kernel.read_system(roots, "h1.example.org"),
            "interfaces": kernel.read_interfaces(roots),
            "security": kernel.read_security(roots),
            "product_family": kernel.product_family(roots),
            "entitlements": kernel.entitlements(roots),
            "enclosures": enclosures,
            "disks": read_disks(roots, own, enclosures),
        },
    )

    for key, value in case["expect"].items():
        assert (key, facts[key]) == (key, value)
    kinds = {key: kind for kind, keys in KINDS.items() for key in keys.split()}
    assert {key: type(value) for key, value in facts.items()} == kinds
    assert json.loads(json.dumps(facts)) == facts


def test_a_setting_stays_short(tmp_path: Path) -> None:
    roots = Tree(tmp_path, load(CASES / "facts/hostile.yml")["tree"]).roots

    assert len(kernel.read_sysctl(roots)["kernel.long"]) == 256


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.0"), (999, "999.0"), (1000, "1.0KB"), (274877906944, "274.9GB"), (10**18, "1000.0PB")],
)
def test_capacities(size: int, text: str) -> None:
    assert human_capacity(size) == text


def test_what_decides_ansibles_facts_changes_the_fingerprint(tmp_path: Path) -> None:
    roots = Tree(tmp_path, {"files": {"sys/class/net/eth0/address": "a"}}).roots
    marks = [fingerprint(roots), fingerprint(roots)]
    for name in (
        "etc/os-release",
        "proc/net/fib_trie",
        "sys/class/net/eth0/mtu",
        "sys/class/net/e1/x",
    ):
        write(tmp_path / name, "changed")
        marks.append(fingerprint(roots))

    assert marks[0] == marks[1]
    assert len(set(marks)) == 5
