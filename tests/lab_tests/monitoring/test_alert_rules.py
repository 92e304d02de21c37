"""Custom alert rules: promtool on a host decides, and what runs stays where it refuses."""

from __future__ import annotations

import json

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.monitoring.test_prometheus import FOLDER, HOST, SPEC, started
from tests.lab_tests.services.service_lab import SECONDS, Services

RULES = """groups:
- name: mine
  rules:
  - alert: Mine
    expr: vector(1) == 1
    annotations: {description: "{{ $labels.instance }} {% raw %}"}
"""
WRONG = RULES.replace("vector(1) ==", "vector(1) ===")
SET = ("orch", "prometheus", "set-custom-alerts", "-i", "-")


def groups(lab: Lab) -> list[str]:
    """Return the names of the groups of rules that run."""
    text = lab.sh(HOST, "curl -s --max-time 20 http://127.0.0.1:9095/api/v1/rules || true")
    return [each["name"] for each in json.loads(text)["data"]["groups"]] if text else []


def test_rules_are_checked_on_a_host_before_they_are_kept(services: Services) -> None:
    lab = services.lab
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    services.wait_runs("prometheus", 1)
    began = started(lab)
    try:
        lab.ok(*SET, stdin=RULES)
        wait_until("the rules run", lambda: "mine" in groups(lab), SECONDS)
        assert lab.sh(HOST, f"cat {FOLDER}/custom_alerts.yml") == RULES

        answer = lab.ceph(*SET, stdin=WRONG)
        said = answer.err if answer.rc else "\n".join(services.errors("prometheus"))
        if not answer.rc:
            # It took longer than the answer waits.
            wait_until("it is refused", lambda: services.errors("prometheus"), SECONDS)
            said = "\n".join(services.errors("prometheus"))
        assert "promtool refuses prometheus.yml: custom_alerts.yml: " in said
        assert "could not parse expression" in said
        assert lab.sh(HOST, f"cat {FOLDER}/custom_alerts.yml") == RULES
        assert "mine" in groups(lab)

        lab.ok("orch", "prometheus", "set-target", "10.0.0.99:9095")
        wait_until(
            "it asks the other one",
            lambda: "10.0.0.99" in lab.sh(HOST, f"cat {FOLDER}/federate.json || true"),
            SECONDS,
        )
        lab.ok("orch", "prometheus", "remove-target", "10.0.0.99:9095")
        refused = lab.ceph("orch", "prometheus", "get-credentials")
        assert refused.rc != 0
        assert "have no password here" in refused.err
        assert json.loads(lab.ok("orch", "get-security-config"))["security_enabled"] is False
    finally:
        lab.ok(*SET, stdin="groups: []\n")
    wait_until("Ceph's rules are left", lambda: "mine" not in groups(lab), SECONDS)
    assert len(groups(lab)) > 5
    assert started(lab) == began, "it was restarted"
