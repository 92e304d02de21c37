"""A kind of daemon is one file: what the rest needs to know of it stands there alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, Set

import pytest

from adapter.interface import REQUIRES_SERVICE_ID, ServiceSpec
from adapter.kinds import COMPANIONS, DAEMONS, KINDS, NOTHING, Kind, kind_of
from plugins.module_utils.daemons.kinds.registry import ALL
from plugins.module_utils.daemons.kinds.registry import KINDS as ON_HOSTS
from tests.tools.docs_tables import NEEDED

ROOT = Path(__file__).resolve().parents[3]
ADAPTER = ROOT / "adapter"
# Who reads one map of the cluster, or a command of Ceph's, has the word that Ceph has for it.
OWN_WORDS: Dict[str, Set[str]] = {
    "cli/ceph.py": {"mgr"},
    "cli/cluster.py": {"mgr"},
    "cli/daemon_verbs.py": {"mon", "prometheus"},
    "cli/mgr_backend.py": {"mgr"},
    "cluster/ceph_options.py": {"mgr"},
    "cluster/keys_and_options.py": {"mon"},
    "cluster/maps.py": {"mon"},
    "cluster/told_daemons.py": {"mon", "mgr", "mds"},
    # The order in which Ceph upgrades its daemons.
    "cluster/upgrade_plan.py": {
        *("mgr", "mon", "crash", "mds"),
        *("rgw", "rbd-mirror", "cephfs-mirror", "ceph-exporter"),
    },
    "cluster/watch.py": {"mon", "mgr", "mds"},
    "cluster/views.py": {"mon"},
    "methods/monitoring.py": {"prometheus"},
    "mgr/compat.py": {"mgr"},
    "reconcile/dashboard_urls.py": {"mgr"},
    "reconcile/gateway_zones.py": {"rgw"},
    # The parts in which a host stops.
    "reconcile/host_maintenance.py": {"mgr"},
    "reconcile/host_stops.py": {"mon"},
    "reconcile/maintenance_parts.py": {"mon", "mgr", "mds"},
    "reconcile/mon_addresses.py": {"mon"},
    "reconcile/mon_locations.py": {"mon"},
    "reconcile/successors.py": {"mgr"},
}


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_file_asks_for_a_kind_by_its_name() -> None:
    named = {}
    for path in sorted(ADAPTER.rglob("*.py")):
        place = path.relative_to(ADAPTER)
        if place.parts[0] in ("interface", "kinds"):
            continue
        found = {text for text in _texts(path) if text in KINDS}
        if found:
            named[str(place)] = found

    assert named == OWN_WORDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: str(kind.service_type))
def test_adapter_and_hosts_mean_the_same_daemon(kind: Kind) -> None:
    on_hosts = ON_HOSTS[kind.daemon_type]

    assert kind.entity == on_hosts.entity
    assert kind.fixed_ports == tuple(on_hosts.ports)
    assert kind.unit_of("x.h1.abcdef") == on_hosts.unit.format(id="x.h1.abcdef")


def test_adapter_and_hosts_know_the_same_kinds() -> None:
    assert set(DAEMONS) == set(ON_HOSTS)
    assert set(COMPANIONS) == {name for name in ALL if name not in (*ON_HOSTS, "osd")}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: str(kind.service_type))
def test_a_kind_says_what_everybody_asks(kind: Kind) -> None:
    named = {"service_id": "x"} if kind.service_type in REQUIRES_SERVICE_ID else {}
    spec = ServiceSpec.from_json(
        {"service_type": kind.service_type, **named, **NEEDED.get(kind.service_type, {})}
    )

    assert kind.plural != Kind.plural
    assert bool(kind.section) == kind.is_ceph
    assert bool(kind.entity) == ON_HOSTS[kind.daemon_type].needs_conf
    assert kind.is_ceph == ON_HOSTS[kind.daemon_type].is_ceph
    assert kind.default_placement().to_json()
    assert kind.has_own_port == (kind.first_port(spec) > 0)
    assert kind.cluster_needs == (kind.least(3) > 0)
    assert not (kind.named_by_host and kind.many_on_a_host)
    assert kind.guard == NOTHING or kind.in_maps or kind.in_service_map
    for row in kind.daemon_settings(spec, "x.h1.abcdef", 8000, ""):
        assert row[1] in kind.daemon_options


def test_a_type_that_is_not_deployed_needs_nothing() -> None:
    other = kind_of("loki")

    assert (other.guard, other.count, other.in_maps) == (NOTHING, 1, False)
    assert kind_of("osd").in_maps
