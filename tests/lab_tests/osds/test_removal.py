"""``ceph orch osd rm`` under load: drained, replaced, stopped, and never a write that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.conftest import PGS
from tests.lab_tests.osds.osd_lab import SERVICE, STEP_SECONDS, Osds, one_line
from tests.lab_tests.osds.write_load import WriteLoad

HOLD = ("nobackfill", "norecover")


@pytest.fixture
def held(load: WriteLoad, six: Osds) -> Iterator[Osds]:
    """Return the OSDs while no data may move, so that a removal stays where it is."""
    for flag in HOLD:
        six.door.ask("osd set", key=flag)
    yield six
    let_go(six)


def let_go(osds: Osds) -> None:
    """Let data move."""
    for flag in HOLD:
        osds.door.ask("osd unset", key=flag)


def reason(osds: Osds, number: int) -> str:
    """Return why an OSD waits, once it is known."""

    def said() -> str:
        row = osds.queue()[number]
        return str(row["drain_status"]) if row["pg_count"] > 0 else ""

    return wait_until(f"why osd.{number} waits", said, STEP_SECONDS)


def test_an_osd_is_drained_removed_and_its_disk_wiped(held: Osds) -> None:
    osds, lab = held, held.lab
    number = osds.on("h2")[0]
    place = osds.places()[number]
    lab.ok("orch", "osd", "rm", str(number), "--zap")
    _status_says_how_far_it_is_and_why(osds, number)
    assert f"osd.{number} is being removed already" in one_line(
        lab.ceph("orch", "osd", "rm", str(number))
    )
    assert number in osds.up()
    let_go(osds)
    osds.wait_gone(number)
    osds.wait_free(*place)
    assert f"osd.{number}" not in osds.daemons()
    assert number not in osds.tree()
    (unit,) = lab.sh(place.host, f"systemctl is-enabled ceph-osd@{number} || true").split()[:1]
    assert unit in ("disabled", "not-found")
    assert lab.ssh(place.host, "test", "-e", f"/var/lib/ceph/osd/ceph-{number}/whoami").rc == 1
    osds.wait_clean(PGS)


def _status_says_how_far_it_is_and_why(osds: Osds, number: int) -> None:
    wait_until(
        f"osd.{number} waits for its data",
        lambda: "backfill" in osds.queue()[number]["drain_status"],
        STEP_SECONDS,
    )
    why = reason(osds, number)
    assert why.startswith("draining: ")
    assert "left: " in why
    command = ("orch", "osd", "rm", "status")
    table = osds.lab.ok(*command).splitlines()
    assert table[0].split()[:4] == ["OSD", "HOST", "STATE", "PGS"]
    assert "left" in table[1]
    for read, form in ((json.loads, "json"), (yaml.safe_load_all, "yaml")):
        (row,) = read(osds.lab.ok(*command, "-f", form))
        assert row["osd_id"] == number
        assert row["pg_count"] > 0
        assert row["draining"] is True
        assert "left" in row["drain_status"]
        assert row["drain_started_at"]


def test_a_replaced_osd_comes_back_on_a_new_disk_with_its_id(load: WriteLoad, six: Osds) -> None:
    number = six.on("h3")[0]
    place, before = six.places()[number], six.tree()[number]
    (spare,) = six.free()["h3"]
    six.lab.ok("orch", "osd", "rm", str(number), "--replace", "--zap")
    six.wait_gone()
    six.wait_free(*place)
    row = six.tree()[number]
    assert row["status"] == "destroyed"
    assert (row["host"], row["device_class"]) == (before["host"], before["device_class"])

    six.lab.ok("orch", "daemon", "add", "osd", f"h3:{spare}")
    six.wait_up(number)
    assert six.places()[number] == ("h3", spare)
    after = six.tree()[number]
    for key in ("host", "device_class", "crush_weight", "reweight"):
        assert after[key] == before[key], key
    assert len(six.map()) == 6
    assert six.daemons()[f"osd.{number}"]["service_name"] == SERVICE
    six.wait_clean(PGS)


def test_a_device_is_replaced_and_the_removal_is_taken_back(held: Osds) -> None:
    osds, lab = held, held.lab
    number = osds.on("h1")[1]
    place, before = osds.places()[number], osds.tree()[number]
    lab.ok("orch", "device", "replace", *place)
    assert osds.queue()[number]["replace"] is True
    reason(osds, number)
    wait_until("it is out", lambda: osds.tree()[number]["reweight"] == 0, STEP_SECONDS)
    lab.ok("orch", "device", "replace", *place, "--clear")
    assert osds.queue() == {}
    assert osds.tree()[number]["reweight"] == before["reweight"]

    lab.ok("orch", "osd", "rm", str(number))
    reason(osds, number)
    wait_until("it drains", lambda: osds.tree()[number]["crush_weight"] == 0, STEP_SECONDS)
    lab.ok("orch", "osd", "rm", "stop", str(number))
    assert osds.queue() == {}
    assert osds.tree()[number]["crush_weight"] == before["crush_weight"]
    assert number in osds.up()


def test_a_removal_that_cannot_go_on_says_why(load: WriteLoad, six: Osds) -> None:
    """Both OSDs of one of three hosts: their data has no third host to go to."""
    numbers = six.on("h3")
    before = six.tree()
    six.lab.ok("orch", "osd", "rm", *map(str, numbers))

    def says() -> bool:
        said = [str(row["drain_status"]) for row in six.queue().values()]
        assert len(said) == 2
        return all("left" in each and "nothing moves" in each for each in said)

    wait_until("both say why they wait", says, STEP_SECONDS)
    assert "pool load" in six.queue()[numbers[0]]["drain_status"]
    assert set(numbers) <= six.up()
    six.lab.ok("orch", "osd", "rm", "stop", *map(str, numbers))
    after = six.tree()
    for number in numbers:
        assert after[number]["crush_weight"] == before[number]["crush_weight"]
    six.wait_clean(PGS)
