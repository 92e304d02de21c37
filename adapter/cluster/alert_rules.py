"""Alert rules of an administrator's own: one record per service of Prometheus servers."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import InvalidValue, UnreadableRecord
from adapter.interface import SpecValidationError, documents_from_yaml

KIND = "alert_rules"
# In characters. Ceph's own rules have 40,000.
LONGEST = 400_000
_FIELD = "alerts_file"


class AlertRules:
    """The texts of rules files by service. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._texts: Dict[str, str] = {}
        self.problems: Dict[str, str] = {}
        self.serial = 0
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be used is named in ``problems`` and kept."""
        texts, problems = read_records(self._store, KIND, _read)
        if (texts, problems) != (self._texts, self.problems):
            self._texts, self.problems = texts, problems
            self.serial += 1

    def get(self, service: str) -> str:
        """Return the text for a service, empty where there is none; raises ``UnreadableRecord``."""
        if service in self.problems:
            key = f"{KIND}.{service}"
            raise UnreadableRecord(key, self.problems[service], f"{self._store.shown_by(key)}.")
        return self._texts.get(service, "")

    def all(self) -> Dict[str, str]:
        """Return the texts by service, without those whose records cannot be used."""
        return dict(self._texts)

    def save(self, service: str, text: str) -> None:
        """Keep a text, or none where it is empty; raises ``NotKept``."""
        self._store.set(f"{KIND}.{service}", {"text": text} if text else None)
        self._texts = {name: each for name, each in self._texts.items() if name != service}
        if text:
            self._texts[service] = text
        self.problems.pop(service, None)
        self.serial += 1


def _read(service: str, record: Mapping[str, Any]) -> str:
    del service
    text = record.get("text")
    if not isinstance(text, str) or len(text) > LONGEST:
        raise Unusable("its text is no text")
    return text


def check_rules(text: str) -> str:
    """Return rules as they are written to hosts, empty for `groups: []`; raises ``InvalidValue``.

    That they have the form of a rules file is asked here; what expressions mean only promtool
    knows, on the host.
    """
    if len(text) > LONGEST:
        raise _wrong(f"{len(text)} characters", f"at most {LONGEST} are taken")
    if not text.strip():
        return ""
    if any(ord(each) < 32 and each not in "\t\n\r" for each in text):
        raise _wrong("a control character", "none belongs there")
    try:
        documents = documents_from_yaml(text)
    except SpecValidationError as error:
        raise _wrong("the file", str(error)) from None
    groups = documents[0].get("groups") if _is_mapping(documents) else None
    if len(documents) != 1 or not isinstance(groups, list):
        raise _wrong("the file", "it is no mapping with `groups`, a list")
    for number, group in enumerate(groups, start=1):
        _check_group(number, group)
    if not groups:
        return ""
    return text if text.endswith("\n") else f"{text}\n"


def _is_mapping(documents: List[Any]) -> bool:
    return bool(documents) and isinstance(documents[0], dict)


def _check_group(number: int, group: Any) -> None:
    if not isinstance(group, dict) or not isinstance(group.get("name"), str):
        raise _wrong(f"group {number}", "it has no name")
    rules = group.get("rules")
    if not isinstance(rules, list):
        raise _wrong(f"group {group['name']}", "it has no list of rules")
    for each in rules:
        named = isinstance(each, dict) and (each.get("alert") or each.get("record"))
        if not named or not each.get("expr"):
            raise _wrong(f"group {group['name']}", "a rule of it has no `alert` or no `expr`")


def _wrong(what: str, reason: str) -> InvalidValue:
    return InvalidValue(
        _FIELD, what, reason, "Give a file as `promtool check rules FILE` takes it."
    )
