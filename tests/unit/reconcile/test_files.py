"""Files with hosts, services and drive groups: applied in order, again, and only looked at."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.spec_file import read_spec_file
from adapter.engine.ssh import ProbeResult
from adapter.errors import AdapterError, NotApplied, UnknownName
from adapter.interface import raise_if_exception, specs_to_yaml
from tests.unit.reconcile.fake_cluster import Cluster

H4 = "service_type: host\nhostname: h4\naddr: 10.0.0.4\nlabels: [mds]\n"
NAMED = "service_type: mds\nservice_id: fs\nplacement: {hosts: [h4]}\n"
LABELLED = "service_type: mds\nservice_id: fs\nplacement: {label: mds}\n"
MON = "service_type: mon\nplacement: {hosts: [h1, h2]}\n"
BIG = (
    "service_type: osd\nservice_id: big\nplacement: {host_pattern: '*'}\n"
    "spec: {data_devices: {size: '1G:'}, method: raw}\n"
)


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts with two free disks each, and a fourth that is not added yet."""
    cluster = Cluster()
    cluster.free["h4"] = ["/dev/sdb"]
    cluster.requests.clear()
    return cluster


def apply(cluster: Cluster, text: str, **more: Any) -> List[str]:
    file = read_spec_file(text)
    assert file.errors == []
    return list(raise_if_exception(cluster.orchestrator.apply(file.specs, **more)))


def preview(cluster: Cluster, text: str, **more: Any) -> List[Dict[str, Any]]:
    return list(cluster.orchestrator.previews.preview(read_spec_file(text).specs, **more))


def kept(cluster: Cluster) -> Any:
    kinds = ("host", "spec", "osd_creation")
    return {kind: dict(cluster.store.items(kind)) for kind in kinds}


@pytest.mark.parametrize("service", [NAMED, LABELLED])
def test_services_know_the_hosts_before_them(cluster: Cluster, service: str) -> None:
    apply(cluster, f"{H4}---\n{service}")
    cluster.settle()

    assert [host for host, kind, _ in cluster.daemons if kind == "mds"] == ["h4"]
    before = kept(cluster)
    cluster.requests.clear()
    apply(cluster, f"{H4}---\n{service}")
    cluster.settle()
    assert kept(cluster) == before
    assert cluster.operations() == [], "the same file did something"


def test_a_label_of_the_file_counts_on_a_host_that_is_there(cluster: Cluster) -> None:
    text = f"service_type: host\nhostname: h2\nlabels: [mds]\n---\n{LABELLED}"
    (_, row) = preview(cluster, text)
    assert row["add"] == ["h2"]

    apply(cluster, text)
    cluster.settle()
    assert [host for host, kind, _ in cluster.daemons if kind == "mds"] == ["h2"]


def test_a_label_that_the_file_takes_counts_no_more(cluster: Cluster) -> None:
    apply(cluster, f"{H4}---\n{LABELLED}")
    without = H4.replace("[mds]", "[other]")

    with pytest.raises(NotApplied, match=r"mds\.fs: .*label:mds.*it matches no host"):
        apply(cluster, f"{without}---\n{LABELLED}")


def test_a_host_stands_before_its_services(cluster: Cluster) -> None:
    with pytest.raises(NotApplied, match="this host is added further below") as caught:
        apply(cluster, f"{NAMED}---\n{H4}")
    assert "Nothing of the file was applied" in str(caught.value)
    assert "h4" not in cluster.core.hosts


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_applied(cluster: Cluster) -> None:
    before = kept(cluster)
    text = "---\n".join(
        [H4, NAMED.replace("h4", "h9"), MON, LABELLED.replace("fs", "a").replace("mds}", "none}")]
    )

    with pytest.raises(NotApplied) as caught:
        apply(cluster, text)
    assert "mds.fs: There is no host 'h9'" in str(caught.value)
    assert "mds.a: Invalid placement 'label:none'" in str(caught.value)
    assert kept(cluster) == before


def test_of_one_spec_the_error_is_its_own(cluster: Cluster) -> None:
    with pytest.raises(UnknownName, match=r"^There is no host 'h9'"):
        apply(cluster, NAMED.replace("h4", "h9"))


def test_what_fails_on_the_way_says_what_was_applied(cluster: Cluster) -> None:
    cluster.unreachable("10.0.0.4", "no route to host")

    with pytest.raises(NotApplied, match=r"host h4: .*no route.*Applied: Scheduled mds\.a"):
        apply(cluster, f"{NAMED.replace('h4', 'h1').replace('fs', 'a')}---\n{H4}---\n{NAMED}")
    assert [each.name for each in cluster.core.specs.all()] == ["mds.a"]


def test_with_continue_on_error_the_others_are_applied(cluster: Cluster) -> None:
    with pytest.raises(AdapterError, match=r"mds\.fs: There is no host 'h9'.*Applied: Scheduled"):
        apply(cluster, f"{NAMED.replace('h4', 'h9')}---\n{MON}", continue_on_error=True)
    assert [each.name for each in cluster.core.specs.all()] == ["mon"]


def test_two_hosts_of_a_file_have_not_one_address(cluster: Cluster) -> None:
    h5 = "service_type: host\nhostname: h5\naddr: 10.0.0.4\n"

    with pytest.raises(NotApplied, match=r"host h5: Host 'h4' has the address '10\.0\.0\.4'"):
        apply(cluster, f"{H4}---\n{h5}")
    assert "h4" not in cluster.core.hosts


def test_the_same_twice_is_refused_also_without_a_file(cluster: Cluster) -> None:
    specs = read_spec_file(MON).specs * 2

    with pytest.raises(NotApplied, match=r"mon: .*it is there twice"):
        raise_if_exception(cluster.orchestrator.apply(specs))


def test_a_preview_shows_each_document_and_changes_nothing(cluster: Cluster) -> None:
    before = kept(cluster)
    text = "---\n".join([H4, LABELLED, NAMED.replace("h4", "h9").replace("fs", "a"), BIG])
    host, mds, wrong, osds = preview(cluster, text)

    text = "host h4: would be added with addr '10.0.0.4' and the labels mds"
    assert host == {"note": text, "warning": f"{text}\n"}
    assert (mds["add"], mds["remove"]) == (["h4"], [])
    assert wrong["error"].startswith("mds.a: There is no host 'h9'")
    assert sorted(osds["data"]) == ["h1", "h2", "h3", "h4"]
    assert "h4: the host is added by this file" in osds["data"]["h4"][0]["notes"][0]
    cluster.settle()
    assert kept(cluster) == before
    assert cluster.operations() == []


def test_a_preview_says_what_speaks_against_a_host(cluster: Cluster) -> None:
    cluster.unreachable("10.0.0.4", "no route to host")
    (host, mds) = preview(cluster, f"{H4}---\n{NAMED}")

    assert "no route to host" in host["error"]
    assert mds["add"] == ["h4"]
    cluster.ssh.prober.answers["10.0.0.4"] = ProbeResult(True, hostname="h9")
    assert "calls itself 'h9'" in preview(cluster, H4)[0]["error"]


def test_a_preview_of_hosts_that_are_there(cluster: Cluster) -> None:
    text = "service_type: host\nhostname: h1\n---\nservice_type: host\nhostname: h2\nlabels: [a]\n"

    assert [row["note"] for row in preview(cluster, text)] == [
        "host h1: would stay as it is",
        "host h2: would be updated: labels added: a",
    ]


def test_a_preview_without_overwriting(cluster: Cluster) -> None:
    apply(cluster, MON)
    text = f"service_type: host\nhostname: h1\n---\n{MON}---\n{BIG}"
    rows = preview(cluster, text, no_overwrite=True)

    assert [row["note"] for row in rows[:2]] == [
        "Skipped host h1: it is there (--no-overwrite)",
        "Skipped mon: it is there (--no-overwrite)",
    ]
    assert sorted(rows[2]["data"]) == ["h1", "h2", "h3"]


def test_a_host_beside_previews_is_one_too(cluster: Cluster) -> None:
    """Where nobody stands in front of Ceph's command only the services are marked."""
    before = kept(cluster)
    specs = read_spec_file(f"{H4}---\n{NAMED}").specs
    specs[1].preview_only = True  # type: ignore[union-attr]

    raise_if_exception(cluster.orchestrator.apply(specs))
    assert kept(cluster) == before


def test_an_unmanaged_service_is_left_as_it_is_and_so_says_the_preview(cluster: Cluster) -> None:
    rows = preview(cluster, f"{MON}unmanaged: true\n---\n{BIG}unmanaged: true\n")

    assert [row["warning"] for row in rows] == [
        "mon: would be left as it is: it is unmanaged\n",
        "osd.big: would be kept; unmanaged, nothing is made\n",
    ]


def test_two_drive_groups_of_a_file_share_no_disk(cluster: Cluster) -> None:
    text = f"{BIG}---\n{BIG.replace('big', 'all')}"
    first, second = preview(cluster, text)

    assert [d["data"] for d in first["data"]["h1"][0]["data"]] == ["/dev/sdb", "/dev/sdc"]
    assert second["data"]["h1"][0]["data"] == []
    assert second["data"]["h1"][0]["notes"] == [
        "h1: /dev/sdb: osd.big takes it",
        "h1: /dev/sdc: osd.big takes it",
    ]
    said = apply(cluster, text)
    assert "OSDs are made of" in said[0]
    assert "h1: /dev/sdb: osd.big takes it" in said[1]
    cluster.settle()
    assert {osd.affinity for osd in cluster.monitors.osds.values()} == {"big"}


def test_a_drive_group_that_was_there_first_has_its_disks(cluster: Cluster) -> None:
    cluster.core.pause(True)
    apply(cluster, BIG.replace("big", "zz"))
    (row,) = preview(cluster, BIG)

    assert row["data"]["h2"][0]["notes"][0] == "h2: /dev/sdb: osd.zz takes it"
    apply(cluster, BIG)
    apply(cluster, BIG.replace("big", "zz"))
    cluster.core.pause(False)
    cluster.settle()
    assert {osd.affinity for osd in cluster.monitors.osds.values()} == {"zz"}


def test_a_preview_of_groups_that_are_there_keeps_their_turns(cluster: Cluster) -> None:
    cluster.core.pause(True)
    apply(cluster, BIG.replace("big", "zz"))
    changed = BIG.replace("big", "aa").replace("1G:", "2G:")
    apply(cluster, changed)
    again, other = preview(cluster, f"{BIG.replace('big', 'aa')}---\n{BIG.replace('big', 'zz')}")

    assert again["data"]["h1"][0]["notes"][0] == "h1: /dev/sdb: osd.zz takes it"
    assert other["data"]["h1"][0]["notes"][0] == "h1: /dev/sdb (8 GiB, IDh1b)"


def test_all_free_disks_are_those_that_nobody_takes(cluster: Cluster) -> None:
    limited = BIG.replace("{size: '1G:'}", "{size: '1G:', limit: 1}")
    rest = BIG.replace("{size: '1G:'}", "{all: true}").replace("big", "rest")
    apply(cluster, f"{limited}---\n{rest}")

    claims = cluster.core.specs.get("osd.rest").claims
    assert claims.only == {(f"h{n}", f"IDh{n}c") for n in (1, 2, 3)}


def test_what_is_listed_is_applied_again_and_changes_nothing(cluster: Cluster) -> None:
    apply(cluster, f"{LABELLED.replace('label: mds', 'count: 2')}---\n{MON}---\n{BIG}")
    cluster.settle(20)
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", True))
    cluster.settle()
    hosts = raise_if_exception(cluster.orchestrator.get_hosts())
    rows = raise_if_exception(cluster.orchestrator.describe_service())
    text = specs_to_yaml([*hosts, *rows])
    before = kept(cluster)
    cluster.requests.clear()

    file = read_spec_file(text, services=cluster.orchestrator.service_list)
    assert file.errors == []
    raise_if_exception(cluster.orchestrator.apply(file.specs))
    cluster.settle()
    assert kept(cluster) == before
    assert cluster.operations() == []
    again = raise_if_exception(cluster.orchestrator.describe_service())
    assert [(row.spec, row.size, row.running) for row in again] == [
        (row.spec, row.size, row.running) for row in rows
    ]


def test_what_a_forgotten_drive_group_left_is_nobodys(cluster: Cluster) -> None:
    apply(cluster, BIG)
    cluster.settle()
    raise_if_exception(cluster.orchestrator.remove_service("osd.big", force=True))
    rows = raise_if_exception(cluster.orchestrator.describe_service())
    names = [row.spec.service_name() for row in rows]

    assert "osd.big" in names
    assert [name for name in names if cluster.orchestrator.service_list.is_nobodys(name)] == names
    file = read_spec_file(specs_to_yaml(rows), services=cluster.orchestrator.service_list)
    assert (file.errors, file.specs) == ([], [])
    assert len(file.notes) >= len(names)


def test_an_unmanaged_service_without_a_placement_counts_what_is_there(cluster: Cluster) -> None:
    apply(cluster, "service_type: mon\nunmanaged: true\n")
    (row,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="mon"))

    assert (row.size, row.running) == (1, 1)


def test_a_service_that_is_being_removed_is_not_revived_by_its_listing(cluster: Cluster) -> None:
    apply(cluster, LABELLED.replace("label: mds", "count: 1"))
    cluster.settle()
    cluster.core.pause(True)
    raise_if_exception(cluster.orchestrator.remove_service("mds.fs"))
    rows = raise_if_exception(cluster.orchestrator.describe_service(service_name="mds.fs"))

    file = read_spec_file(specs_to_yaml(rows), services=cluster.orchestrator.service_list)
    assert (file.specs, file.errors) == ([], [])
    assert "mds.fs is being removed" in file.notes[-1]
    by_hand = read_spec_file(
        LABELLED.replace("label: mds", "count: 1"), services=cluster.orchestrator
    )
    assert len(by_hand.specs) == 1, "who writes it wants it"
