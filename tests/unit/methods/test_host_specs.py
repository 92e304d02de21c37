"""The spec of a host that is there brings the host to what it says; the same again does nothing."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from adapter.cluster.hosts import Hosts
from adapter.engine.ssh import ProbeResult
from adapter.errors import AdapterError, AlreadyExists, HostUnreachable, InvalidValue
from adapter.interface import HostSpec, raise_if_exception

KEY = "ssh-ed25519 AAAA"


@pytest.fixture
def there(world: Any) -> Any:
    """Return an orchestrator with the host h1, which its spec gave the labels mon and osd."""
    for addr in ("10.0.0.1", "10.0.0.5"):
        world.ssh.prober.answers[addr] = ProbeResult(
            True, hostname="h1", machine_id="m1", keys=(KEY,)
        )
    apply(world, labels=["mon", "osd"])
    drain(world)
    world.requests.clear()
    return world


def apply(
    world: Any,
    name: str = "h1",
    addr: Optional[str] = "10.0.0.1",
    labels: Optional[List[str]] = None,
    **more: Any,
) -> str:
    spec = HostSpec(name, addr=addr, labels=labels, **more)
    return str(raise_if_exception(world.orchestrator.apply([spec]))[0])


def drain(world: Any) -> None:
    while world.engine.poll():
        pass


def record(world: Any) -> Dict[str, Any]:
    return dict(world.store.get("host.h1"))


@pytest.mark.parametrize("labels", [["mon", "osd"], ["osd", "mon", "osd"], [], None])
@pytest.mark.parametrize("addr", ["10.0.0.1", None, "h1"])
def test_the_same_again_is_said_and_nothing_is_done(
    there: Any, labels: Optional[List[str]], addr: Optional[str]
) -> None:
    before = record(there)
    there.unreachable("10.0.0.1", "it need not even answer")

    assert apply(there, addr=addr, labels=labels) == (
        "Host 'h1' with addr '10.0.0.1' is there already; nothing is changed"
    )
    drain(there)
    assert (record(there), there.requests) == (before, [])


def test_labels_come_and_go_with_the_spec_in_one_job(there: Any) -> None:
    assert apply(there, labels=["osd", "rgw"]) == (
        "Updated host 'h1': labels added: rgw; labels removed: mon"
    )
    drain(there)

    assert record(there)["labels"] == ["osd", "rgw"]
    assert there.operations() == [("add_host_label", ["h1"])]
    assert there.requests[0].variables["host_record_labels"] == ["osd", "rgw"]


def test_no_labels_is_something_else_than_nothing_said(there: Any) -> None:
    raise_if_exception(there.orchestrator.add_host_label("h1", "_admin"))
    said = {"hostname": "h1", "addr": "10.0.0.1"}
    for data, labels in ((said, ["mon", "osd", "_admin"]), ({**said, "labels": []}, ["_admin"])):
        raise_if_exception(there.orchestrator.apply([HostSpec.from_json(data)]))
        assert record(there)["labels"] == labels


def test_a_label_that_somebody_put_on_by_hand_stays(there: Any) -> None:
    raise_if_exception(there.orchestrator.add_host_label("h1", "_admin"))
    apply(there, labels=["osd"])

    assert record(there)["labels"] == ["osd", "_admin"]
    apply(there, labels=["osd", "_admin"])
    apply(there, labels=["osd"])
    assert record(there)["labels"] == ["osd"], "the spec had it by then"


def test_a_label_that_was_taken_by_hand_and_put_back_is_nobodys_of_the_spec(there: Any) -> None:
    raise_if_exception(there.orchestrator.remove_host_label("h1", "mon"))
    raise_if_exception(there.orchestrator.add_host_label("h1", "mon"))

    apply(there, labels=["osd"])
    assert sorted(record(there)["labels"]) == ["mon", "osd"]


def test_the_next_manager_knows_which_labels_the_spec_gave(there: Any) -> None:
    assert Hosts(there.store).get("h1").spec_labels == ("mon", "osd")


def test_the_address_follows_where_the_same_machine_answers(there: Any) -> None:
    assert apply(there, addr="10.0.0.5", labels=["osd"]) == (
        "Updated host 'h1': addr '10.0.0.5'; labels removed: mon"
    )
    drain(there)
    assert there.operations() == [("update_host_addr", ["h1"])]
    assert there.requests[0].variables["host_record_labels"] == ["osd"]
    assert there.ssh.pinned[0][0].addr == "10.0.0.5"


def test_another_machine_is_refused_and_nothing_is_kept(there: Any) -> None:
    there.ssh.prober.answers["10.0.0.5"] = ProbeResult(True, hostname="h1", machine_id="m5")
    before = record(there)

    with pytest.raises(InvalidValue, match="another machine than 'h1'"):
        apply(there, addr="10.0.0.5", labels=["osd"])
    there.unreachable("10.0.0.5", "no route")
    with pytest.raises(HostUnreachable, match="no route"):
        apply(there, addr="10.0.0.5", labels=["osd"])
    assert (record(there), there.requests) == (before, [])


def test_a_place_is_kept_and_stays_where_a_spec_names_none(there: Any) -> None:
    assert "location: rack=r1" in apply(there, location={"rack": "r1"})
    assert "nothing is changed" in apply(there, location={"rack": "r1"})
    assert "nothing is changed" in apply(there)
    assert record(there)["location"] == {"rack": "r1"}


def test_the_address_of_another_host_is_refused(there: Any) -> None:
    there.ssh.prober.answers["10.0.0.2"] = ProbeResult(True, hostname="h2", machine_id="m2")
    apply(there, "h2", "10.0.0.2")

    with pytest.raises(AlreadyExists, match=r"'h1' has the address '10\.0\.0\.1'"):
        apply(there, "h2", "10.0.0.1")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"status": "gone"}, "a host is added as it is"),
        ({"oob": {"username": "a", "password": "b"}}, "management controllers"),
        ({"labels": ["a b"]}, "label"),
        ({"addr": "{{ x }}"}, "address"),
    ],
)
def test_what_cannot_be_done_is_refused_for_a_host_that_is_there(
    there: Any, more: Any, says: str
) -> None:
    before = record(there)

    with pytest.raises(AdapterError, match=says):
        apply(there, **more)
    assert record(there) == before


def test_a_host_in_maintenance_stays_so(there: Any) -> None:
    there.store.set("host.h1", {**record(there), "status": "maintenance"})
    there.core.reload()

    assert "nothing is changed" in apply(there, status="maintenance")


def test_a_silent_host_gets_its_labels_when_it_is_back(there: Any) -> None:
    for _ in range(2):
        there.core.liveness.missed("h1", "no route", 0.0, 0.0)

    assert "labels added: rgw" in apply(there, labels=["mon", "osd", "rgw"])
    assert record(there)["labels"] == ["mon", "osd", "rgw"]
    assert there.requests == []


def test_a_record_of_before_loses_no_label(there: Any) -> None:
    there.store.set("host.h1", {k: v for k, v in record(there).items() if k != "spec_labels"})
    there.core.reload()

    apply(there, labels=["osd", "rgw"])
    assert record(there)["labels"] == ["mon", "osd", "rgw"]
