"""A row of a report is the host's own daemon, or claims another host's."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from adapter.cluster.daemon_identity import ClusterNames, Foreign, Identities, lines, read_names
from adapter.cluster.host_names import HostNames, names_of
from adapter.errors import NotReady

HOSTS = {
    name: names_of(name, {"hostname": name, "fqdn": f"{name}.example.com"})
    for name in ("h1", "h2", "h3")
}
ADDRESSES = {"10.0.0.1": "h1", "10.0.0.2": "h2", "10.0.0.3": "h3"}


def row(state: str = "running", enabled: bool = True) -> Dict[str, Any]:
    return {"state": state, "enabled": enabled, "unit": "ceph-x@y.service"}


def owner(
    host: str, daemon: str, known: Any = None, rows: Any = None, addresses: Any = None
) -> str:
    """Return the host that has a daemon, as it is judged for one host; ``?`` if not settled."""
    hosts = {name: frozenset(where) for name, where in (known or {}).items()}
    mons = {name: frozenset(where) for name, where in (addresses or {}).items()}
    judge = Identities(ClusterNames(hosts, mons), HostNames(HOSTS), ADDRESSES)
    kind, _, identity = daemon.partition(".")
    found = judge.foreign(host, kind, identity, rows or {host: row()})
    return host if found is None else found.owner or "?"


@pytest.mark.parametrize(
    ("host", "daemon", "known", "is_of"),
    [
        ("h1", "mon.h1", {"mon.h1": ["h1"]}, "h1"),
        ("h3", "mon.h1", {"mon.h1": ["h1"]}, "h1"),
        ("h3", "mgr.h1", {"mgr.h1": ["h1.example.com"]}, "h1"),
        ("h3", "osd.3", {"osd.3": ["h2"]}, "h2"),
        ("h3", "mds.x", {"mds.x": ["elsewhere.org"]}, "elsewhere.org"),
        # Adopted: the cluster's word is above the name.
        ("h1", "mon.a", {"mon.a": ["h1"]}, "h1"),
        ("h3", "mgr.h1", {"mgr.h1": ["h3"]}, "h3"),
        ("h1", "mgr.h1", {"mgr.h1": ["h3"]}, "h3"),
        # One id, several daemons: gateways may share a key.
        ("h2", "rgw.gate", {"rgw.gate": ["h1", "h2"]}, "h2"),
        ("h3", "rgw.gate", {"rgw.gate": ["h1", "h2"]}, "h1"),
    ],
)
def test_the_cluster_knows(host: str, daemon: str, known: Any, is_of: str) -> None:
    assert owner(host, daemon, known) == is_of


def test_a_daemon_of_a_host_that_was_renamed_is_not_to_be_removed() -> None:
    known = ClusterNames({"osd.3": frozenset(("before",))})
    judge = Identities(known, HostNames(HOSTS), ADDRESSES)
    found = judge.foreign("h3", "osd", "3", {"h3": row()})
    assert found
    (line,) = lines([found])
    assert "runs, and the cluster has it on before, which is no managed host" in line
    assert "`systemctl restart ceph-x@y.service` lets it say the new name" in line
    assert "disable --now" not in line
    for rows in ({"h3": row("stopped")}, {"h3": row(), "h1": row()}):
        other = judge.foreign("h3", "osd", "3", rows)
        assert other
        assert not other.is_renamed


@pytest.mark.parametrize(
    ("host", "daemon", "is_of"),
    [
        ("h3", "mon.h1", "h1"),
        ("h3", "mgr.h1", "h1"),
        ("h3", "crash.h1", "h1"),
        ("h3", "ceph-exporter.h1.example.com", "h1"),
        ("h3", "mon.h3", "h3"),
        ("h3", "mon.a", "h3"),
        ("h3", "mds.data.h1.abcdef", "h1"),
        ("h3", "rbd-mirror.h1.abcdef", "h1"),
        ("h3", "rbd-mirror.h3.abcdef", "h3"),
        ("h3", "rgw.h1", "h3"),
        ("h3", "mds.byhand", "h3"),
        ("h3", "osd.3", "h3"),
        ("h3", "loki.h1", "h3"),
    ],
)
def test_a_name_made_of_a_hosts_decides_where_the_cluster_knows_nothing(
    host: str, daemon: str, is_of: str
) -> None:
    assert owner(host, daemon) == is_of


def test_an_address_in_the_monitors_map_is_above_all() -> None:
    where = {"mon.a": ["10.0.0.2"]}
    assert owner("h2", "mon.a", {"mon.a": ["h1"]}, addresses=where) == "h2"
    assert owner("h1", "mon.a", {"mon.a": ["h1"]}, addresses=where) == "h2"
    # An address that no host has says nothing.
    assert owner("h1", "mon.a", {"mon.a": ["h1"]}, addresses={"mon.a": ["192.0.2.1"]}) == "h1"


@pytest.mark.parametrize(
    ("rows", "is_of"),
    [
        ({"h1": row(), "h3": row("stopped")}, "h1"),
        ({"h1": row("stopped"), "h3": row()}, "h3"),
        ({"h1": row("error"), "h3": row("stopped")}, "?"),
        ({"h1": row(), "h3": row()}, "?"),
    ],
)
def test_a_name_that_several_report_is_of_the_one_that_runs_it(rows: Any, is_of: str) -> None:
    assert owner("h3", "osd.3", rows=rows) == is_of
    assert owner("h3", "loki.x", rows=rows) == "h3", "nothing is done to these"


def test_a_warning_names_hosts_unit_and_remedy() -> None:
    unit = "ceph-mon@h1.service"
    found = Foreign("h3", "mon.h1", unit, "the monitors' map has its address", "h1")
    (line,) = lines([found, Foreign("h2", "mon.h1", unit, "so", "h1", active=False)])
    assert line.startswith(f"mon.h1 on host h3 ({unit}) belongs to host h1: ")
    assert f"`systemctl disable --now {unit}`" in line
    assert len(line) < 500
    (line,) = lines([Foreign("h3", "mds.x", "x; rm -rf /", "so", "", ("h2",))])
    assert "rm -rf" not in line, "a host has put words into a command"
    assert "h2" in line


def test_answers_are_read() -> None:
    nodes = {"mon": {"h1": ["h1"]}, "osd": {"h1": [0, 1]}, "mds": {}, "mgr": {"h2": ["y"]}}
    mons = {"mons": [{"name": "h1", "addr": "10.0.0.1:6789/0"}]}
    daemons = {
        "summary": "",
        "4123": {"metadata": {"id": "data.h1.abcdef", "hostname": "h1"}},
        "4124": {"metadata": {"id": "rgw.other", "hostname": "h2"}},
        "4125": {"metadata": {}},
    }
    services = {"services": {"rgw": {"daemons": daemons}, "mgr": {}}}
    found = read_names(json.dumps(nodes), json.dumps(mons), services)
    assert found.hosts == {
        "mon.h1": {"h1"},
        "osd.0": {"h1"},
        "osd.1": {"h1"},
        "mgr.y": {"h2"},
        "rgw.data.h1.abcdef": {"h1"},
        "rgw.other": {"h2"},
    }
    assert found.addresses == {"mon.h1": {"10.0.0.1"}}


def test_an_answer_that_is_none_is_no_knowledge() -> None:
    with pytest.raises(NotReady):
        read_names("", '{"mons": []}', {})


@pytest.mark.parametrize(
    ("host", "is_of"), [("h2", "h2"), ("b.h2", "b.h2"), ("h3", "b.h2"), ("both", "?")]
)
def test_a_name_may_end_with_the_names_of_two_hosts(host: str, is_of: str) -> None:
    """``mds.fs.b`` on h2 and ``mds.fs`` on b.h2 have daemons of the same form."""
    names = HostNames({name: names_of(name, {}) for name in ("h2", "b.h2", "h3")})
    judge = Identities(ClusterNames(), names, {})
    rows = {each: row() for each in (("h2", "b.h2") if host == "both" else (host,))}
    found = judge.foreign("h2" if host == "both" else host, "mds", "fs.b.h2.abcdef", rows)
    assert (host if found is None else found.owner or "?") == is_of
