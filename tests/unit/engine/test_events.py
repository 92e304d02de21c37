"""Recorded event streams (tests/fixtures/engine/events) through reader and progress."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import pytest

from adapter.engine.events import EventReader, connection_failure, failure
from adapter.engine.model import HostStatus, Request
from adapter.engine.progress import Progress
from tests.unit.engine.harness import FIXTURES, local

PREFIX = 'Task failed: Data could not be sent to remote host "h". Make sure this host can be '


def replay(name: str, *hosts: str, **settings: Any) -> Tuple[EventReader, List[Dict[str, Any]]]:
    reader = EventReader(list(hosts))
    lines: List[Dict[str, Any]] = []
    for text in (FIXTURES / "events" / f"{name}.jsonl").read_text().splitlines():
        lines.extend(reader.lines(json.loads(text)))
    json.dumps(lines)
    return reader, lines


def progress_of(lines: List[Dict[str, Any]], *hosts: str, phases: Tuple[str, ...] = ()) -> Progress:
    progress = Progress(Request("operation", local(*hosts), phases=phases))
    before = 0.0
    for line in lines:
        progress.apply(line)
        assert before <= progress.fraction < 1.0
        before = progress.fraction
    return progress


def test_failed_hosts() -> None:
    reader, lines = replay("fail_some", "h0", "h1", "h2")
    outcomes = progress_of(lines, "h0", "h1", "h2").outcomes
    assert [(o.status, o.message) for o in outcomes.values()] == [
        (HostStatus.OK, ""),
        (HostStatus.FAILED, "disk is gone"),
        (HostStatus.FAILED, "the module came apart"),
    ]
    assert outcomes["h1"].result == {"name": "h1"}
    assert (reader.has_stats, reader.forgiven, reader.busy) == (True, set(), {})


def test_an_unreachable_host() -> None:
    _, lines = replay("unreachable", "h0", "far")
    progress = progress_of(lines, "h0", "far")
    assert progress.outcomes["far"].status is HostStatus.UNREACHABLE
    assert progress.outcomes["far"].message == "Connection refused"
    assert progress.message == "operation: Tell (2/2 hosts, 1 failed)"


def test_phases() -> None:
    _, lines = replay("two_phases", "h0", "h1", "h2")
    assert [line["role"] for line in lines if line["type"] == "phase"] == ["alpha", "alpha", "beta"]
    # In a role's later tasks only news are told: that h0 changed something.
    alpha = [line for line in lines if line.get("host") and line["role"] == "alpha"]
    assert len(alpha) == 4
    progress = progress_of(lines, "h0", "h1", "h2", phases=("alpha", "beta"))
    assert progress.message == "operation: beta (3/3 hosts)"
    assert progress.outcomes["h0"].status is HostStatus.CHANGED
    assert progress.outcomes["h1"].status is HostStatus.OK


def test_what_was_dealt_with_is_forgiven() -> None:
    reader, lines = replay("pardon", "h0", "h1")
    assert reader.forgiven == {"h0", "h1"}
    notes = [line["text"] for line in lines if line["type"] == "note"]
    assert sorted(notes) == [f"{host}: Ignored: ignored: not so bad" for host in ("h0", "h1")]


def test_loop_items_and_stats_are_merged() -> None:
    _, lines = replay("loop", "h0")
    outcome = progress_of(lines, "h0").outcomes["h0"]
    assert outcome.result == {"a": "h0", "b": "h0", "stats": True}
    assert [diff["after"] for diff in outcome.diff] == ["new a", "new b"]
    assert outcome.status is HostStatus.CHANGED


def test_a_playbook_that_cannot_be_read() -> None:
    reader, lines = replay("broken", "h0")
    assert lines == []
    assert not reader.has_stats
    assert reader.complaint().startswith("couldn't resolve module/action 'no_such_module_anywhere'")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "runner_on_ok"},
        {"event": "runner_on_ok", "event_data": "text"},
        {"event": "runner_on_ok", "event_data": {"host": "h0", "res": None}},
        {
            "event": "runner_on_ok",
            "event_data": {"host": "h9", "res": {"ceph_orch_result": {"a": 1}}},
        },
        {"event": "runner_on_failed", "event_data": {"host": None, "res": []}},
        {"event": "playbook_on_stats", "event_data": {"failures": None, "artifact_data": [1]}},
        {"event": "playbook_on_stats", "event_data": {"artifact_data": {"ceph_orch_result": 3}}},
        {"event": "verbose", "stdout": None},
    ],
)
def test_odd_events_do_no_harm(event: Dict[str, Any]) -> None:
    reader = EventReader(["h0"])
    progress = Progress(Request("operation", local("h0")))
    for line in reader.lines(event):
        progress.apply(line)
    assert progress.outcomes["h0"].status is HostStatus.WAITING


@pytest.mark.parametrize(
    "line",
    [
        None,
        [],
        "text",
        {"type": "host"},
        {"type": "host", "host": "h9", "status": "ok", "result": {"a": 1}},
        {"type": "host", "host": "h0", "status": "strange"},
        {"type": "host", "host": "h0", "status": "ok", "result": "text", "diff": "text"},
        {"type": "phase", "role": None},
        {"type": "start", "pid": "text"},
        {"type": ["list"]},
    ],
)
def test_odd_lines_do_no_harm(line: Any) -> None:
    progress = Progress(Request("operation", local("h0"), phases=("alpha",)))
    assert progress.apply(line) is None
    assert progress.outcomes["h0"].status is HostStatus.WAITING
    assert progress.fraction == 0.0


def test_hosts_at_their_own_pace() -> None:
    def host(name: str, role: str, status: str = "ok", **more: Any) -> Dict[str, Any]:
        role = f"ceph_orch.ansible.{role}"
        return {"type": "host", "host": name, "role": role, "status": status, **more}

    progress = Progress(Request("operation", local("h0", "h1"), phases=("alpha", "beta")))
    fractions = []
    for line in (
        {"type": "phase", "role": "ceph_orch.ansible.alpha"},
        host("h0", "alpha"),
        # A phase is behind a host that is in a later one, or has published in it.
        host("h0", "beta"),
        host("h0", "dependency"),
        host("h0", "beta", result={"a": 1}),
        host("h1", "alpha", "failed"),
        host("h1", "beta"),
    ):
        progress.apply(line)
        fractions.append(progress.fraction)
    assert fractions == [0.0, 0.0, 0.25, 0.25, 0.5, 0.99, 0.99]
    assert progress.outcomes["h1"].status is HostStatus.FAILED
    assert progress.message == "operation: alpha (2/2 hosts, 1 failed)"


def test_results_can_be_dropped() -> None:
    progress = Progress(Request("operation", local("h0")), keep_results=False)
    line = {"type": "host", "host": "h0", "status": "ok", "result": {"a": 1}, "diff": [{"b": 2}]}
    progress.apply(line)
    assert progress.published == {"h0"}
    assert (progress.outcomes["h0"].result, progress.outcomes["h0"].diff) == ({}, ())


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"msg": "Task failed: Module failed: disk is gone"}, "disk is gone"),
        (
            {"msg": "non-zero return code", "rc": 3, "stderr": "a\nlast\n"},
            "the command ended with 3: last",
        ),
        (
            {"msg": "MODULE FAILURE: see stderr", "module_stderr": "Traceback\nKeyError: 'x'\n"},
            "KeyError: 'x'",
        ),
        (
            {"argument_errors": ["missing required arguments: a"], "msg": "Validation failed"},
            "missing required arguments: a",
        ),
        ({"censored": "the output has been hidden"}, "failed; its output is hidden by no_log"),
        (
            {"msg": "Task failed: Missing sudo password"},
            "the ssh user may not become root there with sudo, without a password "
            "(Missing sudo password)",
        ),
        (
            {"msg": "MODULE FAILURE", "module_stderr": "orch is not in the sudoers file.\n"},
            "the ssh user may not become root there with sudo, without a password "
            "(orch is not in the sudoers file.)",
        ),
        ({"msg": ["one", "two"]}, "one; two"),
        ({"msg": "two\nlines"}, "two lines"),
        ({"msg": "MODULE FAILURE"}, "MODULE FAILURE"),
        ({}, "failed without a reason"),
    ],
)
def test_failures_are_described(result: Dict[str, Any], words: str) -> None:
    assert failure(result) == words


def test_a_failed_item_gives_its_own_reason() -> None:
    reader = EventReader(["h0"])
    reader.lines(
        {"event": "runner_item_on_failed", "event_data": {"host": "h0", "res": {"msg": "no"}}}
    )
    event = {"host": "h0", "res": {"msg": "One or more items failed", "results": []}}
    (line,) = reader.lines({"event": "runner_on_failed", "event_data": event})
    assert line["message"] == "no"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            PREFIX
            + "reached over ssh: ssh: connect to host 10.0.0.1 port 22: Connection timed out",
            "Connection timed out",
        ),
        (
            "Failed to connect to the host via ssh: Warning: Permanently added 'h' to the list\r\n"
            "root@10.0.0.1: Permission denied (publickey).",
            "Permission denied (publickey)",
        ),
        (
            "Failed to connect to the host via ssh: @@@@\n@ WARNING: REMOTE HOST IDENTIFICATION "
            "HAS CHANGED! @\nHost key verification failed.\r\n",
            "Host key verification failed",
        ),
        (
            "Task failed: Failed to create temporary directory. In some cases",
            "Failed to create temporary directory. In some cases",
        ),
        ("", "unreachable"),
    ],
)
def test_unreachable_is_described(text: str, words: str) -> None:
    assert connection_failure({"msg": text}) == words


@pytest.mark.parametrize(
    "text",
    [
        "Task failed: Data could not be sent to remote host 'h'. Make sure this host can be "
        "reached over SSH: [Errno 32] Broken pipe",
        "Data could not be sent to remote host 'h'. Make sure this host can be reached over SSH.",
    ],
)
def test_an_unreachable_host_without_a_reason(text: str) -> None:
    reader = EventReader(["h0"])
    reader.lines(
        {"event": "runner_on_unreachable", "event_data": {"host": "h0", "res": {"msg": text}}}
    )
    assert reader.unexplained == {"h0"}


def test_texts_of_diffs_are_bounded() -> None:
    reader = EventReader(["h0"])
    diff = [{"before": "x" * 9000, "after": {"deep": "y" * 9000}}] * 30
    event = {"host": "h0", "res": {"changed": True, "diff": diff}}
    (line,) = reader.lines({"event": "runner_on_ok", "event_data": event})
    assert len(json.dumps(line)) < 250_000


def test_notes_are_bounded() -> None:
    reader = EventReader(["h0"])
    events = [{"event": "warning", "stdout": f"[WARNING]: {n}"} for n in range(1000)]
    assert sum(len(reader.lines(event)) for event in events) == 200


def event(kind: str, host: str, task: str, **result: Any) -> Dict[str, Any]:
    data = {"host": host, "task": task, "role": task, "task_uuid": task, "res": result}
    return {"event": kind, "event_data": data}


def test_hosts_that_are_at_different_tasks() -> None:
    """With the strategy ``free`` a task begins once per host, and hosts overtake each other."""
    reader = EventReader(["h0", "h1"])
    began = [
        reader.lines(event("playbook_on_task_start", "", task)) for task in ("a", "a", "b", "a")
    ]
    assert [len(lines) for lines in began] == [1, 0, 1, 0]
    for host, task in (("h0", "b"), ("h1", "a")):
        reader.lines(event("runner_on_start", host, task))
    assert reader.busy == {"h0": "b: b", "h1": "a: a"}
    reader.lines(event("runner_item_on_failed", "h1", "a", msg="this item"))
    reader.lines(event("playbook_on_task_start", "", "b"))
    (line,) = reader.lines(event("runner_on_failed", "h1", "a", msg="One or more items failed"))
    assert (line["role"], line["message"]) == ("a", "this item")
    assert reader.busy == {"h0": "b: b"}
