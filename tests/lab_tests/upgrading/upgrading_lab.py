"""An upgrade as the tests see it: how far it is, how it ends, what it must not leave."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.upgrades.upgrade_lab import AFTER, APT, NEXT, NOW, OF_CEPH, QUIET, Upgrades

HOSTS = ("h1", "h2", "h3")
LATEST = "20.2.7"
OSDS_EACH = 2
# The checks by which an upgrade says what went wrong.
TOLD = ("UPGRADE_", "ANSIBLE_JOB_FAILED")
SECONDS = 2400.0
# No request of a client may take longer while daemons are restarted, on a quiet machine.
LONGEST = 5.0
FLAGS = {"noout", "noin", "noup", "nodown", "norebalance", "nobackfill", "norecover", "pause"}
OLD_CLIENT = "client.old"
IMAGES = Path(os.environ.get("LAB_CACHE") or "/var/cache/ceph-orch-lab") / "images"
# Where hosts have the repositories that they are offered.
REPOSITORIES = "/var/lib/lab-upgrades"
ON_HOST = """
ls -d /usr/sbin/policy-rc.d* /var/lib/ceph-orch-ansible/upgrade.json 2>/dev/null || true
systemctl list-unit-files --state=masked,masked-runtime --no-legend 'ceph*' | cut -d' ' -f1
systemctl list-units --plain --no-legend 'ceph-orch-packages*' | cut -d' ' -f1
"""
BACK = (
    f"{QUIET}; apt-get -q update >/dev/null; "
    f"version=$(apt-cache policy ceph-common | grep -o '{NOW}[^ ]*' | head -n 1); "
    f"packages=$(for p in $({OF_CEPH}); do echo $p=$version; done); dpkg --configure -a || true; "
    f"status=0; {APT} --allow-downgrades install $packages || status=$?; "
    "rm -f /usr/sbin/policy-rc.d; exit $status"
)
# What is restarted while no monitor is there may be told with its old version for ever.
TURNS = ("ceph-mon", "ceph-mgr ceph-osd ceph-mds ceph-radosgw")


def status(lab: Lab) -> dict[str, Any]:
    """Return ``ceph orch upgrade status``; empty where none is under way, or nobody answers."""
    answer = lab.ceph("orch", "upgrade", "status", "--format", "json")
    said = answer.out.strip()
    found: dict[str, Any] = json.loads(said) if said.startswith("{") else {}
    return found if found.get("in_progress") else {}


def kept(lab: Lab) -> bool:
    """Tell whether the monitors keep an upgrade."""
    return lab.ceph("config-key", "exists", "mgr/ansible/upgrade.current").rc == 0


def start(lab: Lab, version: str, *words: str) -> str:
    """Begin an upgrade or go on, when hosts have reported to a manager that may have just begun."""
    return lab.ok_when_settled("orch", "upgrade", "start", "--ceph-version", version, *words)


def wait_over(lab: Lab) -> None:
    """Wait until an upgrade has ended; fail where it pauses."""

    def over() -> bool:
        said = status(lab)
        if said.get("is_paused"):
            pytest.fail(said["message"])
        return not kept(lab)

    wait_until("the upgrade is over", over, SECONDS, every=1.0)


def wait_paused(lab: Lab) -> str:
    """Wait until an upgrade is paused; return what it says."""

    def paused() -> dict[str, Any]:
        said = status(lab)
        return said if said.get("is_paused") else {}

    return str(wait_until("the upgrade is paused", paused, SECONDS, every=1.0)["message"])


def wait_message(lab: Lab, words: str) -> None:
    """Wait until an upgrade is at something; fail where it pauses before."""

    def said() -> bool:
        now = status(lab)
        if now.get("is_paused"):
            pytest.fail(now["message"])
        return words in str(now.get("message"))

    wait_until(f"it says '{words}'", said, SECONDS, every=0.2)


def versions(lab: Lab, kind: str = "overall") -> set[str]:
    """Return which versions daemons run."""
    return {name.split()[2] for name in lab.ceph_json("versions")[kind]}


def count_at(lab: Lab, kind: str, version: str) -> int:
    """Return how many daemons of a kind run a version."""
    found = lab.ceph_json("versions")[kind].items()
    return sum(count for name, count in found if name.split()[2] == version)


def newer(lab: Lab) -> str:
    """Return a version that is newer than that of any daemon."""
    there = max(versions(lab))
    return next(each for each in (NEXT, AFTER, LATEST) if each > there)


def wait_versions(lab: Lab, wanted: str) -> None:
    """Wait until all daemons are told with a version; of gateways old ones are for a minute."""

    def same() -> bool:
        assert versions(lab) == {wanted}
        return True

    wait_until(f"all daemons run {wanted}", same, 180)


def file_systems(lab: Lab) -> dict[str, Any]:
    """Return the settings of file systems that an upgrade changes for a while."""
    return {
        row["mdsmap"]["fs_name"]: (
            row["mdsmap"]["max_mds"],
            row["mdsmap"]["flags_state"]["allow_standby_replay"],
        )
        for row in lab.ceph_json("fs", "dump")["filesystems"]
    }


def left(lab: Lab, *, paused: bool = False) -> dict[str, Any]:
    """Return what an upgrade has left; a paused one has its record, and a check that says why."""
    dump, health = lab.ceph_json("osd", "dump"), lab.ceph_json("health")
    found: dict[str, Any] = {
        "flags": sorted(FLAGS & set(dump["flags_set"])),
        "nodes": dump["crush_node_flags"],
        "classes": dump["device_class_flags"],
        "osds": [row["osd"] for row in dump["osds"] if FLAGS & set(row["state"])],
    }
    found.update({host: lab.sh(host, ON_HOST).split() for host in HOSTS})
    if not paused:
        found["mutes"] = health["mutes"]
        found["checks"] = [each for each in health["checks"] if each.startswith(TOLD)]
        found["record"] = ["upgrade.current"] if kept(lab) else []
        events = lab.ceph_json("progress", "json")["events"]
        found["progress"] = [each["message"] for each in events if "Upgrade to" in each["message"]]
        found["halfway"] = [host for host in HOSTS if lab.sh(host, "dpkg --audit")]
    return {name: each for name, each in found.items() if each}


def assert_nothing_left(lab: Lab, *, paused: bool = False) -> None:
    """Fail where an upgrade has left something; what is told of it may take a moment."""

    def nothing() -> bool:
        assert left(lab, paused=paused) == {}
        return True

    wait_until("nothing is left of the upgrade", nothing, 60, every=1.0)


def go_back(ground: Ground) -> None:
    """Bring all packages and daemons back to the first version, by hand."""
    lab = ground.lab
    lab.ceph("orch", "upgrade", "stop")
    wait_until("no upgrade is under way", lambda: not kept(lab), 300)
    if versions(lab) == {NOW} and all(NOW in lab.sh(host, "ceph --version") for host in HOSTS):
        return
    Upgrades(lab).take_back()

    def back(host: str) -> None:
        answer = lab.ssh(host, "sh", "-euc", BACK, seconds=900)
        assert answer.rc == 0, answer.out[-2000:] + answer.err

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(back, HOSTS))
    for kinds in TURNS:
        targets = " ".join(f"{kind}.target" for kind in kinds.split())
        for host in HOSTS:
            lab.sh(host, f"systemctl reset-failed 'ceph*' || true; systemctl restart {targets}")
        wait_until("all monitors are there", lambda: len(ground.quorum()) == len(HOSTS), 120)
    wait_versions(lab, NOW)
    ground.wait_well()
    wait_until("the backend answers", lambda: lab.ceph("orch", "upgrade", "ls").rc == 0, 120)


@contextmanager
def without_repositories(lab: Lab, host: str) -> Iterator[None]:
    """Take from a host what its lists of packages name."""
    lab.sh(host, f"mkdir -p /run/nothing; mount --bind /run/nothing {REPOSITORIES}")
    try:
        yield
    finally:
        lab.sh(host, f"umount {REPOSITORIES}")


@contextmanager
def with_old_keys(lab: Lab) -> Iterator[None]:
    """Let clients in that know only keys of the older kind, as ``client.old`` has one."""
    lab.ok("mon", "set", "auth_allowed_ciphers", "aes,aes256k")
    lab.ok("mon", "set", "auth_service_cipher", "aes")
    caps = ("mon", "allow r", "mgr", "allow *", "osd", "allow *")
    make = ("auth", "get-or-create", OLD_CLIENT, *caps, "--key_type", "aes")
    # A monitor allows it when it has the new map of monitors.
    wait_until("a key of the older kind is made", lambda: lab.ceph(*make).rc == 0, 60)
    try:
        yield
    finally:
        lab.ok("auth", "rm", OLD_CLIENT)
        lab.ok("mon", "set", "auth_service_cipher", "aes256k")
        lab.ok("mon", "set", "auth_allowed_ciphers", "aes256k")


def older_releases() -> dict[str, list[str]]:
    """Return by release the command that runs its Python, as far as images of it are there."""
    found = {}
    contained = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot"]
    for release in ("bookworm", "trixie"):
        for image in sorted(IMAGES.glob(f"{release}-full-*"))[-1:]:
            found[release] = [*contained, str(image), "python3", "-c"]
    return found
