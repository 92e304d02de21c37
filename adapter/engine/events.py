"""From ansible-runner's events to the lines of ``events.jsonl``, without reading or writing."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Mapping, Set, Tuple

from adapter.engine.outcomes import one_line
from adapter.engine.ssh_reasons import last_line

RESULT = "ceph_orch_result"

Line = Dict[str, Any]

_LAST_LINES = 20
_LAST_TEXT = 8000
_DIFF_ENTRIES = 20
_DIFF_TEXT = 4000
_NOTES = 200
_NOTHING = "failed without a reason"
_CENSORED = "failed; its output is hidden by no_log"
_PREFIX = re.compile(r"^(?:Task failed|Action failed|Module failed)(?:: |\.\s*)")
_SSH_PREFIX = re.compile(
    r"^.*?(?:Failed to connect to the host via (?:ssh|scp|sftp)|"
    r"Data could not be sent to remote host.*?Make sure this host can be reached over ssh): ?",
    re.DOTALL | re.IGNORECASE,
)
_SAYS_NOTHING = ("Broken pipe", "Data could not be sent")
_NO_REASON = ("", "One or more items failed", "All items completed", "non-zero return code")
# What sudo says, and what Ansible makes of it.
_NO_ROOT = re.compile(
    r"(?:Missing|Incorrect) sudo password|sudo: .*(?:not found|password is required|have a tty)"
    r"|is not in the sudoers file|user \S+ is not allowed to (?:execute|run)"
)
_NO_ROOT_WORDS = "the ssh user may not become root there with sudo, without a password"
_NOTE_EVENTS = ("warning", "deprecated", "system_warning")


class EventReader:
    """Turn events into lines, and remember what only the end of a play tells.

    ``has_stats`` says that the play came to its end; ``forgiven`` are hosts whose failure was
    rescued or ignored; ``busy`` those with a task under way, and its name; ``unexplained`` those
    that could not be reached without a reason; ``lost_at`` the tasks at which hosts could not be
    reached any more; ``errors`` what ansible-playbook complained about;
    ``last_lines`` the last of its output.
    """

    def __init__(self, hosts: List[str]) -> None:
        self.has_stats = False
        self.no_hosts_matched = False
        self.forgiven: Set[str] = set()
        self.busy: Dict[str, str] = {}
        self.unexplained: Set[str] = set()
        self.lost_at: Dict[str, str] = {}
        self.errors: Deque[str] = deque(maxlen=_LAST_LINES)
        self.last_lines: Deque[str] = deque(maxlen=_LAST_LINES)
        self._hosts = set(hosts)
        self._count = len(hosts)
        self._task: Tuple[str, str] = ("", "")
        self._told: Set[Tuple[str, str, str]] = set()
        self._tasks: Set[str] = set()
        self._bad: Set[str] = set()
        self._item_failures: Dict[str, str] = {}
        self._notes = 0
        self._readers: Dict[str, Callable[[Mapping[str, Any]], List[Line]]] = {
            "playbook_on_task_start": self._task_start,
            "playbook_on_no_hosts_matched": self._none_matched,
            "playbook_on_stats": self._stats,
            "runner_on_start": self._start,
            "runner_on_ok": self._ok,
            "runner_on_skipped": self._ok,
            "runner_item_on_ok": self._item_ok,
            "runner_item_on_failed": self._item_failed,
            "runner_on_failed": self._failed,
            "runner_on_unreachable": self._unreachable,
            "runner_retry": self._retry,
        }

    def lines(self, event: Mapping[str, Any]) -> List[Line]:
        """Return the lines that an event is worth, none for most. What is odd is left out."""
        kind = str(event.get("event"))
        text = str(event.get("stdout") or "")
        self._listen(kind, text)
        if kind in _NOTE_EVENTS:
            return self._note(text)
        reader = self._readers.get(kind)
        data = event.get("event_data")
        if reader is None or not isinstance(data, Mapping):
            return []
        return reader(data)

    def complaint(self) -> str:
        """Return why ansible-playbook gave up, as far as it said so, on one line."""
        if self.errors:
            return one_line(re.sub(r"^(?:ERROR!|\[ERROR\]:) ?", "", self.errors[-1]))
        lines = [line for line in self.last_lines if line.strip()]
        return one_line(" ".join(lines[-3:]))

    def _listen(self, kind: str, text: str) -> None:
        if kind == "error" or text.startswith(("ERROR!", "[ERROR]:")):
            self.errors.append(re.split(r"\r?\n(?:\r?\n|Origin:)", text[:_LAST_TEXT])[0])
        self.last_lines.extend(text[-_LAST_TEXT:].splitlines()[-_LAST_LINES:])

    def _task_start(self, data: Mapping[str, Any]) -> List[Line]:
        role = str(data.get("resolved_role") or data.get("role") or "")
        task = one_line(data.get("task") or data.get("name") or "", 120)
        # Where each host goes for itself, a task begins once for each of them.
        uuid = str(data.get("task_uuid") or "")
        known = uuid in self._tasks
        self._tasks.update([uuid] if uuid else [])
        self._task = (role, task)
        line = {"type": "phase", "role": role, "task": task, "hosts": self._count}
        return [] if known else [line]

    def _none_matched(self, data: Mapping[str, Any]) -> List[Line]:
        del data
        self.no_hosts_matched = True
        return self._note("the playbook matched no hosts")

    def _start(self, data: Mapping[str, Any]) -> List[Line]:
        host = str(data.get("host"))
        self.busy[host] = ": ".join(filter(None, self._of(data)))
        self._item_failures.pop(host, None)
        return []

    def _ok(self, data: Mapping[str, Any]) -> List[Line]:
        self.busy.pop(str(data.get("host")), None)
        result = _result(data)
        published = result.get(RESULT)
        status = "changed" if result.get("changed") is True else "ok"
        return self._host(data, status, published=published, diff=_diffs(result.get("diff")))

    def _item_ok(self, data: Mapping[str, Any]) -> List[Line]:
        result = _result(data)
        published, diff = result.get(RESULT), _diffs(result.get("diff"))
        if not isinstance(published, Mapping) and not diff:
            return []
        status = "changed" if result.get("changed") is True else "ok"
        return self._host(data, status, published=published, diff=diff)

    def _item_failed(self, data: Mapping[str, Any]) -> List[Line]:
        self._item_failures[str(data.get("host"))] = failure(_result(data))
        return []

    def _failed(self, data: Mapping[str, Any]) -> List[Line]:
        host = str(data.get("host"))
        self.busy.pop(host, None)
        result = _result(data)
        message = failure(result, self._item_failures.get(host, ""))
        if data.get("ignore_errors"):
            return self._note(f"{host}: {self._of(data)[1]}: ignored: {message}")
        self._bad.add(host)
        return self._host(data, "failed", message=message, published=result.get(RESULT))

    def _unreachable(self, data: Mapping[str, Any]) -> List[Line]:
        host = str(data.get("host"))
        self.lost_at[host] = self.busy.pop(host, "") or ": ".join(filter(None, self._of(data)))
        self._bad.add(host)
        message = connection_failure(_result(data))
        if any(words in message for words in _SAYS_NOTHING):
            self.unexplained.add(host)
        return self._host(data, "unreachable", message=message)

    def _retry(self, data: Mapping[str, Any]) -> List[Line]:
        result = _result(data)
        left = f"attempt {result.get('attempts')} of {result.get('retries')}"
        return self._note(f"{data.get('host')}: {self._of(data)[1]}: {left} failed, trying again")

    def _stats(self, data: Mapping[str, Any]) -> List[Line]:
        self.has_stats = True
        still_bad = {*(data.get("failures") or {}), *(data.get("dark") or {})}
        self.forgiven = self._bad - still_bad
        artifacts = data.get("artifact_data")
        kept = artifacts.get(RESULT) if isinstance(artifacts, Mapping) else None
        published = kept.get("hosts") if isinstance(kept, Mapping) else None
        if not isinstance(published, Mapping):
            return []
        return [
            {"type": "host", "host": host, "role": "", "status": "ok", "result": dict(result)}
            for host, result in published.items()
            if host in self._hosts and isinstance(result, Mapping) and result
        ]

    def _host(
        self,
        data: Mapping[str, Any],
        status: str,
        *,
        message: str = "",
        published: Any = None,
        diff: Any = (),
    ) -> List[Line]:
        host = str(data.get("host"))
        if host not in self._hosts:
            return []
        role = self._of(data)[0]
        line: Line = {"type": "host", "host": host, "role": role, "status": status}
        news = bool(message)
        if message:
            line["message"] = message
        if isinstance(published, Mapping) and published:
            line["result"], news = dict(published), True
        if diff:
            line["diff"], news = list(diff), True
        # Of the many tasks of a role the first answer of a host is enough for the progress.
        if not news and (host, status, role) in self._told:
            return []
        self._told.add((host, status, role))
        return [line]

    def _of(self, data: Mapping[str, Any]) -> Tuple[str, str]:
        """Return role and task of a host's event; other hosts may be elsewhere."""
        if not data.get("task"):
            return self._task
        role = str(data.get("resolved_role") or data.get("role") or "")
        return role, one_line(data["task"], 120)

    def _note(self, text: str) -> List[Line]:
        self._notes += 1
        line = one_line(text)
        if not line or self._notes > _NOTES:
            return []
        return [{"type": "note", "text": line}]


def failure(result: Mapping[str, Any], of_item: str = "") -> str:
    """Return why a task failed on a host, on one line of at most 300 characters."""
    if "censored" in result:
        return _CENSORED
    errors = result.get("argument_errors")
    message = "; ".join(map(str, errors)) if isinstance(errors, list) and errors else ""
    message = message or _plain(result.get("msg"))
    if message in _NO_REASON and of_item:
        return of_item
    last = _last(result.get("module_stderr")) or _last(result.get("stderr"))
    if message == "non-zero return code":
        message = f"the command ended with {result.get('rc')}"
    elif "MODULE FAILURE" in message:
        message = ""
    elif message not in _NO_REASON and "module_stderr" not in result:
        last = ""
    if last and last not in message:
        message = f"{message}: {last}" if message else last
    if _NO_ROOT.search(message):
        message = f"{_NO_ROOT_WORDS} ({message})"
    return one_line(message or _last(result.get("stdout")) or _plain(result.get("msg")) or _NOTHING)


def connection_failure(result: Mapping[str, Any]) -> str:
    """Return why a host cannot be reached: ssh's own reason, on one line."""
    text = _PREFIX.sub("", str(result.get("msg") or ""))
    return last_line(_SSH_PREFIX.sub("", text)) or one_line(text) or "unreachable"


def _result(data: Mapping[str, Any]) -> Mapping[str, Any]:
    result = data.get("res")
    return result if isinstance(result, Mapping) else {}


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = "; ".join(map(str, value))
    text = str(value or "").strip()
    while _PREFIX.match(text):
        text = _PREFIX.sub("", text, count=1)
    return text


def _last(text: Any) -> str:
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def _diffs(value: Any) -> List[Any]:
    """Return diffs with their texts cut to some kilobytes."""
    entries = value if isinstance(value, list) else [value]
    cut = []
    for entry in entries[:_DIFF_ENTRIES]:
        if isinstance(entry, Mapping) and entry:
            cut.append({str(key): _cut(part) for key, part in entry.items()})
    return cut


def _cut(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    text = value if isinstance(value, str) else _as_text(value)
    return text if len(text) <= _DIFF_TEXT else f"{text[:_DIFF_TEXT]}\n[cut]"


def _as_text(value: Any) -> str:

    return json.dumps(value, default=str)
