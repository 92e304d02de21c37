"""Devices: from the reports, and their lights."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from adapter.engine.model import HostOutcome, HostStatus, Request
from adapter.errors import HostUnreachable, InvalidValue, JobFailed, UnknownName
from adapter.interface import DeviceLightLoc, HostSpec, InventoryFilter, raise_if_exception
from tests.unit.methods.world import device


def call(result: Any) -> Any:
    return raise_if_exception(result)


@pytest.fixture
def two(world: Any) -> Any:
    for number, labels in ((1, ["ssd"]), (2, [])):
        call(world.orchestrator.add_host(HostSpec(f"h{number}", f"10.0.0.{number}", labels)))
    while world.engine.poll():
        pass
    return world


def test_inventory_shows_hosts_with_a_report_and_honours_both_filters(two: Any) -> None:
    def names(**wanted: Any) -> list:
        found = call(two.orchestrator.get_inventory(InventoryFilter(**wanted)))
        return [host.name for host in found]

    assert names() == ["h1", "h2"]
    assert names(hosts=["h2"]) == ["h2"]
    assert names(labels=["ssd"]) == ["h1"]
    assert names(labels=["ssd"], hosts=["h2"]) == []
    with pytest.raises(UnknownName, match="nope"):
        names(hosts=["nope"])


def test_devices_have_what_the_callers_read(two: Any) -> None:
    host = call(two.orchestrator.get_inventory())[0]
    found = host.devices.devices[0]

    assert (host.addr, host.labels) == ("10.0.0.1", ["ssd"])
    assert found.path == "/dev/sdb"
    assert found.available is True
    assert found.human_readable_type == "hdd"
    assert found.created is not None
    assert found.created.tzinfo is not None


def test_refresh_asks_for_news_and_does_not_wait(two: Any) -> None:
    two.core.refresh.reported("h1", 0.0)
    two.core.refresh.reported("h2", 0.0)
    assert two.core.refresh.due(1.0) == []
    call(two.orchestrator.get_inventory(InventoryFilter(hosts=["h2"]), refresh=True))

    assert two.core.refresh.due(1.0) == ["h2"]
    assert two.core.wake_event.is_set()


def test_a_returned_list_is_the_callers_own(two: Any) -> None:
    first = call(two.orchestrator.get_inventory())
    first.clear()

    assert len(call(two.orchestrator.get_inventory())) == 2


def test_a_new_report_and_a_new_label_are_seen(two: Any) -> None:
    two.core.reports.absorb("h1", {"devices": [device(), device("/dev/sdc")]}, 2.0)
    call(two.orchestrator.add_host_label("h2", "hdd"))
    one, other = call(two.orchestrator.get_inventory())

    assert [each.path for each in one.devices.devices] == ["/dev/sdb", "/dev/sdc"]
    assert other.labels == ["hdd"]


def _lights(request: Request) -> Dict[str, HostOutcome]:
    rows = request.variables["device_light_locations"]
    return {
        target.name: HostOutcome(
            HostStatus.CHANGED,
            result={
                "lights": [
                    {"path": row["path"], "on": True, "method": "enclosure", "read_back": True}
                    for row in rows
                    if row["host"] == target.name
                ]
            },
        )
        for target in request.targets
    }


def _polled(world: Any) -> None:
    """Let the engine run while a method waits, as the serve loop does."""
    submit = world.engine.submit

    def submit_and_run(request: Request, before: Any = None) -> Any:
        completion = submit(request, before)
        while world.engine.poll():
            pass
        return completion

    world.engine.submit = submit_and_run


def test_a_light_is_switched_on_the_hosts_named_and_read_back(two: Any) -> None:
    two.answer = _lights
    _polled(two)
    lines = call(
        two.orchestrator.blink_device_light(
            "ident",
            True,
            [DeviceLightLoc("h1", "sdb", "/dev/sdb"), DeviceLightLoc("h2", "sdb", "")],
        )
    )

    assert lines == [
        "h1:/dev/sdb: ident light is on (enclosure)",
        "h2:/dev/sdb: ident light is on (enclosure)",
    ]
    assert two.requests[-1].hosts == ["h1", "h2"]


def test_a_light_that_cannot_be_switched_says_what_was_tried(two: Any) -> None:
    tried = "tried enclosure: no slot; ledctl: not installed"
    two.answer = lambda request: {"h1": HostOutcome(HostStatus.FAILED, tried)}
    _polled(two)

    with pytest.raises(JobFailed, match="ledctl: not installed"):
        call(
            two.orchestrator.blink_device_light(
                "fault", True, [DeviceLightLoc("h1", "sdb", "/dev/sdb")]
            )
        )


def test_a_light_that_fails_when_nobody_waits_any_more_is_told_by_health(two: Any) -> None:
    two.answer = lambda request: {"h1": HostOutcome(HostStatus.FAILED, "no slot")}
    two.core.answer_wait = 0.0
    location = DeviceLightLoc("h1", "sdb", "/dev/sdb")
    (line,) = call(two.orchestrator.blink_device_light("fault", True, [location]))
    assert "still at it" in line
    two.engine.poll()
    (told,) = two.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"]["detail"]
    what = "Switch the fault light on for h1:/dev/sdb"
    assert told.startswith(f"blink_device_light ({what}) on host h1 failed")
    assert "no slot" in told

    two.answer = _lights
    call(two.orchestrator.blink_device_light("fault", True, [location]))
    two.engine.poll()
    assert "ANSIBLE_JOB_FAILED" not in two.orchestrator.health.checks()


def test_each_light_of_a_host_that_fails_is_told(two: Any) -> None:
    """Seen: only the last one was."""
    two.answer = lambda request: {"h1": HostOutcome(HostStatus.FAILED, "no slot")}
    two.core.answer_wait = 0.0
    location = DeviceLightLoc("h1", "sdb", "/dev/sdb")
    for kind in ("fault", "ident"):
        call(two.orchestrator.blink_device_light(kind, True, [location]))
        two.engine.poll()
    told = two.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"]["detail"]
    assert [line.partition(" light ")[0].rpartition(" ")[2] for line in told] == ["fault", "ident"]
    two.answer = _lights
    call(two.orchestrator.blink_device_light("ident", False, [location]))
    two.engine.poll()
    (left,) = two.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"]["detail"]
    assert "fault" in left


@pytest.mark.parametrize(
    ("kind", "location", "error"),
    [
        ("ident", ("h1", "nope", "/dev/nope"), UnknownName),
        ("blink", ("h1", "sdb", "/dev/sdb"), InvalidValue),
        ("ident", ("nope", "sdb", "/dev/sdb"), UnknownName),
        ("ident", ("h1", "../x", "/dev/../x"), InvalidValue),
        ("ident", ("h1", "{{ x }}", "/dev/{{ x }}"), InvalidValue),
        ("ident", ("-oX", "sdb", "/dev/sdb"), InvalidValue),
    ],
)
def test_wrong_lights_are_refused_before_anything_runs(
    two: Any, kind: str, location: Any, error: Any
) -> None:
    ran = len(two.requests)

    with pytest.raises(error):
        call(two.orchestrator.blink_device_light(kind, True, [DeviceLightLoc(*location)]))
    assert len(two.requests) == ran


def test_an_offline_host_is_not_asked(two: Any) -> None:
    for _ in range(2):
        two.core.liveness.missed("h1", "timed out", 0.0, 0.0)

    with pytest.raises(HostUnreachable, match="timed out"):
        call(two.orchestrator.rescan_host("h1"))


def test_a_hostile_report_is_named_and_does_not_replace_the_good_one(two: Any) -> None:
    result = {"devices": [device("/dev/../../etc/shadow")]}
    two.answer = lambda request: {"h1": HostOutcome(HostStatus.OK, result=result)}
    two.core.submit("get_inventory", [two.core.hosts.get("h1")])
    while two.engine.poll():
        pass

    assert call(two.orchestrator.get_inventory())[0].devices.devices[0].path == "/dev/sdb"
    assert "device path" in two.orchestrator.health.checks()["ANSIBLE_REFRESH_FAILED"]["detail"][0]
