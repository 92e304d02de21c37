"""Put a host's facts under the keys of ``cephadm gather-facts``, which the dashboard reads.

Pure: what Ansible gathered and what was read from the kernel come in, the facts go out. Every key
is always there; numbers are numbers.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ..system.reading import clean, to_int

UNKNOWN = "Unknown"

# Those of Ansible's facts that are used here; each interface has one of its own beside them.
ANSIBLE_FACTS = [
    "processor",
    "processor_count",
    "processor_cores",
    "processor_threads_per_core",
    "system_vendor",
    "product_name",
    "bios_version",
    "bios_date",
    "board_serial",
    "chassis_serial",
    "product_serial",
    "distribution",
    "distribution_version",
    "distribution_release",
    "selinux",
]


def cephadm_facts(ansible: Mapping[str, Any], kernel: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the facts.

    ``ansible`` are Ansible's facts, ``kernel`` those of ``kernel.read_kernel`` and its
    siblings: identity, disks, interfaces, ports, security and so on.
    """
    facts = dict(kernel["system"])
    facts.update(_processors(ansible))
    facts.update(_firmware(ansible, kernel["product_family"]))
    facts.update(_disks(kernel["disks"]))
    interfaces = with_addresses(kernel["interfaces"], ansible)
    facts.update(
        {
            "operating_system": _operating_system(ansible),
            "subscribed": _subscribed(ansible, kernel["entitlements"]),
            "interfaces": interfaces,
            "nic_count": sum(item["iftype"] == "physical" for item in interfaces.values()),
            "enclosures": kernel["enclosures"],
            "enclosure_count": len(kernel["enclosures"]),
            "selinux_enabled": _selinux(ansible).get("status") == "enabled",
            "kernel_security": _security(ansible, kernel["security"]),
        }
    )
    return facts


def _processors(ansible: Mapping[str, Any]) -> Dict[str, Any]:
    cores = to_int(ansible.get("processor_cores"), 1)
    # Ansible gives number, vendor and model of each processor one after the other.
    names = [value for value in as_list(ansible.get("processor")) if not str(value).isdigit()]
    return {
        "cpu_model": clean(names[-1] if names else "") or UNKNOWN,
        "cpu_count": to_int(ansible.get("processor_count"), 1),
        "cpu_cores": cores,
        "cpu_threads": cores * to_int(ansible.get("processor_threads_per_core"), 1),
    }


def _firmware(ansible: Mapping[str, Any], family: str) -> Dict[str, str]:
    def value(name: str) -> str:
        text = clean(ansible.get(name) or "")
        return UNKNOWN if text in ("", "NA") else text

    product = value("product_name")
    return {
        "vendor": value("system_vendor"),
        "model": product if family == UNKNOWN else f"{family} ({product})",
        "bios_version": value("bios_version"),
        "bios_date": value("bios_date"),
        "board_serial": value("board_serial"),
        "chassis_serial": value("chassis_serial"),
        "product_serial": value("product_serial"),
    }


def _operating_system(ansible: Mapping[str, Any]) -> str:
    name = clean(ansible.get("distribution") or "")
    version = clean(ansible.get("distribution_version") or "")
    release = clean(ansible.get("distribution_release") or "")
    if version in ("", "NA"):
        version = ""
    text = " ".join(part for part in (name, version) if part)
    return f"{text} ({release})" if text and release not in ("", "NA") else text or UNKNOWN


def _subscribed(ansible: Mapping[str, Any], entitlements: int) -> str:
    if ansible.get("distribution") != "RedHat":
        return UNKNOWN
    return "Yes" if entitlements >= 2 else "No"


def _selinux(ansible: Mapping[str, Any]) -> Dict[str, Any]:
    value = ansible.get("selinux")
    return value if isinstance(value, dict) else {}


def _security(ansible: Mapping[str, Any], kernel: Dict[str, str]) -> Dict[str, str]:
    """Describe SELinux with Ansible's words, anything else with the kernel's."""
    if kernel["type"] != "SELinux":
        return kernel
    state = _selinux(ansible)
    if state.get("status") != "enabled":
        return {"type": "SELinux", "description": "SELinux: Disabled"}
    mode, policy = clean(state.get("mode") or ""), clean(state.get("type") or "")
    return {"type": "SELinux", "description": f"SELinux: Enabled({mode}, {policy})"}


def _disks(disks: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    result: Dict[str, Any] = {}
    for kind in ("hdd", "flash"):
        mine = [disk for disk in disks if disk["disk_type"] == kind]
        total = sum(disk["disk_size_bytes"] for disk in mine)
        result[f"{kind}_list"] = mine
        result[f"{kind}_count"] = len(mine)
        result[f"{kind}_capacity_bytes"] = total
        result[f"{kind}_capacity"] = human_capacity(total)
    return result


def human_capacity(size: float) -> str:
    """Return a number of bytes in steps of 1000, as it stands on a disk's label."""
    value = float(size)
    for unit in ("", "KB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.1f}PB"


def as_list(value: Any) -> List[Any]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def interface_key(name: str) -> str:
    """Return the name of the fact in which Ansible keeps an interface."""
    return name.replace("-", "_").replace(":", "_")


def with_addresses(
    interfaces: Mapping[str, Dict[str, Any]], ansible: Mapping[str, Any]
) -> Dict[str, Dict[str, Any]]:
    """Give each interface the addresses that Ansible found: the first of each kind, and all."""
    result = {}
    for name, item in interfaces.items():
        known = ansible.get(interface_key(name))
        known = known if isinstance(known, dict) else {}
        ipv4 = known.get("ipv4")
        ipv4 = ipv4 if isinstance(ipv4, dict) else {}
        ipv6 = [entry for entry in as_list(known.get("ipv6")) if isinstance(entry, dict)]
        more = [item for item in as_list(known.get("ipv4_secondaries")) if isinstance(item, dict)]
        result[name] = dict(
            item,
            ipv4_address=_address(ipv4),
            ipv6_address=_address(ipv6[0]) if ipv6 else "",
            addresses=[text for text in map(_address, [ipv4, *more, *ipv6]) if text],
        )
    return result


def _address(entry: Mapping[str, Any]) -> str:
    address = clean(entry.get("address") or "")
    prefix = clean(entry.get("prefix") or "")
    return f"{address}/{prefix}" if address and prefix else address
