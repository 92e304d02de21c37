"""Bring a lab's parts up in the right order."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ceph_lab import access, cluster, disks, host_files, network, nspawn, udev
from ceph_lab.errors import LabError
from ceph_lab.model import Host, Lab
from ceph_lab.report import say, step

BOOT_SECONDS = 120


def build(lab: Lab) -> None:
    """Make everything a saved lab describes, and its cluster; mark it as ready."""
    if not network.exists(lab.bridge):
        network.create_bridge(lab)
        say(f"bridge {lab.bridge}, {lab.subnet}, this machine is {lab.gateway}")
    access.make_key(lab)
    attach_disks(lab)
    with step(f"{len(lab.hosts)} hosts"):
        _prepare_hosts(lab)
        _start_hosts(lab)
    lab.phase = "ready"
    lab.save()


def start_host(lab: Lab, host: Host) -> None:
    """Start one prepared host and wait for its ssh; raise LabError with its last words."""
    begun = nspawn.start(lab, host)
    try:
        access.wait_for(host, BOOT_SECONDS)
    except LabError as error:
        state = "runs" if nspawn.find(lab, host) else "has ended"
        raise LabError(
            f"{error}; its systemd-nspawn (process {begun}) {state}; last words in "
            f"{nspawn.log_file(lab, host)}: {nspawn.log_tail(lab, host)}"
        ) from error


def attach_disks(lab: Lab) -> None:
    """Connect all disks of a lab and let udev name them; saves which loop is which."""
    for disk in lab.disks:
        disks.attach(disk)
        lab.save()
    udev.publish(lab)
    for host in lab.hosts:
        if host.disks:
            loops = ", ".join(disk.loop for disk in host.disks)
            say(f"disks of {host.name}: {loops}")


def _prepare_hosts(lab: Lab) -> None:
    keys = {}
    for host in lab.hosts:
        nspawn.mount_root(lab, host)
    with ThreadPoolExecutor(max_workers=len(lab.hosts)) as pool:
        written = pool.map(lambda host: host_files.write(lab, host), lab.hosts)
        keys = {host.name: lines for host, lines in zip(lab.hosts, written, strict=True)}
    access.write_config(lab, keys)


def _start_hosts(lab: Lab) -> None:
    """Start all hosts at once; h1 begins with the cluster while others still boot."""
    said = threading.Lock()

    def bring_up(host: Host) -> None:
        start_host(lab, host)
        with said:
            say(f"{host.name} answers on ssh at {host.addr} ({host.image} image)")
        if lab.cluster and host is lab.hosts[0]:
            with step(f"cluster on {host.name}"):
                cluster.bootstrap(lab, host)

    with ThreadPoolExecutor(max_workers=len(lab.hosts)) as pool:
        _raise_first(pool.submit(bring_up, host) for host in lab.hosts)


def _raise_first(futures: Iterable[Future[None]]) -> None:
    """Wait for all and raise one error that names every host that failed."""
    errors = [str(error) for future in list(futures) if (error := future.exception())]
    if errors:
        raise LabError("; ".join(errors))
