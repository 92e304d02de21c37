"""Gather a host's facts: Ansible's, the kernel's and the disks', under cephadm's keys.

Ansible's collectors are 100 files that Python compiles on every call, a quarter of a second of
processor time. What they find is kept until one of the things changes that decide it; what changes
all the time (memory, load, ports) is read from the kernel on every call.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping

from ..disks.block import allows_loop_devices, has_node
from ..disks.report import loop_setting
from ..system.json_cache import JsonCache
from ..system.reading import Roots, hash_of, list_dir, read_bytes, read_text
from . import kernel
from .cephadm import ANSIBLE_FACTS, cephadm_facts, interface_key
from .hardware import read_disks, read_enclosures

if TYPE_CHECKING:
    from .ansible_facts import AnsibleModule

# What decides Ansible's facts, apart from the network interfaces.
_DECIDING_FILES = (
    "{proc}/sys/kernel/random/boot_id",
    "{sys}/devices/system/cpu/online",
    "{sys}/fs/selinux/enforce",
    "{sys}/class/dmi/id/modalias",
    "{etc}/os-release",
    "{etc}/debian_version",
    "{etc}/redhat-release",
    "{etc}/selinux/config",
    "{proc}/net/fib_trie",
    "{proc}/net/if_inet6",
    "{proc}/net/route",
)


def read_facts(module: AnsibleModule, roots: Roots, fqdn: str, kept: JsonCache) -> Dict[str, Any]:
    """Return the facts of this host. ``kept`` holds what Ansible's collectors found last."""
    enclosures = read_enclosures(roots)
    return cephadm_facts(
        gather_ansible(module, roots, kept),
        {
            "system": kernel.read_system(roots, fqdn),
            "interfaces": kernel.read_interfaces(roots),
            "security": kernel.read_security(roots),
            "product_family": kernel.product_family(roots),
            "entitlements": kernel.entitlements(roots),
            "enclosures": enclosures,
            "disks": read_disks(roots, _own(roots), enclosures),
        },
    )


def settings_as_text(settings: Mapping[str, str]) -> str:
    """Return the kernel's settings as lines ``name=value``.

    Ansible handles every value of a result by itself, several times; these are a thousand, of which
    nobody wants a single one.
    """
    return "\n".join(f"{name}={value}" for name, value in sorted(settings.items()))


def gather_ansible(module: AnsibleModule, roots: Roots, kept: JsonCache) -> Dict[str, Any]:
    """Return those of Ansible's facts that are used."""
    mark = fingerprint(roots)
    facts = kept.load(mark)
    if not isinstance(facts, dict):
        from .ansible_facts import gather

        names = list_dir(os.path.join(roots.sys, "class/net"))
        wanted = ANSIBLE_FACTS + [interface_key(name) for name in names]
        found = gather(module)
        facts = {key: found[key] for key in wanted if key in found}
        kept.save(mark, facts)
    return facts


def fingerprint(roots: Roots) -> str:
    """Return a text that changes when Ansible's collectors would find other things."""
    places = {"proc": roots.proc, "sys": roots.sys, "etc": roots.etc}
    parts: List[Any] = [hash_of(read_bytes(place.format(**places))) for place in _DECIDING_FILES]
    top = os.path.join(roots.sys, "class/net")
    for name in list_dir(top):
        values = [read_text(os.path.join(top, name, key)) for key in ("ifindex", "address", "mtu")]
        parts.append([name, values])
    return hash_of(json.dumps(parts).encode("ascii"))


def _own(roots: Roots) -> Callable[[str], bool]:
    """Return a function that tells whether a disk in sysfs is this host's own."""
    loops = allows_loop_devices(loop_setting(roots))

    def own(name: str) -> bool:
        directory = os.path.join(roots.sys, "block", name)
        if name.startswith("loop") and not (loops and os.path.exists(directory + "/loop")):
            return False
        node = os.path.join(roots.dev, name.replace("!", "/"))
        return has_node(roots, node, read_text(os.path.join(directory, "dev")))

    return own
