"""Services at random: at last wanted equals present, and nothing is left of what is removed."""

from __future__ import annotations

import contextlib
import random
from typing import Any, Callable, Dict, List

import pytest

from adapter.interface import (
    MDSSpec,
    OrchestratorError,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.over_monitors import KeptCluster

HOSTS = ["h1", "h2", "h3"]
# Names that are alike, and made of hosts' names and of letters as daemons have them.
NAMES = ["a", "a.h2", "a.h1.abcdef", "b"]
KINDS = ("mds", "rgw")
STEPS = 25
RECORDS = ("spec.", "deployed.", "unused_key.", "service_action.", "daemon_action.")


class Day:
    """A cluster to which one thing after the other happens, each drawn by the seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.cluster = KeptCluster().serving()
        self.call = self.cluster.orchestrator

    def run(self) -> None:
        """Let everything happen."""
        acts = [getattr(self, name) for name in dir(self) if name.startswith("_on_")]
        for _ in range(STEPS):
            kind, name = self.draw.choice(KINDS), self.draw.choice(NAMES)
            self.draw.choice(acts)(kind, name)
            self.settle(self.draw.randint(0, 6))

    def settle(self, rounds: int) -> None:
        """Let rounds go by, without the pauses after failures."""
        reconciler = self.cluster.orchestrator.reconciler.services
        with self.cluster.core.lock:
            for wanted in self.cluster.core.specs.all():
                self.cluster.core.service_failures.keep(wanted.name, ())
        reconciler.jobs.look_at = 0.0
        self.cluster.settle(rounds)

    def rest(self) -> None:
        """Let nothing more go wrong, and all come to an end."""
        self._on_all_well("", "")
        self._on_online("", "")
        for wanted in self.cluster.core.specs.all():
            if wanted.spec.unmanaged and not wanted.deleted:
                raise_if_exception(self.cluster.orchestrator.set_unmanaged(wanted.name, False))
        for _ in range(12):
            self._on_report("", "")
            self.settle(10)

    def try_to(self, act: Callable[[], Any]) -> None:
        """Ask for something; what is refused is refused."""
        with contextlib.suppress(OrchestratorError):
            raise_if_exception(act())

    def daemons(self, *kinds: str) -> List[Any]:
        return [each for each in self.cluster.daemons if each[1] in kinds]

    def _on_apply(self, kind: str, name: str) -> None:
        placement = PlacementSpec(hosts=self.draw.sample(HOSTS, self.draw.randint(1, 3)))
        spec: ServiceSpec = MDSSpec(service_id=name, placement=placement)
        if kind == "rgw":
            port = 8000 + 10 * NAMES.index(name)
            spec = RGWSpec(service_id=name, placement=placement, rgw_frontend_port=port)
        self.try_to(lambda: self.cluster.orchestrator.apply([spec]))

    _on_apply_again = _on_apply

    def _on_remove(self, kind: str, name: str) -> None:
        self.try_to(lambda: self.cluster.orchestrator.remove_service(f"{kind}.{name}"))

    def _on_unmanaged(self, kind: str, name: str) -> None:
        value = self.draw.random() < 0.5
        self.try_to(lambda: self.cluster.orchestrator.set_unmanaged(f"{kind}.{name}", value))

    def _on_action(self, kind: str, name: str) -> None:
        action = self.draw.choice(["restart", "stop", "start", "redeploy"])
        self.try_to(lambda: self.cluster.orchestrator.service_action(action, f"{kind}.{name}"))

    def _on_daemon_removal(self, kind: str, name: str) -> None:
        for _, _, daemon_id in self.daemons(kind)[:1]:
            names = [f"{kind}.{daemon_id}"]
            self.try_to(lambda names=names: self.cluster.orchestrator.remove_daemons(names))

    def _on_refusal(self, kind: str, name: str) -> None:
        self.cluster.break_on[f"apply_{kind}"] = {self.draw.choice(HOSTS): "the port is taken"}

    def _on_half_done(self, kind: str, name: str) -> None:
        operation = self.draw.choice([f"apply_{kind}", "remove_daemons"])
        self.cluster.mute[operation] = {self.draw.choice(HOSTS): "it did not stay up"}

    def _on_all_well(self, kind: str, name: str) -> None:
        self.cluster.break_on.clear()
        self.cluster.mute.clear()

    def _on_late(self, kind: str, name: str) -> None:
        """Let systemd bring up what a job has given up."""
        for host, each in self.cluster.core.deployments.all():
            key = (host, each.daemon_type, each.daemon_id)
            self.cluster.daemons.setdefault(key, "running")

    def _on_death(self, kind: str, name: str) -> None:
        for key in self.daemons(kind)[-1:]:
            self.cluster.daemons[key] = "error"

    def _on_offline(self, kind: str, name: str) -> None:
        self.cluster.offline(self.draw.choice(HOSTS))

    def _on_online(self, kind: str, name: str) -> None:
        for host in HOSTS:
            self.cluster.core.liveness.seen(host, self.cluster.now)

    def _on_fail_over(self, kind: str, name: str) -> None:
        self.cluster.start_anew()

    def _on_begin(self, kind: str, name: str) -> None:
        self.cluster.now += 2.0
        self.cluster.orchestrator.reconciler.step(self.cluster.now)

    def _on_report(self, kind: str, name: str) -> None:
        self.cluster.core.submit("get_inventory", self.cluster.core.hosts.all())


@pytest.mark.parametrize("seed", range(6))
def test_wanted_equals_present_and_nothing_is_left(seed: int) -> None:
    day = Day(seed)
    day.run()
    day.rest()
    cluster = day.cluster
    wanted: Dict[str, List[str]] = {}
    for each in cluster.core.specs.all():
        assert not each.deleted, f"{each.name} does not go"
        wanted[each.name] = sorted(host.hostname for host in each.spec.placement.hosts)
    for name, hosts in wanted.items():
        found = raise_if_exception(cluster.orchestrator.list_daemons(service_name=name))
        assert sorted(str(daemon.hostname) for daemon in found) == hosts, name
    there = sorted(daemon_id for _, _, daemon_id in day.daemons(*KINDS))
    assert sorted(each.daemon_id for _, each in cluster.core.deployments.all()) == there
    assert len(set(cluster.monitors.keys)) == len(there)
    settings = [key for key in cluster.monitors.config if key.endswith("/rgw_frontends")]
    assert len(settings) == len(day.daemons("rgw"))

    for name in wanted:
        raise_if_exception(cluster.orchestrator.remove_service(name))
    day.rest()
    assert day.daemons(*KINDS) == []
    assert cluster.monitors.keys == []
    assert cluster.monitors.config == {}
    assert [key for key in cluster.keys.values if any(kind in key for kind in RECORDS)] == []
