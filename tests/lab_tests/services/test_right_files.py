"""Files that are right are applied, and applied again: the second time nothing is changed.

Each file of ``right_files`` is of a kind that administrators use; ``ADDR1`` and ``ADDR3`` stand
for addresses of hosts, ``SUBNET`` for their network.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import Services

FILES = sorted(Path(__file__).with_name("right_files").glob("*.yml"))
SECONDS = 300.0
# So long (seconds) nothing happens where nothing is left to be done.
QUIET = 8.0


def text_of(path: Path, lab: Lab) -> str:
    """Return a file with the addresses of this lab."""
    address = lab.machines[lab.first].addr
    network = ipaddress.ip_network(f"{address}/24", strict=False)
    text = path.read_text(encoding="utf-8").replace("SUBNET", str(network))
    for number in (1, 3):
        text = text.replace(f"ADDR{number}", lab.machines[f"h{number}"].addr)
    return text


def kept(services: Services) -> dict[str, Any]:
    """Return what is kept and set, which jobs there were, and since when daemons run."""
    lab = services.lab
    kinds = ("host.", "spec.", "deployed.", "settings.")
    found = json.loads(lab.ok("config-key", "dump", "mgr/ansible/"))
    mine = tuple(f"mgr/ansible/{kind}" for kind in kinds)
    options = [
        (row["section"], row["mask"], row["name"], row["value"])
        for row in lab.ceph_json("config", "dump")
        if not row["name"].startswith("mgr/")
    ]
    return {
        "records": {key: value for key, value in found.items() if key.startswith(mine)},
        "options": sorted(options),
        "jobs": [row["id"] for row in lab.seen_jobs() if row["operation"] not in READING],
        "keys": services.auth_names(),
        "daemons": sorted(
            (row["hostname"], row["daemon_name"], str(row.get("started"))) for row in services.ps()
        ),
        "crush": lab.ok("osd", "crush", "dump"),
    }


# What reads, and what names the monitors on hosts up to a minute after the first time.
READING = ("get_inventory", "get_facts", "list_daemons", "update_conf")


def settled(services: Services, names: list[str]) -> dict[str, Any]:
    """Return what is kept once services are as wanted and nothing has happened for a while."""
    seen: list[Any] = []

    def quiet() -> bool:
        rows = services.ls()
        for name in names:
            status = rows.get(name, {}).get("status", {})
            assert status.get("running") == status.get("size"), f"{name}: {status}"
        found = kept(services)
        if not seen or seen[-1][1] != found:
            seen.append((time.monotonic(), found))
        assert time.monotonic() - seen[-1][0] >= QUIET, "something still changes"
        return True

    wait_until("all is quiet", quiet, SECONDS)
    return dict(seen[-1][1])


@pytest.fixture
def cleared(services: Services) -> Iterator[Services]:
    """Return services of which those of the file are removed afterwards."""
    before = {row["name"]: row for row in services.lab.ceph_json("osd", "crush", "tree")["nodes"]}
    yield services
    services.remove_all()
    services.lab.ok("orch", "apply", "mon", "--placement=*")
    services.wait_runs("mon", 3)
    for node in services.lab.ceph_json("osd", "crush", "tree")["nodes"]:
        if node["type"] == "datacenter" and node["name"] not in before:
            for child in ("h1", "h2", "h3"):
                services.lab.ceph("osd", "crush", "move", child, "root=default")
            services.lab.ceph("osd", "crush", "rm", node["name"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_second_time_changes_nothing(cleared: Services, path: Path) -> None:
    lab, text = cleared.lab, text_of(path, cleared.lab)
    names = [
        ".".join(filter(None, [data["service_type"], data.get("service_id")]))
        for data in yaml.safe_load_all(text)
        if data["service_type"] not in ("host", "osd")
    ]
    for words in (("--dry-run",), ()):
        answer = lab.ceph("orch", "apply", "-i", "-", *words, stdin=text)
        assert answer.rc == 0, answer.err
    before = settled(cleared, names)
    for words in (("--dry-run",), ()):
        answer = lab.ceph("orch", "apply", "-i", "-", *words, stdin=text)
        assert answer.rc == 0, answer.err
        assert "would set" not in answer.out, answer.out
        assert "would restart" not in answer.out, answer.out
    assert settled(cleared, names) == before
