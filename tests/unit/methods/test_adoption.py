"""Adoption proposes hosts and services of what runs, and keeps and changes nothing."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
import yaml

from adapter.cluster.adoption import Proposal
from adapter.cluster.store import MemoryStore
from adapter.engine.ssh import ProbeResult
from adapter.errors import ReportAwaited
from adapter.interface import raise_if_exception, specs_from_yaml
from adapter.settings import Settings
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon

APPLY = ("ceph orch apply -i FILE", "ceph orch apply -i FILE --dry-run")


class HandMade(Cluster):
    """A cluster of three hosts that somebody else has made; no host is managed."""

    def __init__(self) -> None:
        super().__init__(hosts=0, disks=0)
        self.daemons = {}
        self.monitors.mons = ["h1", "h2", "h3"]
        self.monitors.managers = ["h1", "h2"]
        for number, host in enumerate(self.monitors.mons):
            self.daemons[host, "mon", host] = "running"
            self.monitors.osds[number] = Daemon(host, "/dev/sdb", f"uuid-{number}")
        for host in self.monitors.managers:
            self.daemons[host, "mgr", host] = "running"
        self.store = MemoryStore()
        self.start_anew(self.store)

    def adopt(self, inventory: str = "") -> Proposal:
        """Ask until hosts have been read."""
        with pytest.raises(ReportAwaited):
            self.orchestrator.adoption.adopt(inventory)
        self.engine.poll()
        return self.orchestrator.adoption.adopt(inventory)

    def gateway(self, host: str, identity: str, frontend: str, **more: str) -> None:
        """Let an object gateway run."""
        self.daemons[host, "rgw", identity] = "running"
        self.monitors.elsewhere[f"rgw.{identity}"] = host
        self.monitors.told_more[f"rgw.{identity}"] = {"frontend_config#0": frontend, **more}

    def documents(self, proposal: Proposal) -> List[Dict[str, Any]]:
        """Return the documents of the file that is proposed."""
        found = yaml.safe_load_all(proposal.to_file(*APPLY))
        return [each for each in found if each is not None]


@pytest.fixture
def made() -> HandMade:
    """Return the cluster."""
    return HandMade()


def services(proposal: Proposal) -> Dict[str, Any]:
    return {each.name: each.to_spec() for each in proposal.services}


def why(proposal: Proposal, what: str) -> str:
    return " / ".join(each.why for each in proposal.left_out if each.what == what)


def test_what_runs_is_written_as_specs_that_change_nothing(made: HandMade) -> None:
    proposal = made.adopt()

    assert [each.hostname for each in proposal.hosts] == ["h1", "h2", "h3"]
    assert [each.addr for each in proposal.hosts] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert services(proposal) == {
        "mon": {"service_type": "mon", "placement": {"hosts": ["h1", "h2", "h3"]}},
        "mgr": {"service_type": "mgr", "placement": {"hosts": ["h1", "h2"]}},
    }
    rows = {each.daemon: (each.host, each.service, each.spec) for each in proposal.daemons}
    assert rows["mon.h2"] == ("h2", "mon", "written")
    assert rows["osd.2"] == ("h3", "", "none")
    assert "an OSD needs no spec" in why(proposal, "osd.2")


def test_nothing_is_kept_and_nothing_is_asked_but_to_read(made: HandMade) -> None:
    made.adopt()

    assert made.store._records == {}
    assert len(made.core.hosts) == 0
    assert made.operations() == [("list_daemons", ["h1", "h2", "h3"])]
    assert made.ssh.pinned == [], "their keys are pinned while they are read, and no longer"
    assert made.monitors.log == []
    assert made.monitors.told == []


def test_hosts_are_asked_as_they_are_worked_on(made: HandMade) -> None:
    """Seen to fail where a candidate is asked for all of sudo."""
    made.core.settings = Settings(ssh_user="orch", sudo_invoker=True)

    made.adopt()

    asked = {(target.name, target.user, target.invoker) for target, _ in made.ssh.prober.probed}
    assert asked == {(host, "orch", True) for host in ("h1", "h2", "h3")}


def test_applied_it_adds_and_removes_nothing(made: HandMade) -> None:
    made.gateway("h3", "h3.rgw0", "beast port=8080")
    text = made.adopt().to_file(*APPLY)

    raise_if_exception(made.orchestrator.apply(specs_from_yaml(text)))
    made.settle(20)

    assert sorted(made.core.specs.find(each).name for each in ("mon", "mgr", "rgw.h3.rgw0"))
    changing = {name for name, _ in made.operations()} - {"list_daemons", "get_inventory"}
    assert changing == {"add_host"}
    assert made.monitors.told == []


def test_the_dry_run_of_the_file_tells_that_all_is_kept(made: HandMade) -> None:
    text = made.adopt().to_file(*APPLY)

    rows = made.orchestrator.previews.preview(specs_from_yaml(text))

    mon = next(row for row in rows if row.get("service_name") == "mon")
    assert (mon["add"], mon["remove"]) == ([], [])
    assert mon["kept"] == "mon.h1, mon.h2, mon.h3 are there already, as the cluster has it: kept"


def test_the_same_question_is_answered_from_the_same_look(made: HandMade) -> None:
    made.adopt()
    again = made.orchestrator.adoption.adopt()

    assert len(again.hosts) == 3
    assert len(made.requests) == 1


def test_the_file_is_read_again_as_it_was_meant(made: HandMade) -> None:
    proposal = made.adopt()

    documents = made.documents(proposal)

    assert documents == proposal.to_json()["specs"]
    assert [each["service_type"] for each in documents] == ["host", "host", "host", "mon", "mgr"]


def test_daemons_with_names_of_their_own(made: HandMade) -> None:
    monitors = made.monitors
    made.daemons = {}
    monitors.mons, monitors.managers = ["a", "b"], ["x"]
    monitors.addresses = {"a": "10.0.0.1", "b": "10.0.0.2"}
    for kind, identity, host in (("mon", "a", "h1"), ("mon", "b", "h2"), ("mgr", "x", "h1")):
        made.daemons[host, kind, identity] = "running"
        monitors.elsewhere[f"{kind}.{identity}"] = host
    monitors.osds = {}
    made.daemons["h2", "mds", "one"] = "running"
    monitors.elsewhere["mds.one"] = "h2"

    found = services(made.adopt())

    assert found["mon"]["placement"] == {"hosts": ["h1=a", "h2=b"]}
    assert found["mgr"]["placement"] == {"hosts": ["h1=x"]}
    assert found["mds.one"] == {
        "service_type": "mds",
        "service_id": "one",
        "placement": {"hosts": ["h2"]},
        "unmanaged": True,
    }


def test_full_names(made: HandMade) -> None:
    monitors = made.monitors
    made.daemons, monitors.osds = {}, {}
    monitors.mons = monitors.managers = ["h1.lab.test"]
    monitors.addresses = {"h1.lab.test": "10.0.0.1"}
    for kind in ("mon", "mgr"):
        made.daemons["h1.lab.test", kind, "h1.lab.test"] = "running"

    proposal = made.adopt("h1 ansible_host=10.0.0.1")

    assert [(each.hostname, each.addr) for each in proposal.hosts] == [("h1.lab.test", "10.0.0.1")]
    assert services(proposal)["mon"]["placement"] == {"hosts": ["h1.lab.test"]}


@pytest.mark.parametrize(
    ("frontend", "spec", "place"),
    [
        ("beast port=8080", {"rgw_frontend_port": 8080}, "h3"),
        ("beast endpoint=10.0.0.3:8081", {"rgw_frontend_port": 8081}, "h3:10.0.0.3"),
        (
            "beast port=80 request_timeout_ms=9000",
            {"rgw_frontend_port": 80, "rgw_frontend_extra_args": ["request_timeout_ms=9000"]},
            "h3",
        ),
    ],
)
def test_what_a_gateway_listens_on(
    made: HandMade, frontend: str, spec: Dict[str, Any], place: str
) -> None:
    made.gateway("h3", "h3.rgw0", frontend)

    found = services(made.adopt())["rgw.h3.rgw0"]

    assert found["spec"] == spec
    assert found["placement"] == {"hosts": [place]}
    assert "unmanaged" not in found


def test_a_gateway_that_would_listen_elsewhere_is_not_managed(made: HandMade) -> None:
    made.gateway("h3", "h3.rgw0", "beast endpoint=0.0.0.0:8080")

    (held,) = (each.held for each in made.adopt().services if each.name == "rgw.h3.rgw0")

    assert held.startswith("let rgw.h3.rgw0 listen as `beast port=8080`")


def test_the_realm_that_nobody_set_here_is_not_set(made: HandMade) -> None:
    made.gateway(
        "h3", "h3.rgw0", "beast port=80", realm_name="r", zonegroup_name="g", zone_name="z"
    )

    found = services(made.adopt())["rgw.h3.rgw0"]

    assert found["spec"]["rgw_realm"] == "r"
    assert found["unmanaged"] is True


@pytest.mark.parametrize("frontend", ["", "civetweb port=80", "beast port=80 ssl_port=443"])
def test_a_gateway_whose_port_nobody_knows_has_no_spec(made: HandMade, frontend: str) -> None:
    made.gateway("h3", "h3.rgw0", frontend)

    proposal = made.adopt()

    assert "rgw.h3.rgw0" not in services(proposal)
    assert "does not say what it listens on" in why(proposal, "service rgw.h3.rgw0")


def test_a_unit_of_another_name_has_no_spec(made: HandMade) -> None:
    made.gateway("h3", "radosgw.gateway", "beast port=80")
    made.said["h3", "rgw", "radosgw.gateway"] = {
        "by_hand": True,
        "unit": "ceph-radosgw@radosgw.gateway.service",
    }

    proposal = made.adopt()

    assert "ceph-radosgw@radosgw.gateway.service" in why(proposal, "service rgw.radosgw.gateway")


def test_a_daemon_of_another_cluster_is_nobodys(made: HandMade) -> None:
    made.daemons["h3", "mds", "other"] = "running"
    made.said["h3", "mds", "other"] = {"fsid": "another-cluster"}

    proposal = made.adopt()

    assert "mds.other" not in services(proposal)
    assert why(proposal, "mds.other") == "it is of another cluster (another-cluster)"


def test_a_daemon_in_error_is_not_managed(made: HandMade) -> None:
    made.gateway("h3", "h3.rgw0", "beast port=80")
    made.daemons["h3", "rgw", "h3.rgw0"] = "error"

    assert services(made.adopt())["rgw.h3.rgw0"]["unmanaged"] is True


def test_managers_without_the_backend_are_not_managed(made: HandMade) -> None:
    made.monitors.without_module = ["h2"]

    (held,) = (each.held for each in made.adopt().services if each.name == "mgr")

    assert held == "install the backend for mgr.h2 and restart it (it has no module ansible)"


def test_a_service_that_is_also_on_a_host_nobody_knows_has_no_spec(made: HandMade) -> None:
    made.ssh.prober.answers["10.0.0.3"] = ProbeResult(False, "no route to host", "Look at it.")

    proposal = made.adopt()

    assert [each.hostname for each in proposal.hosts] == ["h1", "h2"]
    assert "no route to host" in why(proposal, "host h3")
    assert why(proposal, "service mon") == "it has mon.h3 too, which no host here shows"
    assert set(services(proposal)) == {"mgr"}


def test_hosts_that_cannot_be_added_are_named(made: HandMade) -> None:
    answers = made.ssh.prober.answers
    answers["10.0.0.1"] = ProbeResult(True, hostname="other", machine_id="1", python="/p")
    answers["10.0.0.2"] = ProbeResult(True, hostname="h2", machine_id="2", python="")
    answers["10.0.0.3"] = ProbeResult(True, hostname="h3", machine_id="3", cluster="FOREIGN")

    proposal = made.orchestrator.adoption.adopt()

    assert proposal.hosts == ()
    assert "the machine at 10.0.0.1 calls itself 'other'" in why(proposal, "host h1")
    assert "it has no Python" in why(proposal, "host h2")
    assert "it is managed by another cluster (FOREIGN)" in why(proposal, "host h3")


def test_two_hosts_that_are_one_machine(made: HandMade) -> None:
    for addr, name in (("10.0.0.1", "h1"), ("10.0.0.2", "h2")):
        made.ssh.prober.answers[addr] = ProbeResult(
            True, hostname=name, machine_id="same", python="/usr/bin/python3"
        )

    proposal = made.adopt()

    assert "it is the same machine as host h1" in why(proposal, "host h2")


def test_hosts_of_one_address_are_both_left_out(made: HandMade) -> None:
    made.monitors.addresses = {"h2": "10.0.0.3"}

    proposal = made.adopt()

    assert [each.hostname for each in proposal.hosts] == ["h1"]
    assert "10.0.0.3 is that of h3 too" in why(proposal, "host h2")
    assert "10.0.0.3 is that of h2 too" in why(proposal, "host h3")


def test_a_loopback_address_is_none(made: HandMade) -> None:
    made.monitors.addresses = {"h2": "127.0.0.1"}

    proposal = made.adopt()
    assert "the name h2 means no address here" in why(proposal, "host h2")

    made.ssh.names["h2"] = "127.0.1.1"
    proposal = made.adopt()
    assert "its address is 127.0.1.1, which no other host reaches" in why(proposal, "host h2")


def test_a_monitor_that_told_nothing_is_named(made: HandMade) -> None:
    made.monitors.out_of_quorum = ["h3"]
    made.monitors.osds.pop(2)

    proposal = made.adopt()

    assert "the cluster does not say on which host it is" in why(proposal, "mon.h3")
    assert "mon" not in services(proposal)


def test_labels_of_groups_and_of_the_administrators_key(made: HandMade) -> None:
    made.admins["h1"] = {"ours": False, "key": "x"}
    made.confs["h1"] = {"mons": ["10.0.0.1"], "ours": False}

    proposal = made.adopt("[mons]\nh1\n[rack_a]\nh1\nh2\n[_admin]\nh2\n")

    labels = {each.hostname: each.labels for each in proposal.hosts}
    assert labels["h1"] == ("_admin", "mgr", "mon", "osd", "rack_a")
    assert "_admin" not in labels["h2"], "who gets the key is not decided by an inventory"
    assert proposal.notes == ("groups that are no labels here: _admin",)


def test_a_host_of_the_inventory_alone(made: HandMade) -> None:
    made.ssh.prober.answers["10.0.0.9"] = ProbeResult(
        True, hostname="client-9", machine_id="9", python="/usr/bin/python3"
    )

    proposal = made.adopt("[clients]\nnine ansible_host=10.0.0.9\n")

    (host,) = (each for each in proposal.hosts if each.addr == "10.0.0.9")
    assert (host.hostname, host.labels) == ("client-9", ("clients",))
    assert "in the inventory: nine" in host.notes


def test_what_is_managed_already_is_not_written_again(made: HandMade) -> None:
    text = made.adopt().to_file(*APPLY)
    raise_if_exception(made.orchestrator.apply(specs_from_yaml(text)))
    made.settle(20)

    proposal = made.adopt()

    assert (proposal.hosts, proposal.services) == ((), ())
    assert proposal.managed == ("h1", "h2", "h3")
    assert {each.spec for each in proposal.daemons if each.service} == {"kept already"}
    assert "There is nothing to be taken over." in proposal.to_file(*APPLY)


def test_hostile_names_are_no_documents(made: HandMade) -> None:
    made.daemons["h3", "mds", "x"] = "running"
    made.said["h3", "mds", "x"] = {"unit": "x\n---\nservice_type: host\nhostname: evil"}
    made.monitors.elsewhere["mds.x\n---\nhostname: evil"] = "h3\n---\nhostname: evil"

    documents = made.documents(made.adopt())

    assert "evil" not in {each.get("hostname") for each in documents}
