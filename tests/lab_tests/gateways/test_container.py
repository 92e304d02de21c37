"""A custom container of an image that only its host has: it serves a page, and leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

# The lab's hosts are on overlayfs, and have no controller of processes: podman cannot know it.
SETUP = """
mkdir -p /etc/containers /srv/lab
cat >/etc/containers/storage.conf <<END
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
END
printf '[containers]\\npids_limit = 0\\n' >/etc/containers/containers.conf
echo of the host >/srv/lab/mounted
"""
# A root file system of one static program.
IMAGE = """
export DEBIAN_FRONTEND=noninteractive
(apt-get update && apt-get install -y --no-install-recommends podman crun busybox-static) \
  >/dev/null 2>&1
mkdir -p /tmp/root/bin /tmp/root/srv /tmp/root/tmp && cp /bin/busybox /tmp/root/bin/
for name in sh httpd cat sleep; do ln -sf busybox /tmp/root/bin/$name; done
podman image exists localhost/tiny:1 || tar c -C /tmp/root . | podman import - localhost/tiny:1
"""
LEFT = """
find /etc/containers/systemd /etc/ceph-orch-ansible/container /run/systemd/generator \
  -name '*ceph-orch-container*' 2>/dev/null || true
find /etc/ceph-orch-ansible/container /var/lib/ceph-orch-ansible/container \
  -mindepth 1 -maxdepth 1 2>/dev/null || true
systemctl list-units 'ceph-orch-container@*' --all --no-legend
podman ps -aq; podman secret ls -q
"""
# What an administrator would find the word in, but the files that root alone reads.
SEEN = """
(journalctl --no-pager; grep -rs . /var/lib/ceph/orch-ansible /var/log/ceph /etc/containers
ps axww; systemctl cat 'ceph-orch-container@*'; podman inspect $(podman ps -aq)) 2>/dev/null |
  grep -v grep | grep -c canary-word || true
"""
PORT = 8088


def spec_of(host: str, **fields: Any) -> str:
    """Return a container that serves what another one has prepared."""
    prepare = 'echo "made by $MADE_BY, of $ODD" >/site/made'
    given = {
        "image": "localhost/tiny:1",
        "entrypoint": "/bin/httpd",
        "extra_entrypoint_args": ["-f", "-p", str(PORT), "-h", "/site"],
        "args": ["--net=host", {"argument": "--label=a.b=c d"}, "--read-only"],
        "envs": ["PASSWORD=canary-word", "MADE_BY=init", 'ODD=100% $HOME "q" \\ é'],
        "dirs": ["site"],
        "files": {"site/index.html": ["hello", "$PATH %n"]},
        "volume_mounts": {"site": "/site"},
        "bind_mounts": [["type=bind", "source=/srv/lab", "destination=/site/host", "ro=true"]],
        "init_containers": [
            {
                "entrypoint": "/bin/sh",
                "entrypoint_args": [{"argument": "-c"}, {"argument": prepare}],
            }
        ],
        "uid": 33,
        "ports": [PORT],
        **fields,
    }
    given = {name: each for name, each in given.items() if each is not None}
    # Ceph reads these beside `spec` alone.
    beside = {name: given.pop(name) for name in ("custom_configs", "networks") if name in given}
    data = {"service_type": "container", "service_id": "web", "placement": {"hosts": [host]}}
    return yaml.safe_dump({**data, "spec": given, **beside})


@pytest.fixture
def services(cluster: Lab) -> Iterator[Services]:
    """Return the services of a lab whose h1 has the image."""
    found = Services(cluster)
    wait_until("the backend answers", found.ls, 60)
    found.remove("container.web")
    for host in ("h1", "h2"):
        cluster.sh(host, SETUP)
    cluster.sh("h1", IMAGE)
    yield found
    cluster.repair()
    found.remove("container.web")
    found.close()


def page(lab: Lab, path: str = "") -> str:
    """Return what the container on h1 serves to another host."""
    url = f"http://{lab.machines['h1'].addr}:{PORT}/{path}"
    return lab.sh("h3", f"curl -s --max-time 5 {url} || true")


def apply(services: Services, host: str = "h1", **fields: Any) -> None:
    services.lab.ok("orch", "apply", "-i", "-", stdin=spec_of(host, **fields))


def test_a_container_serves_a_page_until_it_is_removed(services: Services) -> None:
    lab = services.lab
    said = lab.ok("orch", "apply", "-i", "-", "--dry-run", stdin=spec_of("h1"))
    assert "container" in said
    assert "container.web" not in services.ls()
    apply(services)
    services.wait_runs("container.web", 1)
    (row,) = services.ps("container.web")
    name = f"container.{row['daemon_id']}"
    store = f"/var/lib/ceph-orch-ansible/container/{row['daemon_id']}"
    assert (row["ports"], row["container_image_name"]) == ([PORT], "localhost/tiny:1")
    assert all(row[each] for each in ("container_id", "container_image_id", "memory_usage"))
    assert page(lab) == "hello\n$PATH %n\n"
    assert page(lab, "host/mounted") == "of the host\n"
    assert page(lab, "made") == 'made by init, of 100% $HOME "q" \\ é\n'
    assert lab.sh("h1", f"stat -c %a:%u {store}/site/index.html").strip() == "600:33"
    label = "podman inspect --format '{{index .Config.Labels \"a.b\"}}' $(podman ps -q)"
    assert lab.sh("h1", label) == "c d\n"
    assert lab.sh("h1", SEEN) == "0\n"

    jobs = services.changing_jobs()
    apply(services)
    assert services.changing_jobs() == jobs, "applied again, something was done"

    # Each verb, and what becomes of the page.
    lab.ok("orch", "daemon", "stop", name)
    wait_until("it is stopped", lambda: services.ps("container.web")[0]["status"] == 0, SECONDS)
    assert page(lab) == ""
    lab.ok("orch", "daemon", "start", name)
    services.wait_runs("container.web", 1)
    before = services.ps("container.web")[0]["container_id"]
    lab.ok("orch", "restart", "container.web")
    wait_until(
        "it is another container",
        lambda: services.ps("container.web")[0]["container_id"] != before,
        SECONDS,
    )
    services.wait_runs("container.web", 1)
    apply(services, files={"site/index.html": "other\n"})
    wait_until("the page is another one", lambda: page(lab) == "other\n", SECONDS)
    services.wait_runs("container.web", 1)

    # One that ends is started again; so is one whose host is switched off.
    lab.sh("h1", "podman kill $(podman ps -q) >/dev/null")
    wait_until("it serves again", lambda: page(lab) == "other\n", SECONDS)

    services.remove("container.web")
    left = lab.sh("h1", LEFT).split()
    assert left == [store], "what it has made stays"
    assert lab.sh("h1", f"cd {store} && find . -type f").split() == ["./site/made"]
    assert lab.sh(
        "h1", "cat /srv/lab/mounted; podman image exists localhost/tiny:1 && echo there"
    ) == ("of the host\nthere\n")
    lab.sh("h1", f"rm -r {store}")


def test_a_host_that_was_off_serves_again(services: Services) -> None:
    lab = services.lab
    host = next(name for name in ("h2", "h3") if name != lab.first)
    lab.sh(host, SETUP)
    lab.sh(host, IMAGE)
    apply(services, host)
    services.wait_runs("container.web", 1)
    lab.power(host, "off")
    lab.power(host, "on")
    url = f"http://{lab.machines[host].addr}:{PORT}/"
    answer = f"curl -s --max-time 5 {url} || true"
    wait_until("it serves again", lambda: "hello" in lab.sh("h1", answer), SECONDS)
    services.wait_runs("container.web", 1)
    services.remove("container.web")
    lab.sh(host, "rm -rf /var/lib/ceph-orch-ansible/container")


def test_an_image_that_is_not_there_is_named_with_its_host(services: Services) -> None:
    lab = services.lab
    apply(services, "h1", image="localhost/none:1", init_containers=None)
    services.wait_named("container.web", "h1", "the image localhost/none:1 is not on host h1")
    assert not lab.sh("h1", LEFT).split()
    apply(services, "h1", init_containers=None)
    services.wait_healed("container.web", 1)


def test_a_playbook_does_the_same(services: Services) -> None:
    lab = services.lab
    configs = [{"mount_path": "/one", "content": "x"}]
    apply(services, custom_configs=configs, files=None, init_containers=None)
    services.wait_runs("container.web", 1)
    (row,) = services.ps("container.web")
    folder = f"/etc/ceph-orch-ansible/container/{row['daemon_id']}"
    text = lab.sh("h1", f"cat {folder}/container.json")
    assert json.loads(text)["custom_configs"] == configs
    assert lab.sh("h1", "podman exec $(podman ps -q) /bin/cat /one") == "x"
    daemon = {"id": row["daemon_id"], "port": PORT, "files": {"container.json": text}}
    for words in ((), ("--check",)):
        answer = by_hand(
            lab,
            ("apply_container",),
            *("--limit", "h1", *words),
            daemon_deploy_fsid=lab.ok("fsid").strip(),
            daemon_deploy_daemons={"h1": [daemon]},
        )
        assert recap(answer, "h1") == 0, "by hand it is another end"
    assert lab.sh("h1", SEEN) == "0\n", "Ansible logs there what modules are given"


def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(services: Services) -> None:
    lab = services.lab
    jobs = services.changing_jobs()
    for fields, said in (
        ({"args": ["--network=bridge"]}, "the container has the network of its host"),
        ({"files": {"../x": "y"}}, "it is not a path inside of the container's directory"),
        ({"envs": ["PASSWORD"]}, "it is not a variable with its value"),
        ({"volume_mounts": {"other": "/x"}}, "will have nothing of this name"),
        ({"networks": ["10.0.0.0/8"]}, "networks"),
    ):
        answer = lab.ceph("orch", "apply", "-i", "-", stdin=spec_of("h1", **fields))
        assert answer.rc != 0
        assert said in answer.err
    assert services.changing_jobs() == jobs
    assert "container.web" not in services.ls()
