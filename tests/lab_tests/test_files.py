"""``ceph orch apply -i FILE``: hosts and services in one file, again, and as a dry run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Answer, Lab, wait_until

SPARE = "h3"
SERVICE = "mds.files"
SECONDS = 180.0


def host(lab: Lab, name: str = SPARE, **more: Any) -> dict[str, Any]:
    return {
        "service_type": "host",
        "hostname": name,
        "addr": lab.machines[name].addr,
        "labels": ["files"],
        **more,
    }


def service(**placement: Any) -> dict[str, Any]:
    return {"service_type": "mds", "service_id": "files", "placement": placement}


def group(name: str) -> dict[str, Any]:
    return {
        "service_type": "osd",
        "service_id": name,
        "placement": {"hosts": ["h2"]},
        "spec": {"data_devices": {"size": "1G:"}, "method": "raw"},
    }


def apply(lab: Lab, *documents: dict[str, Any], words: tuple[str, ...] = ()) -> Answer:
    text = yaml.safe_dump_all(documents)
    return lab.ceph("orch", "apply", "-i", "-", *words, stdin=text)


def done(answer: Answer) -> str:
    assert answer.rc == 0, answer.err
    return answer.out


def kept(lab: Lab) -> dict[str, Any]:
    """Return what is kept of hosts and services, and which jobs there were."""
    found = json.loads(lab.ok("config-key", "dump", "mgr/ansible/"))
    records = {key: value for key, value in found.items() if "/host." in key or "/spec." in key}
    return {"records": records, "jobs": changing(lab)}


def changing(lab: Lab) -> list[str]:
    looks = ("get_inventory", "get_facts", "list_daemons")
    return [row["id"] for row in lab.jobs() if row["operation"] not in looks]


@pytest.fixture
def without(cluster: Lab) -> Iterator[Lab]:
    """Return the lab without its third host, of which a service is to be made."""
    cluster.ok("orch", "host", "rm", SPARE, "--force")
    yield cluster
    if SERVICE in {row["service_name"] for row in cluster.ceph_json("orch", "ls")}:
        cluster.ok("orch", "rm", SERVICE)
    wait_until("its daemons are gone", lambda: not daemons(cluster), SECONDS)


def daemons(lab: Lab) -> list[str]:
    rows = lab.ceph_json("orch", "ps", "--service-name", SERVICE)
    return [row["hostname"] for row in rows]


@pytest.mark.parametrize("placement", [{"label": "files"}, {"hosts": [SPARE]}])
def test_hosts_of_a_file_are_known_and_the_file_is_applied_again(
    without: Lab, placement: dict[str, Any]
) -> None:
    lab, before = without, kept(without)
    documents = (host(lab), service(**placement))

    shown = done(apply(lab, *documents, words=("--dry-run",)))
    assert f"host {SPARE}: would be added" in shown
    assert any(SPARE in line for line in shown.splitlines() if SERVICE in line)
    assert kept(lab) == before, "the dry run changed something"
    done(apply(lab, *documents))
    wait_until("the service runs there", lambda: daemons(lab) == [SPARE], SECONDS)
    wait_until(
        "and is listed so",
        lambda: (
            [
                row["status"]["running"]
                for row in lab.ceph_json("orch", "ls")
                if row["service_name"] == SERVICE
            ]
            == [1]
        ),
        SECONDS,
    )
    before = kept(lab)
    assert "is there already; nothing is changed" in done(apply(lab, *documents))
    assert kept(lab) == before, "the same file again changed something"


def test_a_dry_run_adds_no_host(without: Lab) -> None:
    lab = without
    before = kept(lab)
    assert f"host {SPARE}: would be added" in done(apply(lab, host(lab), words=("--dry-run",)))
    assert kept(lab) == before
    assert SPARE not in lab.listed_hosts()


def test_orch_ansible_checks_a_file_with_hosts(without: Lab) -> None:
    lab, before = without, kept(without)
    text = yaml.safe_dump_all([host(lab), service(label="files")])
    words = ("--dir", "/run/test-files", "apply", "-i", "-", "--check")

    answer = lab.ssh(lab.first, "orch-ansible", *words, stdin=text)
    assert answer.rc == 0, answer.err
    assert f"host {SPARE}: would be added" in answer.out
    assert f"{SERVICE}: would add one on {SPARE}" in answer.out
    assert f"{SPARE}: would change (apply_mds)" in answer.out
    assert kept(lab) == before


def test_a_host_follows_its_spec_and_the_same_again_is_no_error(cluster: Lab) -> None:
    lab = cluster
    lab.ok("orch", "host", "label", "add", SPARE, "by-hand")
    said = done(apply(lab, host(lab, labels=["a", "b"])))
    assert said.strip() == f"Updated host '{SPARE}': labels added: a, b"
    done(apply(lab, host(lab, labels=["b", "c"])))
    assert sorted(lab.listed_hosts()[SPARE]["labels"]) == ["b", "by-hand", "c"]
    before = kept(lab)
    assert "nothing is changed" in lab.ok("orch", "host", "add", SPARE, lab.machines[SPARE].addr)
    assert "nothing is changed" in lab.ok("orch", "host", "add", SPARE)
    assert kept(lab) == before


def test_a_dry_run_shows_the_plans_beside_the_errors(cluster: Lab) -> None:
    lab, before = cluster, kept(cluster)
    wrong = {**service(hosts=["h9"]), "service_id": "wrong"}
    unknown = {"service_type": "nope"}
    documents = (host(lab), service(label="files"), wrong, unknown, group("one"), group("two"))

    answer = apply(lab, *documents, words=("--dry-run",))
    assert answer.rc != 0
    assert SERVICE in answer.out
    assert "osd.one takes it" in answer.out
    assert "mds.wrong: There is no host 'h9'" in answer.err
    assert "document 4: service_type: 'nope'" in answer.err
    assert kept(lab) == before
    assert apply(lab, *documents).rc != 0
    assert kept(lab) == before
    shown = apply(lab, host(lab), group("one"), words=("--dry-run", "--no-overwrite"))
    assert f"Skipped host {SPARE}" in done(shown)
    assert "/dev/loop" in shown.out


@pytest.mark.parametrize(
    "words", [("orch", "ls", "--format", "yaml"), ("orch", "ls", "--export"),
              ("orch", "host", "ls", "--format", "yaml")],
)  # fmt: skip
def test_what_is_printed_is_applied_again_and_changes_nothing(
    cluster: Lab, words: tuple[str, ...]
) -> None:
    lab = cluster
    still = {**service(hosts=["h1"]), "unmanaged": True}
    done(apply(lab, still, {"service_type": "crash", "unmanaged": True}))
    try:
        text, before = lab.ok(*words), kept(lab)
        answer = lab.ceph("orch", "apply", "-i", "-", stdin=text)

        assert answer.rc == 0, answer.err
        assert kept(lab) == before
        assert ("is ignored" in answer.err) == (words[-1] == "yaml" and words[1] == "ls")
    finally:
        lab.ok("orch", "rm", "crash")
        lab.ok("orch", "rm", SERVICE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("service_type: mds\nservice_id: a\nservice_id: b\n",
         ["document 1", "'service_id'", "line 2", "line 3"]),
        ("service_type: mds\nservice_id: a\n---\nservice_type: mds\nservice_id: a\n",
         ["service mds.a is there twice", "document 1 (line 1)", "document 2 (line 4)"]),
        ("hostname: h9\naddr: 10.9.9.9\n---\nservice_type: host\nhostname: h9\n",
         ["host h9 is there twice"]),
    ],
)  # fmt: skip
def test_what_is_there_twice_is_refused(cluster: Lab, text: str, says: list[str]) -> None:
    answer = cluster.ceph("orch", "apply", "-i", "-", stdin=text)

    assert answer.rc != 0
    assert [words for words in says if words not in answer.err] == [], answer.err
