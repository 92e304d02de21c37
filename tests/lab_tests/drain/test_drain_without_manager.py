"""A host is emptied by ``orch-ansible`` where no manager has a backend, also if that is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.drain.conftest import HOST, leave
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.osd_lab import Osds
from tests.lab_tests.without_manager import (
    DIRECTORY,
    SECONDS,
    command,
    hand_back,
    manager_off,
    ok,
    start,
)

POOL, PGS = "alone", 16

pytestmark = pytest.mark.skipif(bool(os.environ.get("SHORT")), reason="takes minutes")


@pytest.fixture
def alone(six: Osds) -> Iterator[Osds]:
    """Return six OSDs with some data, of a cluster without a backend."""
    six.door.ask("osd pool create", pool=POOL, pg_num=PGS, size=2, autoscale_mode="off")
    six.wait_clean()
    six.lab.sh(six.lab.first, "rados -p $1 bench 3 write -b 65536 --no-cleanup >/dev/null", POOL)
    # A manager that begins anew makes its own pool.
    six.lab.ok("config", "set", "global", "osd_pool_default_size", "2")
    if ".mgr" in six.door.ask("osd pool ls"):
        six.drop_pool(".mgr")
    try:
        with manager_off(six.lab):
            yield six
    finally:
        six.lab.ok("config", "rm", "global", "osd_pool_default_size")
        six.lab.sh(six.lab.first, "rm -rf $1", DIRECTORY)
        six.lab.ok("orch", "resume")
        six.drop_pool(POOL)
        leave(six)


def record(lab: Lab, name: str) -> dict[str, Any]:
    """Return a record of the directory, empty where there is none."""
    answer = lab.ssh(lab.first, "cat", f"{DIRECTORY}/{name}.yml")
    return dict(yaml.safe_load(answer.out) or {}) if answer.rc == 0 else {}


def killed_while_draining(alone: Osds, osd_id: int, *words: str) -> None:
    """Begin to empty the host, and kill the command while data moves."""
    lab = alone.lab
    with start(lab, "host", "drain", HOST, *words) as drain:
        wait_until(
            f"osd.{osd_id} drains",
            lambda: record(lab, f"osd_removal/{osd_id}").get("drain_started"),
            SECONDS,
            every=0.05,
        )
        held = json.loads(lab.sh(lab.first, f"cat {DIRECTORY}/.at-work"))
        lab.sh(lab.first, "kill -9 $1", str(held["pid"]))
        drain.wait(60)


def test_killed_in_the_middle_it_goes_on_to_the_end(alone: Osds) -> None:
    lab, mine = alone.lab, alone.on(HOST)
    before = record(lab, f"host/{HOST}")
    dry = ok(command(lab, "host", "drain", HOST, "--zap-osd-devices", "--check"))
    assert f"Would remove from host '{HOST}':" in dry
    assert all(f"osd.{each} on {HOST}: would be drained" in dry for each in mine)
    assert record(lab, f"host/{HOST}") == before
    assert set(mine) <= alone.up()

    killed_while_draining(alone, mine[0], "--zap-osd-devices")
    assert record(lab, f"host/{HOST}")["drain"]["zap"]
    said = command(lab, "host", "drain", HOST, "--zap-osd-devices")
    assert said.rc == 0, said.out + said.err
    assert f"Host '{HOST}' is drained" in said.out
    assert not set(mine) & set(alone.map())
    rows = json.loads(ok(command(lab, "host", "ls", "-f", "json")))
    assert [row["status"] for row in rows if row["hostname"] == HOST] == ["drained"]
    again = ok(command(lab, "host", "drain", HOST, "--zap-osd-devices", "--check"))
    assert "would be drained" not in again
    # The manager gets it back as it is.
    hand_back(lab)
    assert lab.listed_hosts()[HOST]["status"] == "drained"


def test_it_is_stopped_and_gives_all_back(alone: Osds) -> None:
    lab, mine = alone.lab, alone.on(HOST)
    weights = {number: row["crush_weight"] for number, row in alone.tree().items()}
    killed_while_draining(alone, mine[0])
    said = ok(command(lab, "host", "drain", "stop", HOST))
    assert said.startswith(f"Stopped host drain for {HOST}\n")
    assert {number: row["crush_weight"] for number, row in alone.tree().items()} == weights
    assert set(mine) <= alone.up()
    kept = record(lab, f"host/{HOST}")
    assert (kept["labels"], kept.get("drain")) == ([], None)
    answer = command(lab, "host", "drain", "stop", HOST)
    assert answer.rc == 2
    assert "it is not being drained" in answer.err
