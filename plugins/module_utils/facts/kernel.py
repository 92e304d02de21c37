"""Read from /proc and /sys what Ansible's facts do not know."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List

from ..system.reading import (
    TEXT_LIMIT,
    Roots,
    clean,
    link_name,
    list_dir,
    read_int,
    read_lines,
    read_text,
    to_int,
)

_SYSCTL_LIMIT = 3000
_SYSCTL_LEFT_OUT = ("fs.binfmt_misc",)
_PER_INTERFACE = ("net.ipv4.conf.", "net.ipv4.neigh.", "net.ipv6.conf.", "net.ipv6.neigh.")
_UNREADABLE = object()
_LISTENING = "0A"
_UNCONNECTED = "07"
_HARDWARE = {"1": "ethernet", "32": "infiniband", "772": "loopback"}


def read_system(roots: Roots, fqdn: str) -> Dict[str, Any]:
    """Return what identifies the running system, and its load and memory."""
    name = clean(os.uname().nodename)
    load = (read_text(os.path.join(roots.proc, "loadavg")) + " 0 0 0").split()
    memory = read_memory(roots)
    options = read_sysctl(roots)
    wanted = "net.ipv4.ip_nonlocal_bind"
    return {
        "arch": clean(os.uname().machine),
        "kernel": clean(os.uname().release),
        "hostname": name,
        "shortname": name.partition(".")[0],
        "fqdn": fqdn,
        "timestamp": time.time(),
        "system_uptime": _number(read_text(os.path.join(roots.proc, "uptime")).split(" ")[0]),
        "cpu_load": {
            "1min": _number(load[0]),
            "5min": _number(load[1]),
            "15min": _number(load[2]),
        },
        "memory_total_kb": memory.get("MemTotal", 0),
        "memory_free_kb": memory.get("MemFree", 0),
        "memory_available_kb": memory.get("MemAvailable", 0),
        "sysctl_options": options,
        "kernel_parameters": {wanted: options[wanted]} if wanted in options else {},
        "tcp_ports_used": read_ports(roots, "tcp", _LISTENING),
        "tcp6_ports_used": read_ports(roots, "tcp6", _LISTENING),
        "udp_ports_used": read_ports(roots, "udp", _UNCONNECTED),
        "udp6_ports_used": read_ports(roots, "udp6", _UNCONNECTED),
    }


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value < 1e15 else 0.0


def read_memory(roots: Roots) -> Dict[str, int]:
    """Return /proc/meminfo in KiB by name."""
    values = {}
    for line in read_lines(os.path.join(roots.proc, "meminfo")):
        name, _, rest = line.partition(":")
        values[clean(name)] = to_int(rest.split()[0] if rest.split() else "")
    return values


def read_sysctl(roots: Roots) -> Dict[str, str]:
    """Return the kernel's settings, each a text, as ``sysctl -a`` names them.

    The settings of single network interfaces are left out: there are a hundred for each of what may
    be hundreds of interfaces, and the addresses and states that matter stand elsewhere.
    """
    options: Dict[str, str] = {}
    _read_settings(os.path.join(roots.proc, "sys"), "", options)
    return options


def _read_settings(directory: str, prefix: str, options: Dict[str, str]) -> None:
    for name in list_dir(directory):
        path = f"{directory}/{name}"
        key = prefix + name.replace(".", "/")
        if key in _SYSCTL_LEFT_OUT or len(options) >= _SYSCTL_LIMIT:
            continue
        if prefix in _PER_INTERFACE and name not in ("all", "default"):
            continue
        value = read_setting(path)
        if value is None:
            _read_settings(path, key + ".", options)
        elif isinstance(value, str):
            options[clean(key)] = value


def read_setting(path: str) -> object:
    """Return a setting's value; None for a directory of settings.

    A setting that can only be written, or whose value is of several lines, is unreadable.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _UNREADABLE
    try:
        raw = os.read(descriptor, 1024)
    except IsADirectoryError:
        return None
    except OSError:
        return _UNREADABLE
    finally:
        os.close(descriptor)
    value = raw.rstrip(b"\n").decode("utf-8", "replace")
    if value.isprintable():
        return value[:TEXT_LIMIT]
    return "\t".join(map(clean, value.split("\t"))) if "\n" not in value else _UNREADABLE


def read_ports(roots: Roots, protocol: str, state: str) -> List[int]:
    """Return the ports that something listens on, in order, each once."""
    ports = set()
    for line in read_lines(os.path.join(roots.proc, "net", protocol), 16 << 20)[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == state:
            try:
                ports.add(int(fields[1].rpartition(":")[2], 16))
            except ValueError:
                continue
    return sorted(ports)


def read_interfaces(roots: Roots) -> Dict[str, Dict[str, Any]]:
    """Return the network interfaces but the loopback, without their addresses."""
    top = os.path.join(roots.sys, "class/net")
    interfaces = {}
    for name in list_dir(top):
        directory = os.path.join(top, name)
        kind = _nic_type(directory)
        if kind in ("", "loopback"):
            continue
        physical = os.path.exists(os.path.join(directory, "device"))
        driver = link_name(os.path.join(directory, "device/driver"))
        entries = list_dir(directory)
        interfaces[clean(name)] = {
            "mtu": read_int(os.path.join(directory, "mtu")),
            "upper_devs_list": [
                clean(entry[6:]) for entry in entries if entry.startswith("upper_")
            ],
            "lower_devs_list": [
                clean(entry[6:]) for entry in entries if entry.startswith("lower_")
            ],
            "operstate": read_text(os.path.join(directory, "operstate"), "unknown"),
            "iftype": "physical" if physical else "logical",
            "nic_type": kind,
            "driver": clean(driver) or "Unknown" if physical else "",
            "speed": read_int(os.path.join(directory, "speed"), -1),
        }
    return interfaces


def _nic_type(directory: str) -> str:
    if not os.path.isdir(directory):
        return ""
    for kind, entry in (("bridge", "bridge"), ("bonding", "bonding")):
        if os.path.exists(os.path.join(directory, entry)):
            return kind
    return _HARDWARE.get(read_text(os.path.join(directory, "type")), "Unknown")


def read_security(roots: Roots) -> Dict[str, str]:
    """Tell which security module the kernel uses; SELinux is described by Ansible's facts."""
    active = read_text(os.path.join(roots.sys, "kernel/security/lsm")).split(",")
    if active == [""]:
        return {
            "type": "None",
            "description": "Linux Security Module framework is not available",
        }
    if "selinux" in active:
        return {"type": "SELinux", "description": ""}
    if "apparmor" in active:
        return _apparmor(roots)
    return {
        "type": "Unknown",
        "description": "A security module is active that is neither SELinux nor AppArmor",
    }


def _apparmor(roots: Roots) -> Dict[str, str]:
    counts: Dict[str, int] = {}
    for line in read_lines(os.path.join(roots.sys, "kernel/security/apparmor/profiles")):
        mode = clean(line.rpartition("(")[2].rstrip(") \n"))
        if line.endswith(")") and mode:
            counts[mode] = counts.get(mode, 0) + 1
    summary = ",".join(f"{count} {mode}" for mode, count in sorted(counts.items()))
    result = {"type": "AppArmor", "description": f"AppArmor: Enabled({summary})"}
    result.update({mode: str(count) for mode, count in counts.items()})
    return result


def product_family(roots: Roots) -> str:
    """Return the maker's name for the series of machines, which Ansible does not gather."""
    return read_text(os.path.join(roots.sys, "class/dmi/id/product_family"), "Unknown")


def entitlements(roots: Roots) -> int:
    """Count the certificates of a Red Hat subscription."""
    names = list_dir(os.path.join(roots.etc, "pki/entitlement"))
    return sum(name.endswith(".pem") for name in names)
