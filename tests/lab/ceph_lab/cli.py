"""Parse the lab command's arguments and call what does the work."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence

from ceph_lab import (
    access,
    copy,
    disks,
    images,
    labs,
    model,
    needs,
    packages,
    power,
    prune,
    settings,
    status,
    upgrades,
)
from ceph_lab.errors import LabError
from ceph_lab.locks import held
from ceph_lab.report import complain, say, show

EXAMPLES = """\
examples:
  lab up                              three hosts with a cluster, named demo
  lab up --name t1 --hosts 4 --bare h3,h4
  lab ssh h1 ceph -s
  lab ssh h2 sh -c 'lsblk | head'     words reach the host as they are given
  lab copy playbooks roles h1:/root/work
  lab power off h3; lab power on h3
  lab offer 20.2.5 h1 h2              a later Ceph in their package sources
  lab down

environment: LAB (name), LAB_MIRROR, LAB_CACHE (images and packages), LAB_STATE
"""


def main(argv: Sequence[str]) -> int:
    """Run one lab command and return its exit status."""
    arguments = _parser().parse_args(argv)
    arguments.name = arguments.name or settings.default_name()
    # What is written here becomes files of hosts, read by their other users.
    os.umask(0o022)
    needs.complete_path()
    try:
        needs.require_root()
        return int(arguments.run(arguments) or 0)
    except LabError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; lab down removes what was begun")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab",
        description="Real hosts with real Ceph on this machine, for tests and trials.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    name_help = "name of the lab (default: env LAB, else demo)"
    parser.add_argument("--name", default=None, help=name_help)
    common = argparse.ArgumentParser(add_help=False)
    # SUPPRESS: a missing --name here must not wipe out one before the sub-command.
    common.add_argument("--name", default=argparse.SUPPRESS, help=name_help)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=run)
        return made

    _add_up(command("up", _up, "make the lab and start it"))
    command("down", _down, "stop the lab and remove everything of it")
    shown = command("status", _status, "show hosts, cluster health and access")
    shown.add_argument("--format", choices=("table", "json"), default="table")
    command("hosts", _hosts, "print the hosts as JSON")
    command("reset", _reset, "same lab with fresh hosts, disks and cluster")
    _add_ssh(command("ssh", _ssh, "run a command on a host, or log in"))
    _add_copy(command("copy", _copy, "copy files and directories to a host"))
    switched = command("power", _power, "switch a host off hard, or on again")
    switched.add_argument("action", choices=("off", "on"))
    switched.add_argument("host", metavar="HOST")
    plugged = command("link", _link, "cut a host's network, or restore it")
    plugged.add_argument("action", choices=("down", "up"))
    plugged.add_argument("host", metavar="HOST")
    _add_offer(command("offer", _offer, "offer a later version of Ceph to hosts"))
    built = command("image", _image, "only build the images that are not cached")
    _add_image_options(built)
    built.add_argument(
        "--prune", action="store_true", help="then remove older images that no lab uses"
    )
    return parser


def _add_up(parser: argparse.ArgumentParser) -> None:
    _add_image_options(parser)
    add = parser.add_argument
    add("--hosts", type=int, default=3, metavar="N", help="number of hosts (default 3)")
    add("--disks", type=int, default=2, metavar="N", help="disks of each host (default 2)")
    add(
        "--disk-size",
        default="8G",
        metavar="SIZE",
        help="size of each disk, sparse, above 5G (default 8G)",
    )
    add(
        "--image",
        choices=("full", "bare"),
        default="full",
        help="image of all hosts: full has Ceph and Ansible, bare not even Python (default full)",
    )
    add("--bare", type=_names, default=(), metavar="HOST[,..]", help="hosts with the bare image")
    add("--full", type=_names, default=(), metavar="HOST[,..]", help="hosts with the full image")
    add("--bridge", metavar="NAME", help="network bridge to make (default: from the lab's name)")
    add("--subnet", metavar="CIDR", help="IPv4 subnet (default: a /24 from the lab's name)")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--cluster",
        "--ceph",
        dest="cluster",
        action="store_true",
        default=None,
        help="make a cluster of one mon and one mgr on h1 (default where h1 is full)",
    )
    wanted.add_argument(
        "--no-cluster", dest="cluster", action="store_false", default=None, help="make no cluster"
    )
    add(
        "--no-dashboard",
        dest="dashboard",
        action="store_false",
        help="leave the dashboard off (trixie's cannot run)",
    )


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--release",
        default=settings.DEFAULT_RELEASE,
        help=f"Debian release of the hosts (default {settings.DEFAULT_RELEASE})",
    )
    parser.add_argument(
        "--mirror",
        default=settings.default_mirror(),
        metavar="URL",
        help="Debian mirror (default: env LAB_MIRROR, else the machine's own from /etc/apt)",
    )


def _add_ssh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host", metavar="HOST")
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="CMD",
        help="command and arguments, passed on word for word; none: a login shell",
    )


def _add_copy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SRC")
    parser.add_argument("target", metavar="HOST:DIRECTORY", help="made when it is missing")


def _add_offer(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("versions", metavar="VERSION[,..]", type=_names, help=f"such as 20.2.5, or {upgrades.NONE}")
    add("hosts", metavar="HOST", nargs="*", help="hosts (default: all)")
    broken = "a package of it whose installation fails; may be given again"
    add("--broken", metavar="PACKAGE", action="append", default=[], help=broken)
    without = "a package that it lacks; may be given again"
    add("--without", metavar="PACKAGE", action="append", default=[], help=without)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _up(arguments: argparse.Namespace) -> None:
    lab = labs.up(
        labs.Wish(
            name=model.check_name(arguments.name),
            release=arguments.release,
            mirror=arguments.mirror,
            host_count=arguments.hosts,
            disks_per_host=arguments.disks,
            disk_bytes=disks.parse_size(arguments.disk_size),
            image=arguments.image,
            bare=arguments.bare,
            full=arguments.full,
            bridge=arguments.bridge,
            subnet=arguments.subnet,
            cluster=arguments.cluster,
            dashboard=arguments.dashboard,
        )
    )
    say(f"lab {lab.name} is up")
    show(status.table(status.lab_record(lab)))


def _down(arguments: argparse.Namespace) -> None:
    name = model.check_name(arguments.name)
    say(f"lab {name} is removed" if labs.down(name) else f"there is no lab {name}")


def _reset(arguments: argparse.Namespace) -> None:
    lab = labs.reset(arguments.name)
    show(status.table(status.lab_record(lab)))


def _status(arguments: argparse.Namespace) -> int:
    lab = model.load_existing(arguments.name)
    record = status.lab_record(lab)
    show(json.dumps(record, indent=2) if arguments.format == "json" else status.table(record))
    return 0


def _hosts(arguments: argparse.Namespace) -> None:
    lab = model.load_existing(arguments.name)
    show(json.dumps(status.host_records(lab), indent=2))


def _ssh(arguments: argparse.Namespace) -> int:
    lab = model.load_existing(arguments.name)
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    command = access.ssh_command(lab, lab.host(arguments.host), words)
    os.execvp(command[0], command)


def _copy(arguments: argparse.Namespace) -> None:
    copy.copy(model.load_existing(arguments.name), arguments.sources, arguments.target)


def _power(arguments: argparse.Namespace) -> None:
    switch = power.on if arguments.action == "on" else power.off
    with held(labs.lock_name(arguments.name), shared=True):
        lab = model.load_existing(arguments.name)
        switch(lab, lab.host(arguments.host))


def _link(arguments: argparse.Namespace) -> None:
    with held(labs.lock_name(arguments.name), shared=True):
        lab = model.load_existing(arguments.name)
        power.link(lab, lab.host(arguments.host), arguments.action == "up")


def _offer(arguments: argparse.Namespace) -> None:
    lab = model.load_existing(arguments.name)
    hosts = [lab.host(name) for name in arguments.hosts] or lab.hosts
    versions = [each for each in arguments.versions if each != upgrades.NONE]
    offers = [upgrades.Offer(each, arguments.broken, arguments.without) for each in versions]
    upgrades.offer(lab, offers, hosts)


def _image(arguments: argparse.Namespace) -> None:
    needs.ensure_tools()
    images.ensure_images(packages.KINDS, arguments.release, arguments.mirror)
    for kind in packages.KINDS:
        show(str(images.image_path(arguments.release, kind)))
    if arguments.prune:
        for path in prune.prune():
            say(f"removed {path}")
