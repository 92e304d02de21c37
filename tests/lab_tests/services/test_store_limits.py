"""What was acknowledged is there after a fail-over, and what cannot be read is not taken for no."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.conftest import MGR_LOG, log_size
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.test_faults import answers

SECONDS = 120.0
SERVICE = "osd.limits"
OURS = "mgr/ansible/"
LIMIT = "mon_config_key_max_entry_size"


@pytest.fixture
def lab_alone(lab: Lab) -> Iterator[Lab]:
    """Return the lab, and leave nothing of the tests in it."""
    if lab.first not in lab.listed_hosts():
        lab.ok("orch", "host", "add", lab.first, lab.machines[lab.first].addr)
    wait_until("its devices are known", lambda: lab.first in lab.listed_devices(), SECONDS)
    yield lab
    lab.ceph("config", "rm", "mon", LIMIT)
    lab.ceph("orch", "resume")
    lab.ceph("orch", "rm", SERVICE, "--force")


def drive_group(host: str, paths: list[str], **more: Any) -> str:
    spec = {"data_devices": {"paths": paths}, "method": "raw"}
    about = {"service_type": "osd", "service_id": "limits", "placement": {"hosts": [host]}}
    return yaml.safe_dump({**about, "spec": spec, **more})


def paths_of(count: int) -> list[str]:
    """Return paths that no host has, and that hardly shrink."""
    return [
        f"/dev/disk/by-id/{hashlib.sha256(str(each).encode()).hexdigest()}" for each in range(count)
    ]


def kept(lab: Lab) -> dict[str, Any]:
    """Return the drive group as it is kept."""
    text = lab.ok("orch", "ls", "--service-name", SERVICE, "--export")
    return dict(yaml.safe_load(text) or {}) if "service_type" in text else {}


def kept_paths(spec: dict[str, Any]) -> list[str]:
    rows = spec["spec"]["data_devices"]["paths"]
    return [row["path"] if isinstance(row, dict) else row for row in rows]


def keys(lab: Lab, prefix: str) -> list[str]:
    found = json.loads(lab.ok("config-key", "ls", "-f", "json"))
    return [key for key in found if key.startswith(OURS + prefix)]


def fail_over(lab: Lab) -> None:
    """Let a manager begin anew that knows what the monitors have."""
    lab.fail_over(SECONDS)
    wait_until("it answers", lambda: answers(lab), SECONDS)


def bad_records(lab: Lab) -> list[str]:
    return lab.health_lines("ANSIBLE_BAD_RECORD")


def wait_named(lab: Lab, key: str) -> str:
    """Return what health says of a record that cannot be used."""

    def named() -> str:
        lines = [line for line in bad_records(lab) if line.startswith(f"record {key}: ")]
        assert lines, bad_records(lab)
        return lines[0]

    return wait_until(f"{key} is named", named, SECONDS)


def test_a_drive_group_that_is_let_alone_stays_so(lab_alone: Lab) -> None:
    lab, host = lab_alone, lab_alone.first
    lab.ok("orch", "apply", "-i", "-", stdin=drive_group(host, ["/dev/none"]))
    many = paths_of(3000)
    answer = lab.ok("orch", "apply", "-i", "-", stdin=drive_group(host, many, unmanaged=True))
    assert "unmanaged" in answer

    fail_over(lab)

    assert kept(lab).get("unmanaged") is True
    assert kept_paths(kept(lab)) == many


def test_a_spec_of_120_kilobytes_outlasts_a_fail_over_and_leaves_nothing(lab_alone: Lab) -> None:
    lab, host = lab_alone, lab_alone.first
    text = drive_group(host, paths_of(1500), unmanaged=True)
    assert len(text) > 120_000
    lab.ok("orch", "apply", "-i", "-", stdin=text)

    fail_over(lab)

    assert kept_paths(kept(lab)) == paths_of(1500)
    assert keys(lab, "part.") != []
    lab.ok("orch", "rm", SERVICE)
    assert (keys(lab, "part."), keys(lab, "spec.osd.limits")) == ([], [])


def test_what_the_monitors_refuse_is_refused_and_shown_nowhere(lab_alone: Lab) -> None:
    lab, host = lab_alone, lab_alone.first
    lab.ok("orch", "apply", "-i", "-", stdin=drive_group(host, ["/dev/none"]))
    before, logged = kept(lab), log_size(lab)
    lab.ok("config", "set", "mon", LIMIT, "10")

    answer = lab.ceph("orch", "apply", "-i", "-", stdin=drive_group(host, ["/dev/hunter2"]))
    assert answer.rc != 0
    assert "spec.osd.limits" in answer.err
    assert LIMIT in answer.err
    pause = lab.ceph("orch", "pause")
    assert (pause.rc != 0, "state.paused" in pause.err) == (True, True), pause
    key = lab.ceph("ansible", "generate-key", "--force")
    assert (key.rc != 0, "ssh_identity_key" in key.err) == (True, True), key

    text = lab.sh(lab.first, f"tail -c +{logged + 1} {MGR_LOG}")
    assert "hunter2" not in text
    assert "PRIVATE KEY" not in text
    lab.ok("config", "rm", "mon", LIMIT)
    lab.ok("ansible", "check-host", host)
    fail_over(lab)
    assert kept(lab) == before
    assert not json.loads(lab.ok("orch", "status", "-f", "json"))["paused"]


def test_a_pause_that_cannot_be_read_is_a_pause(lab_alone: Lab) -> None:
    lab = lab_alone
    lab.ok("config-key", "set", f"{OURS}state.paused", "xx")

    line = wait_named(lab, "state.paused")
    assert "config-key get mgr/ansible/state.paused" in line
    assert "orch resume" in line
    assert json.loads(lab.ok("orch", "status", "-f", "json"))["paused"] is True
    lab.ok("orch", "resume")
    assert json.loads(lab.ok("orch", "status", "-f", "json"))["paused"] is False
    wait_until("health is silent", lambda: bad_records(lab) == [], SECONDS)
    assert keys(lab, "state.paused") == []


def test_a_host_that_cannot_be_read_is_not_gone(lab_alone: Lab) -> None:
    lab, host = lab_alone, lab_alone.first
    key = f"{OURS}host.{host}"
    record = lab.ok("config-key", "get", key)
    lab.ok("config-key", "set", key, "{")
    try:
        line = wait_named(lab, f"host.{host}")
        assert f"`ceph orch host add {host} ADDR`" in line
        refused = lab.ceph("orch", "host", "label", "add", host, "x")
        assert (refused.rc != 0, f"host.{host}" in refused.err) == (True, True), refused
        said = lab.ok("orch", "apply", "crash")
        assert f"waiting until the record host.{host} can be used" in said
        refused = lab.ceph("orch", "apply", "osd", "--all-available-devices")
        assert (refused.rc != 0, f"host.{host}" in refused.err) == (True, True), refused
        assert lab.ok("config-key", "get", key) == "{"
    finally:
        lab.sh(lab.first, f"ceph config-key set {key} {shlex.quote(record)}")
    wait_until("health is silent", lambda: bad_records(lab) == [], SECONDS)
    lab.ok("orch", "host", "label", "add", host, "x")
    lab.ok("orch", "host", "label", "rm", host, "x")
    lab.ok("orch", "rm", "crash")
