"""Make, remake and remove whole labs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ceph_lab import archive, build, cgroups, disks, images, model, needs, network, nspawn, udev
from ceph_lab.errors import LabError
from ceph_lab.files import remove_tree
from ceph_lab.locks import held
from ceph_lab.model import Disk, Host, Lab
from ceph_lab.packages import ImageKind
from ceph_lab.report import say, step


@dataclass(frozen=True)
class Wish:
    """What the caller of `up` asked for; None means: choose for me."""

    name: str
    release: str
    mirror: str
    host_count: int = 3
    disks_per_host: int = 2
    disk_bytes: int = 8 * 1024**3
    image: ImageKind = "full"
    bare: Sequence[str] = field(default_factory=tuple)
    full: Sequence[str] = field(default_factory=tuple)
    bridge: str | None = None
    subnet: str | None = None
    cluster: bool | None = None
    dashboard: bool = True


def up(wish: Wish) -> Lab:
    """Make a lab; one that runs already is left as it is.

    What a failed or killed `up` left is removed first. Raises LabError with
    the failing step; `down` removes whatever there is then.
    """
    with held(lock_name(wish.name), wait=False):
        present = model.load(wish.name)
        if present is not None and present.phase == "ready":
            return _already_up(present)
        needs.ensure_tools()
        if _remove(wish.name):
            say(f"removed what an unfinished start of lab {wish.name} left")
        images_by_host = _images_by_host(wish)
        images.ensure_images(set(images_by_host.values()), wish.release, wish.mirror)
        lab = _plan(wish, images_by_host)
        try:
            build.build(lab)
        except LabError as error:
            raise LabError(f"{error}; remove what was begun: lab down --name {lab.name}") from error
        return lab


def reset(name: str) -> Lab:
    """Give a lab fresh hosts, disks and cluster under the same names and addresses."""
    with held(lock_name(name), wait=False):
        lab = model.load_existing(name)
        needs.ensure_tools()
        lab.phase = "starting"
        lab.save()
        with step(f"stopping the hosts of lab {name}"):
            _stop_hosts(name)
            remove_tree(lab.directory / "hosts")
            remove_tree(lab.directory / "disks")
        for host in lab.hosts:
            if not Path(host.image_path).is_dir():
                raise LabError(
                    f"the image of {host.name} is gone ({host.image_path}); "
                    f"make the lab anew: lab down --name {name}; lab up --name {name}"
                )
        build.build(lab)
        return lab


def down(name: str) -> bool:
    """Remove a lab and everything of it; tell whether there was anything."""
    with held(lock_name(name)):
        return _remove(name)


def lock_name(name: str) -> str:
    """Return the lock that guards a lab's existence."""
    return f"lab-{model.check_name(name)}"


def _remove(name: str) -> bool:
    """Remove whatever exists of a lab, found by its name and not by memory alone."""
    lab = model.load(name)
    directory = model.lab_directory(name)
    bridges = set(network.bridges_of(name))
    # A start that was killed had perhaps no time to mark its bridge.
    if lab is not None and network.exists(lab.bridge):
        bridges.add(lab.bridge)
    existed = directory.exists() or bool(bridges) or bool(nspawn.find_all(directory))
    _stop_hosts(name)
    for bridge in bridges:
        network.remove_bridge(bridge)
    udev.release(name)
    remove_tree(directory)
    return existed


def _stop_hosts(name: str) -> None:
    directory = model.lab_directory(name)
    nspawn.stop_all(nspawn.find_all(directory))
    cgroups.remove(name)
    nspawn.unmount_roots(directory)
    udev.forget_rules(name)
    disks.detach_all(directory)


def _already_up(lab: Lab) -> Lab:
    off = [host.name for host in lab.hosts if nspawn.find(lab, host) is None]
    if len(off) == len(lab.hosts):
        raise LabError(
            f"lab {lab.name} exists but none of its hosts runs (was the machine restarted?); "
            f"start afresh: lab reset --name {lab.name}"
        )
    say(f"lab {lab.name} is up already and is left as it is; to change it, lab down first")
    return lab


def _images_by_host(wish: Wish) -> dict[str, ImageKind]:
    if not 1 <= wish.host_count <= model.MAX_HOSTS:
        raise LabError(f"--hosts {wish.host_count} is not possible: 1 to {model.MAX_HOSTS}")
    names = [f"h{number}" for number in range(1, wish.host_count + 1)]
    unknown = [name for name in (*wish.bare, *wish.full) if name not in names]
    if unknown:
        raise LabError(f"--bare/--full names {', '.join(unknown)}; hosts are {', '.join(names)}")
    kinds = dict.fromkeys(names, wish.image)
    kinds.update(dict.fromkeys(wish.bare, "bare"))
    kinds.update(dict.fromkeys(wish.full, "full"))
    if wish.cluster and kinds["h1"] == "bare":
        raise LabError("the cluster is made on h1, which is bare; use --full h1 or --no-cluster")
    return kinds


def _plan(wish: Wish, images_by_host: dict[str, ImageKind]) -> Lab:
    """Choose what must not clash with other labs, and save it before it is made."""
    with held("network"):
        bridge = wish.bridge or network.bridge_name(wish.name)
        network.check_bridge(bridge, wish.name)
        lab = Lab(
            name=wish.name,
            release=wish.release,
            bridge=bridge,
            subnet=network.choose_subnet(wish.name, wish.subnet),
            repository=str(archive.repository_path(wish.release)),
            cluster=images_by_host["h1"] == "full" if wish.cluster is None else wish.cluster,
            dashboard=wish.dashboard,
        )
        lab.hosts = [_host(wish, lab, *item) for item in enumerate(images_by_host.items())]
        if not lab.cluster:
            say("no cluster: " + ("h1 is bare" if wish.cluster is None else "not wanted"))
        lab.save()
        return lab


def _host(wish: Wish, lab: Lab, index: int, item: tuple[str, ImageKind]) -> Host:
    name, kind = item
    numbers = range(1, wish.disks_per_host + 1)
    return Host(
        name=name,
        addr=str(lab.network[model.FIRST_HOST_ADDRESS + index]),
        image=kind,
        image_path=str(images.image_path(wish.release, kind)),
        disks=[
            Disk(
                serial=f"LAB{name}d{number}",
                file=str(lab.directory / "disks" / f"{name}d{number}.img"),
                size=wish.disk_bytes,
            )
            for number in numbers
        ],
    )
