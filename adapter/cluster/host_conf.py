"""Which monitors a host's ceph.conf names, as its last report said. Hosts are not trusted."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.hosts import Hosts
from adapter.cluster.reports import HostReport, Reports

PATH = "/etc/ceph/ceph.conf"


@dataclass(frozen=True)
class HostConf:
    """``mons`` are addresses or names; ``ours`` tells that we wrote the file and keep it.

    ``overridden`` tells that we keep lines of it which have no effect, for the site has set them
    again.
    """

    mons: Tuple[str, ...]
    ours: bool
    overridden: bool = False

    def is_stale(self, addresses: Collection[str]) -> bool:
        """Tell whether the file is ours and names others than these addresses."""
        return self.ours and set(self.mons) != set(addresses)

    def is_overridden(self, addresses: Collection[str]) -> bool:
        """Tell whether what we keep would name these addresses, and what has effect does not."""
        return self.overridden and set(self.mons) != set(addresses)

    def is_cut_off(self, addresses: Collection[str]) -> bool:
        """Tell whether the file names monitors and none of these; names are given the benefit."""
        known = [mon for mon in self.mons if _is_address(mon)]
        return bool(known) and len(known) == len(self.mons) and not set(known) & set(addresses)


def conf_of(report: Optional[HostReport]) -> Optional[HostConf]:
    """Return what a report says of the host's ceph.conf, or None."""
    said: Any = report.identity.get("conf") if report else None
    if not isinstance(said, Mapping) or not isinstance(said.get("mons"), list):
        return None
    mons = tuple(str(mon) for mon in said["mons"] if isinstance(mon, str))
    return HostConf(mons, said.get("ours") is True, said.get("overridden") is True)


def confs_of(hosts: Hosts, reports: Reports) -> Dict[str, HostConf]:
    """Return what hosts have as their ceph.conf, as far as they have said."""
    names = [host.hostname for host in hosts.all()]
    confs = {name: conf_of(reports.get(name)) for name in names}
    return {name: conf for name, conf in confs.items() if conf is not None}


def cut_off_lines(confs: Mapping[str, HostConf], addresses: Collection[str]) -> Dict[str, str]:
    """Return what is wrong by host where a ceph.conf leads to no monitor, or to old ones."""
    if not addresses:
        return {}
    lines = {}
    for host, conf in sorted(confs.items()):
        if conf.is_overridden(addresses):
            lines[host] = (
                f"{PATH} sets mon_host again below the lines that are kept up to date, and Ceph "
                f"takes the last one: {', '.join(conf.mons)}. Remove that line; to keep it, remove "
                "the line that begins with `# Kept up to date by ceph-orch-ansible`."
            )
        elif conf.is_cut_off(addresses):
            lines[host] = (
                f"{PATH} names no monitor that there is, only {', '.join(conf.mons)}: commands and "
                "daemons that start there do not find the cluster. `ceph config "
                "generate-minimal-conf` prints a right one."
            )
    return lines


def only_way(confs: Mapping[str, HostConf], leaving: str, staying: Collection[str]) -> List[str]:
    """Return the hosts whose own ceph.conf would name no monitor without the one that leaves."""
    return [
        host
        for host, conf in sorted(confs.items())
        if not conf.ours and leaving in conf.mons and conf.is_cut_off(staying)
    ]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
