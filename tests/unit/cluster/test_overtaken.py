"""Which queued jobs a newer one makes needless."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest

from adapter import operations
from adapter.cluster.overtaken import overtakes
from adapter.engine.model import Request, Target

H1, H2 = ["a.service", "b.service"], ["c.service"]


def request(operation: str, hosts: Sequence[str] = ("h1",), **parameters: Any) -> Request:
    targets = [Target(host, f"addr-{host}") for host in hosts]
    return operations.get(operation).request(targets, actor="test", parameters=parameters)


def acting(action: str, operation: str = "daemon_action", **units: List[str]) -> Request:
    return request(operation, list(units), action=action, units=units)


def record(operation: str, host: str = "h1", **more: Any) -> Request:
    row: Dict[str, Any] = {"hostname": host, "addr": "x", "labels": [], "cluster": "F"}
    return request(operation, [host], record=row, **more)


@pytest.mark.parametrize(
    ("newer", "older", "dropped"),
    [
        (record("add_host_label"), record("add_host_label"), True),
        (record("remove_host_label"), record("add_host_label"), True),
        (record("update_host_addr", machine_id="m"), record("add_host_label"), True),
        (record("add_host_label"), record("add_host_label", "h2"), False),
        # What else they do is not done by the newer one.
        (record("add_host_label"), record("update_host_addr", machine_id="m"), False),
        (record("add_host_label"), record("add_host"), False),
        (acting("start", h1=H1), acting("stop", h1=H1), True),
        (acting("stop", h1=H1), acting("start", h1=H1), True),
        (acting("stop", h1=H1), acting("stop", h1=H1[:1]), True),
        (acting("start", h1=H1, h2=H2), acting("stop", h2=H2), True),
        (acting("start", "service_action", h1=H1), acting("stop", h1=H1), True),
        (acting("start", h1=H1), acting("stop", "service_action", h1=H1), True),
        (acting("start", h1=H1[:1]), acting("stop", h1=H1), False),
        (acting("start", h1=H1), acting("stop", h1=H1, h2=H2), False),
        (acting("start", h1=H1), acting("stop", h1=["z.service"]), False),
        (acting("restart", h1=H1), acting("stop", h1=H1), True),
        (acting("restart", h1=H1), acting("restart", h1=H1), True),
        (acting("stop", h1=H1), acting("restart", h1=H1), True),
        # It was to be restarted, and a start does nothing to what runs.
        (acting("start", h1=H1), acting("restart", h1=H1), False),
        # A rolling restart counts its own jobs.
        (acting("stop", h1=H1), acting("restart", "service_action", h1=H1), False),
        (acting("stop", h1=H1), record("add_host_label"), False),
        # It may have been asked for before the stop that it comes to meet.
        (acting("restart", "service_action", h1=H1), acting("stop", h1=H1), False),
        (acting("start", "service_action", h1=H1), acting("stop", "service_action", h1=H1), True),
    ],
)
def test_what_a_newer_job_makes_needless(newer: Request, older: Request, dropped: bool) -> None:
    assert overtakes(newer, older) is dropped


def test_another_address_is_another_machine() -> None:
    older = Request("add_host_label", (Target("h1", "10.0.0.9"),))
    assert not overtakes(Request("add_host_label", (Target("h1", "10.0.0.1"),)), older)


def light(on: bool, kind: str = "ident", *devices: str) -> Request:
    locations = [{"host": "h1", "dev": each, "path": each} for each in devices or ("sda",)]
    return request("blink_device_light", kind=kind, on=on, locations=locations)


@pytest.mark.parametrize(
    ("newer", "older", "dropped"),
    [
        (light(False), light(True), True),
        (light(False, "fault"), light(True), False),
        (light(False), light(True, "ident", "sda", "sdb"), False),
        (light(False, "ident", "sda", "sdb"), light(True), True),
    ],
)
def test_a_light_is_as_it_was_asked_for_last(newer: Request, older: Request, dropped: bool) -> None:
    assert overtakes(newer, older) is dropped
