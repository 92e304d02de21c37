"""The mgr module as Ceph's own code sees it: what it advertises, how it answers, what it raises."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from tests.lab_tests.lab_client import LAB, ROOT, Lab, run

FEATURES = [
    "add_daemon",
    "add_host",
    "add_host_label",
    "apply",
    "apply_alertmanager",
    "apply_ceph_exporter",
    "apply_crash",
    "apply_drivegroups",
    "apply_grafana",
    "apply_ingress",
    "apply_mds",
    "apply_mgr",
    "apply_mon",
    "apply_nfs",
    "apply_node_exporter",
    "apply_prometheus",
    "apply_rbd_mirror",
    "apply_rgw",
    "apply_smb",
    "apply_tuned_profiles",
    "blink_device_light",
    "cancel_completions",
    "create_osds",
    "daemon_action",
    "describe_service",
    "drain_host",
    "enter_host_maintenance",
    "exit_host_maintenance",
    "get_facts",
    "get_hosts",
    "get_inventory",
    "get_security_config",
    "host_ok_to_stop",
    "list_daemons",
    "pause",
    "plan",
    "preview_osdspecs",
    "remove_daemons",
    "remove_host",
    "remove_host_label",
    "remove_osds",
    "remove_osds_status",
    "remove_prometheus_target",
    "remove_service",
    "replace_device",
    "rescan_host",
    "resume",
    "rm_tuned_profile",
    "service_action",
    "set_custom_prometheus_alerts",
    "set_osd_spec",
    "set_prometheus_target",
    "set_unmanaged",
    "stop_drain_host",
    "stop_remove_osds",
    "tuned_profile_add_setting",
    "tuned_profile_add_settings",
    "tuned_profile_ls",
    "tuned_profile_rm_setting",
    "tuned_profile_rm_settings",
    "update_host_addr",
    "upgrade_check",
    "upgrade_ls",
    "upgrade_pause",
    "upgrade_resume",
    "upgrade_start",
    "upgrade_status",
    "upgrade_stop",
    "zap_device",
]


@pytest.fixture(scope="module")
def contract(lab: Lab) -> Dict[str, Any]:
    """Return what tests/contract/module_contract.py saw on the first host."""
    parts = [str(ROOT / name) for name in ("adapter", "tests/contract", "playbooks", "ansible.cfg")]
    copied = run([str(LAB), "--name", lab.name, "copy", *parts, "h1:/root/contract/tests"])
    assert copied.rc == 0, copied.err
    script = "cd /root/contract && rm -rf adapter playbooks ansible.cfg && mv tests/adapter "
    script += "tests/playbooks tests/ansible.cfg . && python3 tests/contract/module_contract.py"
    found: Dict[str, Any] = json.loads(lab.sh(lab.first, script))
    return found


def test_what_is_advertised_is_what_is_there(contract: Dict[str, Any]) -> None:
    assert contract["features"] == FEATURES


def test_every_command_explains_itself(contract: Dict[str, Any]) -> None:
    assert contract["undocumented"] == []
    assert all(command.startswith("ansible ") for command in contract["commands"])


def test_cephs_own_commands_can_be_stood_in_front_of(contract: Dict[str, Any]) -> None:
    assert contract["commands_of_ceph"] == "OrchestratorCLICommand"


def test_other_modules_can_read_every_answer_and_every_error(contract: Dict[str, Any]) -> None:
    *known, unforeseen = contract["calls"]
    answers = dict(enumerate(known))

    assert not [answer for answer in answers.values() if "Error:" in answer[1]]
    assert answers[1][1].startswith("OrchestratorError 22 Invalid host name 'my_host'")
    assert answers[2][1].startswith("Host 'h1' with addr '10.0.0.1' is there already")
    assert answers[4][1].startswith("OrchestratorError 2 There is no host 'nope'")
    said = "An internal error ended blink_device_light (TypeError"
    assert unforeseen[1].startswith(f"OrchestratorError 5 {said}"), unforeseen


def test_parameters_are_named_as_callers_name_them(contract: Dict[str, Any]) -> None:
    signatures = contract["signatures"]

    assert signatures["get_inventory"].startswith("(self, host_filter")
    assert "force: 'bool' = False" in signatures["remove_host"]
    assert signatures["list_daemons"].index("service_name") < signatures["list_daemons"].index(
        "host:"
    )
