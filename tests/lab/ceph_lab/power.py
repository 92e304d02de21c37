"""Switch single hosts off and on, and their network."""

from __future__ import annotations

from ceph_lab import build, disks, network, nspawn
from ceph_lab.errors import LabError
from ceph_lab.locks import held
from ceph_lab.model import Host, Lab
from ceph_lab.report import say


def off(lab: Lab, host: Host) -> None:
    """Cut a host's power: its processes die at once; overlay and disks stay."""
    pid = nspawn.find(lab, host)
    if pid is None:
        say(f"{host.name} is off already")
        return
    nspawn.kill(pid)
    say(f"{host.name} is off")


def on(lab: Lab, host: Host) -> None:
    """Start a host with the overlay and the disks it had, and wait for its ssh."""
    if nspawn.find(lab, host) is not None:
        say(f"{host.name} is on already")
        return
    if not network.exists(lab.bridge):
        raise LabError(
            f"bridge {lab.bridge} of lab {lab.name} is gone (was the machine restarted?); "
            f"start afresh: lab reset --name {lab.name}"
        )
    with held("disks"):
        if not disks.attached(lab):
            build.attach_disks(lab)
    nspawn.mount_root(lab, host)
    build.start_host(lab, host)
    say(f"{host.name} answers on ssh at {host.addr}")


def link(lab: Lab, host: Host, up: bool) -> None:
    """Plug in or pull a running host's network cable."""
    network.set_link(nspawn.running_leader(lab, host), up)
    say(f"the network of {host.name} is {'up' if up else 'down'}")
