"""Prometheus: other servers that it federates, and custom alert rules."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from adapter.cluster.alert_rules import check_rules
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import NotReady, UnknownName, some_of
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.methods._method import method
from adapter.methods.services import ServiceMethods
from adapter.reconcile import Reconciler
from adapter.reconcile.tried_files import try_rules

SERVICE = "prometheus"
_DEPLOY = "`ceph orch apply prometheus` deploys it."


class MonitoringMethods:
    """The methods of the monitoring, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler, services: ServiceMethods) -> None:
        self.core, self.reconciler, self._services = core, reconciler, services

    @method
    def get_security_config(self) -> Dict[str, bool]:
        """Tell that what monitors speaks without TLS and passwords, and has no gateway."""
        return {"security_enabled": False, "mgmt_gw_enabled": False, "oauth2_proxy_enabled": False}

    @method
    def set_prometheus_target(self, url: str) -> str:
        """Have Prometheus federate another one (HOST:PORT): its spec names it."""
        spec = self._spec()
        there = list(spec.targets or ())
        if url in there:
            return f"Prometheus has the target {url} already"
        return self._with_targets(spec, [*there, url], f"Prometheus federates {url}")

    @method
    def remove_prometheus_target(self, url: str) -> str:
        """Take another Prometheus out of the spec again."""
        spec = self._spec()
        there = list(spec.targets or ())
        if url not in there:
            named = ", ".join(there) or "none"
            raise UnknownName("target of Prometheus", url, f"Its spec has: {named}.")
        left = [each for each in there if each != url]
        return self._with_targets(spec, left, f"Prometheus no longer federates {url}")

    @method
    def set_custom_prometheus_alerts(self, alerts_file: str) -> str:
        """Have Prometheus evaluate custom rules beside Ceph's; `groups: []` removes them.

        A host with a Prometheus checks them first, and they are kept when its promtool passes them.
        The answer waits some seconds for that.
        """
        core, text = self.core, check_rules(alerts_file)
        core.check_holds()
        with core.lock:
            if SERVICE not in core.alert_rules.problems and text == core.alert_rules.get(SERVICE):
                return "Prometheus has these alert rules already"
        job = self._check_on_host(text) if text else None
        if job is None:
            self._keep(text)
            return self._kept(text, checked=False)
        # Nobody else keeps them: who is told that they are kept waits for this.
        failed: List[OrchestratorError] = []
        job.on_change(lambda job: self._checked(job, text, failed))
        if not job.wait(core.answer_wait):
            (host,) = job.record.request.hosts
            return (
                f"Job {job.job_id} has promtool check the alert rules on {host}, and they are put "
                "in place when it passes them; the events of the service prometheus say so, or "
                "what is wrong"
            )
        if failed:
            raise failed[0]
        return self._kept(text, checked=True)

    def _spec(self) -> Any:
        """Return the spec of Prometheus as it is kept; raises ``UnknownName``."""
        with self.core.lock:
            self.core.specs.check_readable(SERVICE)
            known = self.core.specs.find(SERVICE)
            if known is None or known.deleted:
                raise UnknownName("service", SERVICE, _DEPLOY)
            return ServiceSpec.from_json(known.spec.to_json())

    def _with_targets(self, spec: Any, targets: List[str], said: str) -> str:
        spec.targets = targets
        (done,) = self._services.apply([spec])
        return f"{said}. {done}"

    def _check_on_host(self, text: str) -> Optional[Completion]:
        """Start a job that has a host with a Prometheus check rules, where there is one."""
        core, services = self.core, self.reconciler.services
        with core.lock:
            wanted = core.specs.find(SERVICE)
            there = services.running().get(SERVICE, [])
            able = [each for each in there if each.runs and core.workable(each.hostname)]
            hosts = sorted({each.hostname for each in there})
        if wanted is None or wanted.deleted or not there:
            return None
        if not able:
            raise NotReady(
                f"No Prometheus runs on a host that answers ({some_of(hosts, 5)}), so that nobody "
                "can check alert rules. Nothing was changed.",
                "`ceph orch ps --daemon_type prometheus` shows what is wrong; then try again.",
            )
        return try_rules(core, services.jobs.files, wanted, able[0], text)

    def _checked(self, job: Completion, text: str, failed: List[OrchestratorError]) -> None:
        """Keep rules that their host has passed, and tell of those that it has not."""
        if not job.is_finished or failed:
            return
        error: Optional[OrchestratorError] = job.exception
        try:
            if error is None:
                self._keep(text)
        except OrchestratorError as problem:
            error = problem
        if error is not None:
            failed.append(error)
            with self.core.lock:
                self.core.events.fail(SERVICE, f"custom alert rules: {error}")

    def _keep(self, text: str) -> None:
        core = self.core
        with core.lock:
            core.alert_rules.save(SERVICE, text)
            said = "were changed" if text else "were removed"
            core.events.note(SERVICE, f"custom alert rules {said}")
        core.wake_event.set()

    def _kept(self, text: str, *, checked: bool) -> str:
        said = "promtool passes the alert rules, and Prometheus gets them"
        if not text:
            said = "The custom alert rules are removed"
        elif not checked:
            said = (
                "The alert rules are kept; promtool checks them on the host on which Prometheus is "
                "deployed"
            )
        note = self.core.paused_note()
        return f"{said}. {note}" if note else said
