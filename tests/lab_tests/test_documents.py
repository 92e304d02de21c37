"""The commands of the documents that only read or are refused, as they stand there.

Those that need no cluster are run by ``tests/integration/docs/test_commands.py``, and
``tests/unit/docs/test_commands.py`` knows of each command that changes something in which tests
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import CONTENT, STATE, Answer, Lab
from tests.tools import ceph_commands
from tests.tools.docs_commands import REFUSED, line_on_lab
from tests.tools.documents import commands, texts

DIRECTORY = "/root/documents"
# The files that the documents name.
FILES = {
    "FILE": "service_type: crash\nplacement: {hosts: [h2]}\n",
    "cluster.yml": "service_type: host\nhostname: h2\n---\n"
    "service_type: crash\nplacement: {hosts: [h2]}\n",
    "inventory.yml": "mons: {hosts: {h2: {}}}\n",
    "hosts.yml": "service_type: host\nhostname: h9\naddr: 192.0.2.9\n---\nservice_type: host\n",
    "mds.yml": "service_type: mds\nservice_id: data\nplacement: {hosts: [h2]}\n",
    "model.yml": "service_type: osd\nservice_id: model\nplacement: {hosts: [h2]}\n"
    "spec: {data_devices: {model: 'LABDISK*'}}\n",
    "web.yml": "service_type: rgw\nservice_id: web\nplacement: {label: web\nspec:\n  ssl: true\n",
}
JOB_HERE = re.compile(r"\bJOB\b")
ALL = {line for each in commands() for line in [line_on_lab(each)] if line}
READS = sorted(line for line in ALL - set(REFUSED) if "add_host_label" not in line)


def said(command: str) -> str:
    """Return the first line that a document shows below a command."""
    (found, *_) = [
        match[1]
        for text in texts().values()
        for match in re.finditer(rf"# {re.escape(command)}\n(.*)\n", text)
        if match[1].startswith("Error")
    ]
    return found


@pytest.fixture(scope="module")
def documents(ready: Lab) -> Iterator[Lab]:
    """Return the lab with the files of the documents, and the labels of h2 in them."""
    ready.sh(ready.first, f"mkdir -p {DIRECTORY}")
    for name, text in FILES.items():
        ready.sh(ready.first, f"cat >{DIRECTORY}/{name}", stdin=text)
    for label in ("osd", "nvme"):
        ready.ok("orch", "host", "label", "add", "h2", label)
    yield ready
    for label in ("osd", "nvme"):
        ready.ok("orch", "host", "label", "rm", "h2", label)
    ready.sh(ready.first, f"rm -r {DIRECTORY}")


def type_in(lab: Lab, line: str) -> Answer:
    """Type a command on the first host, where the documents type it."""
    if JOB_HERE.search(line):
        line = JOB_HERE.sub(lab.jobs()[-1]["id"], line)
    where, environment = DIRECTORY, ""
    if line.startswith("ansible-") and "-i inventory.yml" not in line:
        where = CONTENT
        environment = (
            f"export ORCH_ANSIBLE_SOURCE=ceph ORCH_ANSIBLE_SSH_CONFIG={STATE}/ssh_config; "
        )
    script = f"cd {where}; {environment}{line}"
    return lab.ssh(lab.first, "bash", "-c", script)


@pytest.mark.parametrize("line", READS)
def test_it_answers(documents: Lab, line: str) -> None:
    answer = type_in(documents, line)

    assert answer.rc == 0, answer.err or answer.out
    assert "Traceback" not in answer.out + answer.err


@pytest.mark.parametrize("line", REFUSED)
def test_it_is_refused_as_is_shown(documents: Lab, line: str) -> None:
    answer = type_in(documents, line)

    assert answer.rc != 0
    assert answer.err.strip() == said(line)


def test_a_record_of_the_cluster_is_kept_from_others(documents: Lab) -> None:
    """The playbook by hand that the documents show failing."""
    (line,) = {line for line in ALL if "add_host_label" in line}
    answer = type_in(documents, line)

    assert answer.rc != 0
    assert "The host is managed for the cluster " in answer.out
    assert "name it: host_record_fsid." in answer.out


def test_all_kinds_of_commands_are_here() -> None:
    programs = {line.split()[0] for line in READS}

    assert programs == {"ansible-inventory", "ansible-playbook", "ceph", "orch-ansible"}
    assert len(READS) > 30


def test_the_recorded_commands_are_those_of_this_ceph(documents: Lab) -> None:
    """Of other modules it depends on what is enabled."""

    def ours(found: list[ceph_commands.Signature]) -> list[str]:
        return [str(each) for each in found if each.words[0] in ("ansible", "orch")]

    assert ours(ceph_commands.of_lab(documents.name)) == ours(ceph_commands.recorded())
