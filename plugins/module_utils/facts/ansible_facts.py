"""Gather Ansible's own facts inside the module: what ``gather_facts`` would need a task for.

Ansible's collectors are used as they are, but only those that answer from memory: no mounts (a dead
NFS server blocks them), no name server (``socket.getfqdn`` can take half a minute, so the platform
facts are left out and what others need of them is given), no tools that are started for each disk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Optional

from ansible.module_utils.facts import ansible_collector
from ansible.module_utils.facts.hardware.base import HardwareCollector
from ansible.module_utils.facts.hardware.linux import LinuxHardware
from ansible.module_utils.facts.network.linux import LinuxNetworkCollector
from ansible.module_utils.facts.system.distribution import DistributionFactCollector
from ansible.module_utils.facts.system.selinux import SelinuxFactCollector

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule as AnsibleModule

_GATHER_TIMEOUT = 5


class _Hardware(LinuxHardware):
    """Ansible's hardware facts without the parts that start programs or touch file systems."""

    def populate(self, collected_facts: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        facts: Dict[str, Any] = {}
        facts.update(self.get_cpu_facts(collected_facts=collected_facts))
        facts.update(self.get_memory_facts())
        facts.update(self.get_dmi_facts())
        facts.update(self.get_uptime_facts())
        return facts


class _HardwareCollector(HardwareCollector):
    _platform = "Linux"
    _fact_class = _Hardware
    required_facts: FrozenSet[str] = frozenset()  # type: ignore[assignment]  # it is only read


class _NetworkCollector(LinuxNetworkCollector):
    required_facts: FrozenSet[str] = frozenset()  # type: ignore[assignment]  # it is only read


_COLLECTORS = [
    DistributionFactCollector,
    _HardwareCollector,
    _NetworkCollector,
    SelinuxFactCollector,
]


def gather(module: AnsibleModule) -> Dict[str, Any]:
    """Return Ansible's facts of this host, with the names that they have in ``ansible_facts``."""
    collector = ansible_collector.get_ansible_collector(
        all_collector_classes=_COLLECTORS,
        gather_subset=["!all", "!min", "hardware", "network", "distribution", "selinux"],
        gather_timeout=_GATHER_TIMEOUT,
    )
    known = {"ansible_architecture": os.uname().machine}
    found: Dict[str, Any] = collector.collect(module=module, collected_facts=known)
    return found
