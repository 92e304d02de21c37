"""Hosts: what is kept, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.engine.model import HostOutcome, HostStatus
from adapter.engine.ssh import ProbeResult
from adapter.errors import (
    AdapterError,
    AlreadyExists,
    HostUnreachable,
    InvalidValue,
    NotReady,
    UnknownName,
)
from adapter.interface import HostSpec, raise_if_exception
from adapter.loop import Loop


def call(result: Any) -> Any:
    return raise_if_exception(result)


def add(world: Any, name: str = "h1", addr: str = "10.0.0.1", labels: List[str] = ()) -> str:
    return str(call(world.orchestrator.add_host(HostSpec(name, addr=addr, labels=list(labels)))))


def test_a_host_is_kept_with_its_keys_and_prepared_by_a_job(world: Any) -> None:
    text = add(world, labels=["mon", "_admin"])
    world.engine.poll()

    assert text.startswith("Added host 'h1' with addr '10.0.0.1' (job ")
    assert world.store.get("host.h1")["labels"] == ["mon", "_admin"]
    assert world.store.get("host.h1")["keys"]
    assert world.operations() == [("add_host", ["h1"])]
    assert world.requests[0].variables == {
        "host_record_hostname": "h1",
        "host_record_addr": "10.0.0.1",
        "host_record_labels": ["_admin", "mon"],
        "host_record_fsid": "F51D",
    }
    assert world.ssh.pinned[0][0].addr == "10.0.0.1"
    assert call(world.orchestrator.get_facts("h1")) == [{"hostname": "h1", "cpu_count": 1}]


@pytest.mark.parametrize("door", ["add", "apply"])
def test_without_an_address_what_the_name_means_is_kept(world: Any, door: str) -> None:
    """Monitors and gateways need an address; a name may mean another one tomorrow."""
    world.ssh.names["h1"] = "10.0.0.9"
    if door == "add":
        text = str(call(world.orchestrator.add_host(HostSpec("h1"))))
    else:
        (text,) = call(world.orchestrator.apply([HostSpec("h1")]))
    assert text.startswith("Added host 'h1' with addr '10.0.0.9' (job ")
    assert world.store.get("host.h1")["addr"] == "10.0.0.9"
    world.ssh.names["h1"] = "10.0.0.10"
    (text,) = call(world.orchestrator.apply([HostSpec("h1")]))
    assert text == "Host 'h1' with addr '10.0.0.9' is there already; nothing is changed"


def test_a_dry_run_shows_what_the_name_means(world: Any) -> None:
    world.ssh.names["h1"] = "10.0.0.9"
    (row,) = call(world.orchestrator.plan([HostSpec("h1")]))
    assert "host h1: would be added with addr '10.0.0.9'" in str(row)
    assert world.store.get("host.h1") is None


@pytest.mark.parametrize("address", ["127.0.1.1", "::1"])
def test_a_name_that_means_only_this_host_is_no_address(world: Any, address: str) -> None:
    """Debian's installer writes such a line into /etc/hosts."""
    world.ssh.names["h1"] = address
    with pytest.raises(InvalidValue, match=f"the name means {address}.*ceph orch host add h1 ADDR"):
        call(world.orchestrator.add_host(HostSpec("h1")))
    assert world.store.get("host.h1") is None
    assert "10.0.0.1" in add(world)


def test_a_host_that_cannot_be_reached_is_not_kept(world: Any) -> None:
    world.unreachable("10.0.0.1", "Permission denied (publickey)")

    with pytest.raises(HostUnreachable, match="Permission denied"):
        add(world)
    assert world.store.items("host") == {}
    assert world.requests == []


def test_a_machine_with_another_name_is_refused(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(True, hostname="h9")

    with pytest.raises(InvalidValue, match="calls itself 'h9'"):
        add(world)
    assert world.store.items("host") == {}


def test_a_qualified_name_and_its_short_form_are_the_same_machine(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(True, hostname="h1.example.org")

    add(world)
    assert world.store.get("host.h1") is not None


@pytest.mark.parametrize(
    ("name", "addr", "error"),
    [
        ("h2", "10.0.0.1", "has this address already"),
        ("a b", "10.0.0.9", "host name"),
        ("-oX", "10.0.0.9", "host name"),
        ("h2", "{{ x }}", "address"),
        ("h2", "h2\nx", "address"),
    ],
)
def test_what_is_known_or_wrong_is_refused(world: Any, name: str, addr: str, error: str) -> None:
    add(world)
    before = world.store.items("host")

    with pytest.raises(AdapterError, match=error):
        add(world, name, addr)
    assert world.store.items("host") == before


def test_the_same_machine_is_not_added_under_two_names(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(True, hostname="h1", machine_id="m1")
    world.ssh.prober.answers["10.0.0.2"] = ProbeResult(True, hostname="h2", machine_id="m1")
    add(world)

    with pytest.raises(AlreadyExists, match="same machine as 'h2'"):
        add(world, "h2", "10.0.0.2")


def test_without_a_key_nothing_is_tried(world: Any) -> None:
    world.ssh.problem = "There is no ssh key."

    with pytest.raises(NotReady, match="no ssh key"):
        add(world)
    assert world.orchestrator.available() == (False, "There is no ssh key.", {})


@pytest.mark.parametrize("label", ["", "a b", "a/b", "{{ x }}", "-x", "_", "a" * 254, "a\n"])
def test_bad_labels_are_refused(world: Any, label: str) -> None:
    add(world)

    with pytest.raises(InvalidValue, match="label"):
        call(world.orchestrator.add_host_label("h1", label))
    with pytest.raises(InvalidValue, match="label"):
        add(world, "h2", "10.0.0.2", [label])
    assert world.store.get("host.h1")["labels"] == []


def test_labels_come_and_go_and_the_host_is_told(world: Any) -> None:
    add(world)
    assert call(world.orchestrator.add_host_label("h1", "rgw")) == "Added label rgw to host h1"
    assert "already" in call(world.orchestrator.add_host_label("h1", "rgw"))
    assert (
        call(world.orchestrator.remove_host_label("h1", "rgw")) == "Removed label rgw from host h1"
    )
    with pytest.raises(InvalidValue, match="has no such label"):
        call(world.orchestrator.remove_host_label("h1", "rgw"))
    while world.engine.poll():
        pass

    assert world.operations() == [
        ("add_host", ["h1"]),
        ("add_host_label", ["h1"]),
        ("remove_host_label", ["h1"]),
    ]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("remove_host", ("nope",)),
        ("update_host_addr", ("nope", "10.0.0.1")),
        ("add_host_label", ("nope", "x")),
        ("remove_host_label", ("nope", "x")),
        ("get_facts", ("nope",)),
        ("rescan_host", ("nope",)),
    ],
)
def test_an_unknown_host_is_named_with_those_that_are_known(
    world: Any, method: str, arguments: Any
) -> None:
    add(world)

    with pytest.raises(UnknownName, match=r"no host 'nope'\. Known hosts: h1"):
        call(getattr(world.orchestrator, method)(*arguments))


def test_the_dashboard_removes_a_host_with_one_argument(world: Any) -> None:
    add(world)

    assert call(world.orchestrator.remove_host("h1")).startswith("Removed host 'h1'")
    assert call(world.orchestrator.get_hosts()) == []
    assert world.store.items("host") == {}


def test_a_removed_host_stays_pinned_until_its_record_is_gone(world: Any) -> None:
    add(world)
    while world.engine.poll():
        pass
    call(world.orchestrator.remove_host("h1"))

    assert [target.name for target, _ in world.ssh.pinned] == ["h1"]
    while world.engine.poll():
        pass
    assert world.requests[-1].variables == {"host_record_fsid": "F51D"}
    assert world.ssh.pinned == []


def test_an_offline_host_is_removed_only_when_that_is_said(world: Any) -> None:
    add(world)
    for _ in range(2):
        world.core.liveness.missed("h1", "no route to host", 0.0, 0.0)

    with pytest.raises(AdapterError, match=r"offline \(no route to host\)\. .*--offline --force"):
        call(world.orchestrator.remove_host("h1"))
    with pytest.raises(AdapterError, match="needs --force"):
        call(world.orchestrator.remove_host("h1", offline=True))
    assert call(world.orchestrator.remove_host("h1", force=True, offline=True)) == (
        "Removed offline host 'h1'"
    )


def test_a_host_with_daemons_needs_force(world: Any) -> None:
    add(world)
    world.core.reports.absorb("h1", {"daemons": [{"daemon_type": "mon", "daemon_id": "h1"}]}, 1.0)

    with pytest.raises(AdapterError, match=r"1 Ceph daemon\(s\): mon\.h1"):
        call(world.orchestrator.remove_host("h1"))
    call(world.orchestrator.remove_host("h1", force=True, rm_crush_entry=True))
    assert world.mon_commands == [{"prefix": "osd crush remove", "name": "h1"}]


def test_another_clusters_host_is_refused_and_nothing_is_kept(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(True, hostname="h1", cluster="0ther")

    with pytest.raises(AlreadyExists, match=r"another cluster \(0ther\)"):
        add(world)
    assert world.store.items("host") == {}
    assert world.requests == []


def test_another_address_must_be_the_same_machine(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(
        True, hostname="h1", machine_id="m1", keys=("ssh-ed25519 AAAA",)
    )
    world.ssh.prober.answers["10.0.0.5"] = ProbeResult(True, hostname="h1", machine_id="m5")
    add(world)

    with pytest.raises(InvalidValue, match="another machine than 'h1'"):
        call(world.orchestrator.update_host_addr("h1", "10.0.0.5"))
    assert world.store.get("host.h1")["addr"] == "10.0.0.1"
    world.ssh.prober.answers["10.0.0.5"] = ProbeResult(
        True, hostname="h1", machine_id="m1", keys=("ssh-ed25519 BBBB",)
    )
    with pytest.raises(InvalidValue, match="another ssh host key"):
        call(world.orchestrator.update_host_addr("h1", "10.0.0.5"))
    world.ssh.prober.answers["10.0.0.5"] = ProbeResult(
        True, hostname="h1", machine_id="m1", keys=("ssh-ed25519 AAAA",)
    )
    assert call(world.orchestrator.update_host_addr("h1", "10.0.0.5")) == (
        "Updated host 'h1' addr to '10.0.0.5'"
    )
    assert world.store.get("host.h1")["addr"] == "10.0.0.5"


def test_a_host_that_does_not_answer_is_offline_and_all_of_them_make_it_unavailable(
    world: Any,
) -> None:
    add(world)
    assert world.orchestrator.available()[0]
    for _ in range(2):
        world.core.liveness.missed("h1", "timed out", 0.0, 0.0)

    assert [host.status for host in call(world.orchestrator.get_hosts())] == ["Offline"]
    assert world.orchestrator.available() == (
        False,
        "no host answers; h1: timed out",
        {"hosts": 1, "offline": 1, "paused": False},
    )


@pytest.mark.parametrize("cluster", ["", "another"])
def test_somebody_elses_record_is_left_alone(world: Any, cluster: Any) -> None:
    add(world)
    world.engine.poll()
    record = {"hostname": "h1", "addr": "", "labels": [], "cluster": cluster}
    world.answer = lambda request: {
        "h1": HostOutcome(HostStatus.OK, result={"identity": {"record": record}, "devices": []})
    }
    world.core.submit("get_inventory", [world.core.hosts.get("h1")])
    while world.engine.poll():
        pass

    assert [name for name, _ in world.operations()] == ["add_host", "get_inventory"]


def test_a_record_that_missed_a_change_is_brought_up_to_date(world: Any) -> None:
    add(world, labels=["mon"])
    world.engine.poll()
    kept = {**world.core.record_of(world.core.hosts.get("h1")), "labels": []}
    world.answer = lambda request: {
        "h1": HostOutcome(HostStatus.OK, result={"identity": {"record": kept}, "devices": []})
    }
    world.core.submit("get_inventory", [world.core.hosts.get("h1")])
    while world.engine.poll():
        pass

    assert world.operations()[-2:] == [("get_inventory", ["h1"]), ("add_host_label", ["h1"])]
    assert world.requests[-1].variables["host_record_labels"] == ["mon"]


def test_a_changed_host_key_is_accepted_where_the_address_is_given_again(world: Any) -> None:
    for key in ("AAAA", "BBBB"):
        world.ssh.prober.answers["10.0.0.1"] = ProbeResult(
            True, hostname="h1", machine_id="m1", keys=(f"ssh-ed25519 {key}",)
        )
        if key == "AAAA":
            add(world)
    call(world.orchestrator.update_host_addr("h1", "10.0.0.1"))

    assert world.store.get("host.h1")["keys"] == ["ssh-ed25519 BBBB"]


def test_a_machine_with_an_odd_python_is_added_without_it(world: Any) -> None:
    world.ssh.prober.answers["10.0.0.1"] = ProbeResult(True, hostname="h1", python="/opt/a b")

    with pytest.raises(InvalidValue, match="python"):
        add(world)
    assert world.store.items("host") == {}
    add(world, "h2", "10.0.0.2")
    assert call(world.orchestrator.remove_host("h2", force=True)).startswith("Removed host 'h2'")


def test_a_job_of_a_host_that_was_there_before_is_not_taken_over(world: Any) -> None:
    add(world)
    while world.engine.poll():
        pass
    old = world.core.submit("get_inventory", [world.core.hosts.get("h1")])
    call(world.orchestrator.remove_host("h1", force=True))
    world.ssh.prober.answers["10.0.0.9"] = ProbeResult(True, hostname="h1")
    add(world, "h1", "10.0.0.9")
    world.orchestrator.outcomes.absorb(
        old.record, "h1", HostOutcome(HostStatus.OK, result={"facts": {}})
    )

    assert world.core.reports.get("h1") is None


def test_a_report_that_publishes_nothing_known_is_a_failure(world: Any) -> None:
    add(world)
    while world.engine.poll():
        pass
    world.answer = lambda request: {"h1": HostOutcome(HostStatus.OK, result={"x": 1})}
    world.core.submit("get_inventory", [world.core.hosts.get("h1")])
    while world.engine.poll():
        pass

    assert world.core.refresh.errors() == {"h1": "it published no report"}


def test_a_host_whose_first_job_failed_is_prepared_again(world: Any) -> None:
    world.answer = lambda request: {"h1": HostOutcome(HostStatus.FAILED, "no python")}
    add(world)
    while world.engine.poll():
        pass
    world.core.refresh.want(["h1"])
    loop = Loop(world.core)
    loop.step()
    loop.close()

    assert [record.request.operation for record in world.engine.jobs()] == ["add_host"] * 2


def test_health_says_that_the_interpreter_is_gone(world: Any) -> None:
    """No job can be started, and `ceph orch status` alone knew of it."""
    add(world)
    while world.engine.poll():
        pass
    world.engine.problem = "There is no interpreter /nowhere any more."

    assert world.orchestrator.health.checks()["ANSIBLE_NOT_READY"]["detail"] == [
        "There is no interpreter /nowhere any more."
    ]


def test_without_a_key_a_host_can_be_removed_and_health_says_what_is_missing(world: Any) -> None:
    add(world)
    while world.engine.poll():
        pass
    world.ssh.problem = "There is no ssh key."

    assert world.orchestrator.health.checks()["ANSIBLE_NOT_READY"]["detail"] == [
        "There is no ssh key."
    ]
    assert "its record there stays" in call(world.orchestrator.remove_host("h1"))
    assert [name for name, _ in world.operations()] == ["add_host"]
    assert world.orchestrator.health.checks() == {}
