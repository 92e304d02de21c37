"""NFS clusters, made by Ceph's own commands and used by a real client."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.gateways.nfs_lab import (
    CLIENT,
    LEFT,
    clear,
    info,
    keys,
    objects,
    prepare,
    s3,
)
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

SETTINGS = "EXPORT_DEFAULTS { Attr_Expiration_Time = 0; }\n"
# libnfs makes files that are not there: each copy is one, also of what an earlier run has left.
NUMBERS = itertools.count()


@pytest.fixture
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of a lab with a file system and a bucket, and no NFS cluster."""
    found = prepare(cluster)
    yield found
    cluster.repair()
    clear(found)
    found.remove_all()
    found.close()


def url(lab: Lab, host: str, path: str, port: int = 2049) -> str:
    return f"nfs://{lab.machines[host].addr}/{path}?version=4&nfsport={port}"


def copy(lab: Lab, host: str, path: str, port: int = 2049) -> str:
    """Copy a file to a place over NFS and back, and compare; return its path."""
    path = f"{path}-{time.time():.0f}-{next(NUMBERS)}"
    there = url(lab, host, path, port)
    script = (
        "head -c 100000 /dev/urandom >/tmp/nfs.in; rm -f /tmp/nfs.out; "
        f"timeout 60 nfs-cp /tmp/nfs.in '{there}' && "
        f"timeout 60 nfs-cat '{there}' | cmp - /tmp/nfs.in"
    )
    lab.sh(CLIENT, script)
    return path


def wait_copied(lab: Lab, host: str, path: str, port: int = 2049) -> str:
    """Copy as soon as the grace period of a gateway that was restarted is over."""
    return wait_until(
        f"{path} is copied through {host}", lambda: copy(lab, host, path, port), SECONDS, 1.0
    )


def create(services: Services, name: str, *hosts: str, port: int = 2049) -> None:
    """Make a cluster as an administrator does."""
    more = () if port == 2049 else (f"--port={port}",)
    services.lab.ok("nfs", "cluster", "create", name, " ".join(hosts), *more)
    services.wait_runs(f"nfs.{name}", len(hosts))


def restarted(services: Services, name: str) -> None:
    """Wait until a restart of a cluster has ended."""

    def done() -> bool:
        events = services.ls()[f"nfs.{name}"].get("events", ())
        assert any("restart: done" in each for each in events), events
        return True

    wait_until(f"nfs.{name} is restarted", done, SECONDS)
    services.wait_runs(f"nfs.{name}")


def ids(services: Services, name: str) -> dict[str, str]:
    return {row["hostname"]: row["daemon_id"] for row in services.ps(f"nfs.{name}")}


def test_a_client_copies_in_and_out_of_both_kinds_of_exports(services: Services) -> None:
    lab = services.lab
    create(services, "a", "h1", "h2")
    rows = services.ps("nfs.a")
    assert [row["ports"] for row in rows] == [[2049], [2049]]
    assert sorted(row["rank"] for row in rows) == [0, 1]
    assert all(row["version"][0].isdigit() for row in rows)
    backends = {row["hostname"]: (row["ip"], row["port"]) for row in info(lab, "a")["backend"]}
    assert backends == {name: (lab.machines[name].addr, 2049) for name in ("h1", "h2")}

    lab.ok("nfs", "cluster", "config", "set", "a", "-i", "-", stdin=SETTINGS)
    restarted(services, "a")
    assert "EXPORT_DEFAULTS" in lab.ok("nfs", "cluster", "config", "get", "a")

    jobs = services.changing_jobs()
    lab.ok("nfs", "export", "create", "cephfs", "a", "/cfs", "cfs")
    lab.ok("nfs", "export", "create", "rgw", "a", "/bkt", "--bucket=bkt")
    for host in ("h1", "h2"):
        wait_copied(lab, host, f"bkt/of-{host}")
        there = wait_copied(lab, host, f"cfs/of-{host}")
    assert services.changing_jobs() == jobs, "exports need no job"
    # The other gateway has the same file, and S3 the object that was written over NFS.
    lab.sh(CLIENT, f"nfs-cat '{url(lab, 'h1', there)}' | cmp - /tmp/nfs.in")
    assert lab.sh(CLIENT, f"nfs-cat '{url(lab, 'h2', 'bkt/by-s3')}'") == "hello"
    assert "of-h1" in s3(lab, "", "bkt")

    # One that is killed comes back by itself; one that is stopped holds nobody up.
    unit = f"ceph-orch-nfs@{ids(services, 'a')['h1']}.service"
    lab.sh("h1", f"systemctl kill -s KILL {unit}")
    services.wait_runs("nfs.a", 2)
    wait_copied(lab, "h1", "cfs/after-a-crash")
    lab.ok("orch", "daemon", "stop", f"nfs.{ids(services, 'a')['h1']}")
    wait_until("h1 stands", lambda: services.hosts("nfs.a") == ["h2"], SECONDS)
    wait_copied(lab, "h2", "cfs/without-the-other")
    lab.ok("orch", "daemon", "start", f"nfs.{ids(services, 'a')['h1']}")
    services.wait_runs("nfs.a", 2)
    wait_copied(lab, "h1", "cfs/again")

    # A third gateway comes, the first goes.
    lab.ok("orch", "apply", "nfs", "a", "h2,h3")
    wait_until("it has moved", lambda: services.hosts("nfs.a") == ["h2", "h3"], SECONDS)
    wait_copied(lab, "h3", "cfs/of-h3")
    said = lab.sh("h1", LEFT).split()
    assert set(said) <= {"disabled", "not-found"}, said

    lab.ok("nfs", "cluster", "rm", "a")
    wait_until("it is gone", lambda: "nfs.a" not in services.ls(), SECONDS)
    for host in lab.machines:
        said = lab.sh(host, LEFT).split()
        assert set(said) <= {"disabled", "not-found"}, f"{host}: {said}"
    wait_until("no key is left", lambda: not keys(services), SECONDS)
    assert objects(lab, "a") == []
    assert ".nfs" in lab.ok("osd", "pool", "ls").split()
    assert s3(lab, "", "bkt/by-s3") == "hello"


def test_two_clusters_share_hosts_and_a_playbook_does_the_same(services: Services) -> None:
    lab = services.lab
    create(services, "a", "h1", "h2")
    answer = lab.ceph("nfs", "cluster", "create", "b", "h1 h2")
    assert answer.rc != 0
    assert "nfs.a has it on host 'h1'" in answer.err
    create(services, "b", "h1", port=2050)
    for name, port in (("a", 2049), ("b", 2050)):
        lab.ok("nfs", "export", "create", "cephfs", name, f"/{name}", "cfs")
        wait_copied(lab, "h1", f"{name}/of-{name}", port)
    jobs = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=lab.ok("orch", "ls", "nfs", "--export"))
    assert services.changing_jobs() == jobs, "applied again, something was done"

    identity = ids(services, "b")["h1"]
    key = lab.ok("auth", "print-key", f"client.nfs.{identity}").strip()
    row = {"id": identity, "port": 2050, "settings": {"namespace": "b"}}
    given: dict[str, Any] = {
        "daemon_deploy_fsid": lab.ok("fsid").strip(),
        "daemon_deploy_daemons": {"h1": [row]},
    }
    answer = by_hand(lab, ("apply_nfs",), *("--limit", "h1"), **given)
    assert recap(answer, "h1") == 0, "by hand it is another end"
    seen = "journalctl --no-pager; grep -rs . /var/lib/ceph/orch-ansible /var/log/ceph; ps axeww"
    count = f"({seen}) 2>/dev/null | grep -v grep | grep -c -F '{key}' || true"
    for host in ("h1", "h2"):
        assert lab.sh(host, count) == "0\n"

    lab.ok("nfs", "cluster", "rm", "b")
    wait_until("it is gone", lambda: "nfs.b" not in services.ls(), SECONDS)
    wait_copied(lab, "h1", "a/still-there")


def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(services: Services) -> None:
    lab = services.lab
    jobs = services.changing_jobs()
    for words, said in (
        (("nfs", "cluster", "create", "c", "h1", "--enable-nfsv3"), "deploys NFS 4 only"),
        (("nfs", "cluster", "create", "c", "h9"), "h9"),
        (("orch", "apply", "nfs", "c", "h1", "--port=70000"), "port: 70000 is not allowed"),
    ):
        answer = lab.ceph(*words)
        assert answer.rc != 0, answer.out
        assert said in answer.err
    assert services.changing_jobs() == jobs
    assert "nfs.c" not in services.ls()
