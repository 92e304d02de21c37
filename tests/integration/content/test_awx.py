"""A clone of the repository runs as a project of AWX does.

ansible-runner is started as AWX starts it. What a survey asks arrives as text, and what AWX keeps
of the job is what the last event carries.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from tests.tools.documents import ROOT

# AWX names the project's own directories by what ansible.cfg says, behind those of downloads.
ENVIRONMENT = {
    "ANSIBLE_COLLECTIONS_PATH": "/runner/requirements_collections:collections",
    "ANSIBLE_ROLES_PATH": "/runner/requirements_roles:~/.ansible/roles:roles",
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
}
PROGRAMS = f"{Path(sys.executable).parent}:/usr/bin:/bin"
LIGHT = '#!/bin/sh\necho "$*" >>{}\n'


class Project:
    """A project of AWX, with an inventory of this very machine."""

    def __init__(self, top: Path) -> None:
        self.top = top
        tracked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        kept = ("ansible.cfg", "collections", "galaxy.yml", "meta", "playbooks", "plugins", "roles")
        for name in tracked.split("\0"):
            path = ROOT / name
            if name.split("/")[0] in kept and (path.is_symlink() or path.is_file()):
                target = top / "project" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target, follow_symlinks=False)
        (top / "inventory").mkdir()
        (top / "inventory/hosts").write_text(
            f"h1 ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        )

    def run(self, playbook: str, **survey: Any) -> tuple[Any, str, str]:
        """Run a playbook; return the artifacts of the job, its status and its output."""
        done = ansible_runner.run(
            private_data_dir=str(self.top),
            playbook=f"playbooks/{playbook}.yml",
            extravars={"awx_job_id": 7, **survey},
            envvars={**ENVIRONMENT, "ANSIBLE_HOME": str(self.top / "home"), "PATH": PROGRAMS},
            quiet=True,
        )
        kept: Any = None
        for event in done.events:
            if event["event"] == "playbook_on_stats":
                kept = event["event_data"]["artifact_data"]
        with done.stdout as stream:
            return kept, done.status, stream.read()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("awx"))


def test_results_are_the_artifacts_of_the_job(project: Project) -> None:
    kept, status, said = project.run("rescan_host", host_rescan_sysfs_root=str(project.top))

    assert status == "successful", said
    assert set(kept) == {"ceph_orch_result"}
    assert kept["ceph_orch_result"]["schema"] == 1
    published = kept["ceph_orch_result"]["hosts"]["h1"]
    # What two modules of the playbook have published.
    assert published["rescan"]["message"] == "0 of 0 adapters looked for new disks"
    assert isinstance(published["devices"], list)


def test_elsewhere_nothing_is_added_to_results(project: Project) -> None:
    done = subprocess.run(
        ["ansible-playbook", "playbooks/available.yml", "-v", "-i", "../inventory/hosts"],
        cwd=project.top / "project",
        env={"PATH": PROGRAMS, "ANSIBLE_HOME": str(project.top / "home"), "HOME": str(project.top)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ceph_orch_result" in done.stdout
    assert "ansible_stats" not in done.stdout


def test_what_a_survey_asks_is_text(project: Project, tmp_path: Path) -> None:
    record = tmp_path / "host.json"
    given = {"host_record_path": str(record), "host_record_takeover": "false"}
    _, status, said = project.run("add_host_label", host_record_labels="mon, osd", **given)
    assert status == "successful", said
    assert json.loads(record.read_text())["labels"] == ["mon", "osd"]

    command, told = tmp_path / "light", tmp_path / "told"
    command.write_text(LIGHT.format(told))
    command.chmod(0o755)
    disks = [{"host": "h1", "dev": "sda", "path": "/dev/sda"}, {"host": "h2", "dev": "sdb"}]
    _, status, said = project.run(
        "blink_device_light",
        device_light_locations=json.dumps(disks),
        device_light_command=json.dumps([str(command), "{dev}", "{state}"]),
        device_light_methods=["command"],
        device_light_kind="ident",
        device_light_on="true",
    )
    assert told.read_text().split() == ["sda", "on"], said


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ('{"h2": ["ceph-mds@a.service"]}', ""),
        ("{}", ""),
        ("", "unable to convert to dict"),
        ("h1", "unable to convert to dict"),
        ('{"h1": [], "h1": []}', "'h1' is there twice"),
    ],
)
def test_a_mapping_is_text_too(project: Project, units: str, reason: str) -> None:
    kept, status, said = project.run(
        "daemon_action", daemon_action_action="restart", daemon_action_units=units
    )

    assert status == ("failed" if reason else "successful"), said
    if reason:
        assert reason in said
    else:
        assert kept["ceph_orch_result"]["hosts"]["h1"]["units"] == []
