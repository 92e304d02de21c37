"""Fields of specs that real files use, on real daemons: addresses, certificates, zones, places."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

NETWORK, PORT = "10.98.0.0/24", 8011


@pytest.fixture(scope="module")
def networked(services: Services) -> Iterator[Lab]:
    """Return hosts with an address in a second network, and no gateway."""
    lab = services.lab
    for number, host in enumerate(lab.hosts(), 11):
        lab.sh(host, "ip addr replace $1 dev host0", f"10.98.0.{number}/24")
    lab.ok("orch", "device", "ls", "--refresh")

    def reported() -> bool:
        answer = apply(lab, gateway(networks=[NETWORK]), "--dry-run")
        assert answer == 0, said[-1]
        assert "has no address in it" not in said[-1], said[-1]
        return True

    wait_until("the hosts have reported their new addresses", reported, SECONDS)
    yield lab
    services.remove("rgw.fields", "rgw.r.z", "ceph-exporter")
    for number, host in enumerate(lab.hosts(), 11):
        lab.sh(host, "ip addr del $1 dev host0 || true", f"10.98.0.{number}/24")
    lab.ok("orch", "device", "ls", "--refresh")


said: list[str] = []


def apply(lab: Lab, spec: dict[str, Any], *words: str) -> int:
    answer = lab.ceph("orch", "apply", "-i", "-", *words, stdin=yaml.safe_dump(spec))
    said.append(answer.out + answer.err)
    return answer.rc


def gateway(**more: Any) -> dict[str, Any]:
    inner = {"rgw_frontend_port": PORT, **more.pop("spec", {})}
    return {
        "service_type": "rgw",
        "service_id": "fields",
        "placement": {"hosts": ["h2"]},
        "spec": inner,
        **more,
    }


def listening(lab: Lab, host: str) -> list[str]:
    return lab.sh(host, "ss -Hltn | awk '{print $4}'").split()


def test_a_gateway_listens_in_its_network_alone(networked: Lab, services: Services) -> None:
    lab = networked
    assert apply(lab, gateway(networks=[NETWORK])) == 0, said[-1]
    services.wait_runs("rgw.fields", 1)
    mine = [each for each in listening(lab, "h2") if each.endswith(f":{PORT}")]
    assert mine == [f"10.98.0.12:{PORT}"]
    refused = gateway(networks=["192.0.2.0/24"])
    assert apply(lab, refused) != 0
    assert "host 'h2' has no address in it" in said[-1]
    services.remove("rgw.fields")


def test_a_certificate_comes_from_the_monitors(
    networked: Lab, services: Services, tmp_path: Path
) -> None:
    lab = networked
    words = ["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=h2"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run(["openssl", *words, *files], check=True, capture_output=True)
    pem = (tmp_path / "cert").read_text() + (tmp_path / "key").read_text()
    spec = {"ssl": True, "rgw_frontend_ssl_certificate": pem}
    assert apply(lab, gateway(spec=spec)) == 0, said[-1]
    services.wait_runs("rgw.fields", 1)
    assert lab.ok("config-key", "get", "rgw/cert/rgw.fields").strip() == pem.strip()
    shown = lab.sh("h1", "openssl s_client -connect h2:$1 </dev/null 2>/dev/null", str(PORT))
    assert "BEGIN CERTIFICATE" in shown
    secret = pem.splitlines()[-3]
    audit = lab.ok("log", "last", "500", "debug", "audit")
    assert secret not in audit
    found = lab.sh("h1", "grep -rl -- $1 /var/lib/ceph/orch-ansible || true", secret)
    assert found.strip() == ""
    services.remove("rgw.fields")
    assert lab.ceph("config-key", "exists", "rgw/cert/rgw.fields").rc != 0


def test_an_exporter_is_told_where_to_listen(networked: Lab, services: Services) -> None:
    """Debian has no package of it: what its daemon would read from the monitors is all there is."""
    lab = networked
    spec = {
        "service_type": "ceph-exporter",
        "placement": {"hosts": ["h3"]},
        "spec": {"port": 9999, "prio_limit": 10, "stats_period": 30},
    }
    assert apply(lab, spec) == 0, said[-1]

    def told() -> bool:
        rows = lab.ceph_json("config", "dump")
        found = {row["name"]: row["value"] for row in rows if "ceph-exporter" in row["section"]}
        assert found == {
            "exporter_http_port": "9999",
            "exporter_prio_limit": "10",
            "exporter_stats_period": "30",
        }
        return True

    wait_until("the monitors have its options", told, SECONDS)
    services.remove("ceph-exporter")
    assert "exporter_http_port" not in lab.ok("config", "dump")


def test_monitors_and_hosts_have_their_place_in_crush(networked: Lab, services: Services) -> None:
    lab = networked
    places = {"h1": ["datacenter=dc1"], "h2": ["datacenter=dc2"]}
    spec = {"service_type": "mon", "placement": {"host_pattern": "*"}}
    assert apply(lab, {**spec, "spec": {"crush_locations": places}}) == 0, said[-1]

    def told() -> bool:
        rows = {r["name"]: r["crush_location"] for r in lab.ceph_json("mon", "dump")["mons"]}
        found = (rows.get("h1"), rows.get("h2"))
        wanted = ([{"key": "datacenter", "val": "dc1"}], [{"key": "datacenter", "val": "dc2"}])
        assert found == wanted, rows
        return True

    wait_until("the monitors know where they are", told, SECONDS)
    assert apply(lab, spec) == 0, said[-1]


def test_a_host_is_added_into_its_place(networked: Lab) -> None:
    lab = networked
    addr = lab.machines["h3"].addr
    lab.ok("orch", "host", "rm", "h3", "--force")
    location = {"root": "default", "datacenter": "DC1"}
    spec = {"service_type": "host", "hostname": "h3", "addr": addr, "location": location}
    assert apply(lab, spec) == 0, said[-1]
    (row,) = [each for each in lab.ceph_json("orch", "host", "ls") if each["hostname"] == "h3"]
    assert row["location"] == location
    nodes = lab.ceph_json("osd", "tree")["nodes"]
    (centre,) = [node for node in nodes if node["name"] == "DC1"]
    (host,) = [node for node in nodes if node["name"] == "h3"]
    assert host["id"] in centre["children"]
    lab.ok("osd", "crush", "move", "h3", "root=default")
    lab.ok("osd", "crush", "remove", "DC1")


def test_the_administrators_keyring_follows_its_label(networked: Lab) -> None:
    lab = networked
    path = "/etc/ceph/ceph.client.admin.keyring"
    before = lab.sh("h3", "cat $1 2>/dev/null || true", path)
    lab.sh("h3", "rm -f $1", path)
    lab.ok("orch", "host", "label", "add", "h3", "_admin")
    wait_until("it is there", lambda: lab.sh("h3", "test -s $1 && echo yes || true", path), SECONDS)
    assert lab.sh("h3", "stat -c '%a %U' $1", path).strip() == "600 root"
    assert lab.sh("h3", "ceph --connect-timeout 20 fsid").strip() == lab.ok("fsid").strip()
    lab.ok("orch", "host", "label", "rm", "h3", "_admin", "--force")
    wait_until(
        "it is gone", lambda: not lab.sh("h3", "test -s $1 && echo yes || true", path), SECONDS
    )
    assert lab.sh("h3", "ls /etc/ceph/ceph.conf").strip(), "its daemons need it"
    if before:
        lab.sh("h3", "cat >$1; chmod 600 $1", path, stdin=before)


def test_a_realm_is_bootstrapped(networked: Lab, services: Services) -> None:
    lab = networked
    enabled = lab.ceph("mgr", "module", "enable", "rgw")
    if "do not support module" in enabled.err:
        pytest.skip("Ceph's packages here have no mgr module rgw that can run")
    assert enabled.rc == 0, enabled.err
    wait_until("the backend answers", services.ls, SECONDS)
    words = ("--realm-name", "r", "--zonegroup-name", "g", "--zone-name", "z")
    answer = lab.ceph(
        "rgw", "realm", "bootstrap", *words, "--port", "8012", "--placement", "h2", seconds=120
    )
    assert answer.rc == 0, answer.err
    services.wait_runs("rgw.r.z", 1)

    def token() -> bool:
        (row,) = json.loads(lab.ok("rgw", "realm", "tokens"))
        assert row["realm"] == "r"
        assert not row["token"].startswith(("master zone", "realm has")), row["token"]
        return True

    wait_until("the realm has a token", token, SECONDS)
    services.remove("rgw.r.z")
