"""An ingress before object gateways, with a real S3 client: what fails while something is off."""

from __future__ import annotations

import time
from typing import Any

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

# What may be left on a host; the packages and their own files stay.
LEFT = """
find /etc/ceph-orch-ansible /etc/systemd/system /run -name '*ceph-orch-haproxy*' \
  -o -name '*ceph-orch-keepalived*' -o -path '/etc/ceph-orch-ansible*' 2>/dev/null || true
systemctl list-units 'ceph-orch-haproxy@*' 'ceph-orch-keepalived@*' --all --no-legend
systemctl is-enabled haproxy keepalived 2>/dev/null || true
"""
# Each request is made again for 40 s: as long as OSDs of a host that is off hold writes up.
CLIENT = """
A=http://$1; C="curl -s --connect-timeout 1 --max-time 4 --aws-sigv4 aws:amz:default:s3 -u AK1:SK1"
head -c 50000 /dev/urandom >/tmp/ingress.in; rm -f /tmp/ingress.stop /tmp/ingress.bad
$C -X PUT $A/ing >/dev/null; n=0
while [ ! -e /tmp/ingress.stop ]; do
  n=$((n+1)); till=$(($(date +%s)+40))
  until [ "$($C -o /dev/null -w '%{http_code}' -T /tmp/ingress.in $A/ing/o$((n%9)))" = 200 ] &&
    $C $A/ing/o$((n%9)) | cmp -s - /tmp/ingress.in; do
    [ $(date +%s) -lt $till ] || { echo $n >>/tmp/ingress.bad; break; }
    sleep 0.3
  done
  echo $n >/tmp/ingress.done
done
"""


def address_of(lab: Lab) -> str:
    """Return an address of the lab's network that no host has."""
    return ".".join([*lab.machines["h1"].addr.split(".")[:3], "200"])


def spec_of(lab: Lab, *hosts: str, **fields: Any) -> str:
    """Return an ingress service as a file."""
    given = {
        "backend_service": "rgw.web",
        "virtual_ip": f"{address_of(lab)}/24",
        "frontend_port": 8000,
        "monitor_port": 1967,
        **fields,
    }
    data = {"service_type": "ingress", "service_id": "web", "placement": {"hosts": [*hosts]}}
    return yaml.safe_dump({**data, "spec": given})


def holders(lab: Lab) -> list[str]:
    """Return the hosts that have the address."""
    word = f"inet {address_of(lab)}/"
    answers = {name: lab.inside(name, "ip -4 addr") for name in lab.machines}
    return [name for name, said in answers.items() if word in said]


def wait_moved(lab: Lab, host: str, seconds: float) -> None:
    """Wait until a host alone has the address."""
    wait_until(f"{host} has the address", lambda: holders(lab) == [host], seconds)


def test_no_request_fails_while_something_is_off(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "-i", "-", stdin=spec_of(lab, "h1", "h2"))
    services.wait_runs("ingress.web", 2)
    wait_moved(lab, "h1", 30)
    rows = services.ps("ingress.web")
    assert sorted(row["daemon_type"] for row in rows) == ["haproxy"] * 2 + ["keepalived"] * 2
    assert {tuple(row["ports"]) for row in rows if row["daemon_type"] == "haproxy"} == {
        (1967, 8000)
    }
    assert all(row["version"][0].isdigit() for row in rows)
    ids = {row["hostname"]: row["daemon_id"] for row in rows}
    unit = f"ceph-orch-haproxy@{ids['h1']}.service"

    jobs = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=spec_of(lab, "h1", "h2"))
    assert services.changing_jobs() == jobs, "applied again, something was done"

    client = f"cat >/tmp/ingress.sh; setsid nohup bash /tmp/ingress.sh {address_of(lab)}:8000"
    lab.sh("h3", f"{client} >/dev/null 2>&1 </dev/null &", stdin=CLIENT)
    try:
        done(lab, 3)
        # haproxy, by hand.
        lab.sh("h1", f"systemctl stop {unit}")
        began = time.monotonic()
        wait_moved(lab, "h2", 10 * lab.patience(1))
        assert time.monotonic() - began < 5 * lab.patience(1)
        done(lab, 3)
        lab.sh("h1", f"systemctl start {unit}")
        wait_moved(lab, "h1", 30)
        # A gateway.
        lab.sh("h2", "systemctl stop ceph-radosgw.target")
        done(lab, 3)
        lab.sh("h2", "systemctl start ceph-radosgw.target")
        # The gateways go elsewhere, and haproxy follows.
        lab.ok("orch", "apply", "rgw", "web", "--placement=h1,h3", "--port=7480")
        text = f"cat /etc/ceph-orch-ansible/ingress/{ids['h1']}/haproxy.cfg"
        there = [f" {lab.machines[name].addr}:7480 check" for name in ("h1", "h3")]
        gone = f" {lab.machines['h2'].addr}:7480 check"

        def follows() -> bool:
            said = lab.sh("h1", text)
            return all(each in said for each in there) and gone not in said

        wait_until("haproxy has the new gateways", follows, SECONDS)
        done(lab, 3)
        # The ingress goes elsewhere, then the host that has the address is off.
        lab.ok("orch", "apply", "-i", "-", stdin=spec_of(lab, "h2", "h3"))
        services.wait_runs("ingress.web", 2)
        wait_moved(lab, "h2", SECONDS)
        lab.link("h2", "down")
        wait_until("h3 has the address", lambda: "h3" in holding(lab, "h3"), 10)
        done(lab, 2)
        lab.link("h2", "up")
    finally:
        lab.sh("h3", "touch /tmp/ingress.stop")
    assert lab.sh("h3", "cat /tmp/ingress.bad 2>/dev/null || true") == ""

    services.remove("ingress.web")
    for host in lab.machines:
        said = lab.sh(host, LEFT).split()
        assert set(said) <= {"disabled"}, f"{host}: {said}"
    assert len(services.hosts("rgw.web")) == 2


def holding(lab: Lab, host: str) -> list[str]:
    """Return a host if it has the address; others are not asked."""
    return [host] if f"inet {address_of(lab)}/" in lab.inside(host, "ip -4 addr") else []


def done(lab: Lab, more: int) -> None:
    """Wait until so many more requests have succeeded."""
    count = "cat /tmp/ingress.done 2>/dev/null || echo 0"
    before = int(lab.inside("h3", count).strip() or 0)
    wait_until(
        "requests succeed",
        lambda: int(lab.inside("h3", count).strip() or 0) >= before + more,
        SECONDS,
    )


def test_passwords_are_in_roots_files_alone_and_a_playbook_does_the_same(
    services: Services,
) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "-i", "-", stdin=spec_of(lab, "h2"))
    services.wait_runs("ingress.web", 1)
    (row,) = [row for row in services.ps("ingress.web") if row["daemon_type"] == "haproxy"]
    folder = f"/etc/ceph-orch-ansible/ingress/{row['daemon_id']}"
    files = {
        name: lab.sh("h2", f"cat {folder}/{name}") for name in ("haproxy.cfg", "keepalived.conf")
    }
    (word,) = [
        line.partition("admin:")[2]
        for line in files["haproxy.cfg"].splitlines()
        if "stats auth" in line
    ]
    assert lab.sh("h2", f"stat -c %a:%U {folder} {folder}/haproxy.cfg").split() == [
        "700:root",
        "600:root",
    ]
    url = f"http://{address_of(lab)}:1967/stats"
    ask = "curl -s -o /dev/null -w '%{http_code}'"
    assert lab.sh("h3", f"{ask} {url}") == "401"
    assert lab.sh("h3", f"{ask} -u admin:{word} {url}") == "200"
    seen = "journalctl --no-pager; grep -rs . /var/lib/ceph/orch-ansible /var/log/ceph; ps axeww"
    count = f"({seen}) 2>/dev/null | grep -v grep | grep -c {word} || true"
    for host in ("h1", "h2"):
        assert lab.sh(host, count) == "0\n"
    assert word not in lab.ok("orch", "ls", "--export")

    answer = by_hand(
        lab,
        ("apply_ingress",),
        *("--limit", "h2"),
        daemon_deploy_fsid=lab.ok("fsid").strip(),
        daemon_deploy_daemons={"h2": [{"id": row["daemon_id"], "port": 1967, "files": files}]},
    )
    assert recap(answer, "h2") == 0, "by hand it is another end"
    assert lab.sh("h2", count) == "0\n", "Ansible logs there what modules are given"


def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(services: Services) -> None:
    lab = services.lab
    jobs = services.changing_jobs()
    for fields, said in (
        ({"backend_service": "rgw.none"}, "there is no such service"),
        ({"virtual_ip": "192.0.2.9/24"}, "has no address in it"),
        ({"frontend_port": 7480}, "rgw.web has it on host"),
        ({"keepalive_only": True}, "it is for NFS"),
    ):
        answer = lab.ceph("orch", "apply", "-i", "-", stdin=spec_of(lab, "h1", "h2", **fields))
        assert answer.rc != 0
        assert said in answer.err
    assert services.changing_jobs() == jobs
    assert "ingress.web" not in services.ls()
