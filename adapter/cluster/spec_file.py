"""A file of specs as somebody hands it over: written by hand, or printed by ``ceph orch``.

What ``ceph orch ls``, ``ceph orch host ls`` and their exports print is read as the specs that it
shows: what says how things are, and not how they shall be, is passed over with a note. Each
document has its error of its own, so that all of them are told at once. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple, Union

import yaml

from adapter.interface import (
    HostSpec,
    OrchestratorError,
    ServiceSpec,
    SpecValidationError,
    documents_with_lines,
    json_to_generic_spec,
    service_spec_allow_invalid_from_json,
)
from adapter.interface.streams import SpecDumper

Read = Callable[[Any], Any]

# What `ceph orch ls` shows beside the spec.
_STATUS = ("status", "events")


class Services(Protocol):
    """What is to be known of services to read what a listing says of them."""

    def is_nobodys(self, name: str) -> bool:
        """Tell whether its daemons run and nobody specified it."""
        ...

    def is_going(self, name: str) -> bool:
        """Tell whether it is being removed."""
        ...

    def config_problem(self, spec: Any) -> str:
        """Return what is wrong with the ``config`` of a spec, in words, or an empty text."""
        ...


class NoServices:
    """Nothing is known."""

    def is_nobodys(self, name: str) -> bool:
        """Tell it of no service."""
        return False

    def is_going(self, name: str) -> bool:
        """Tell it of no service."""
        return False

    def config_problem(self, spec: Any) -> str:
        """Return that nothing is wrong."""
        return ""


@dataclass(frozen=True)
class Document:
    """One document: its number from 1, its first line, what is in it and what came of it.

    ``name`` is that of its service or host. Without ``spec`` and ``error`` it is passed over.
    ``placeholder`` names the service of which it says nothing but that it is unmanaged.
    """

    number: int
    line: int
    data: Any = None
    name: str = ""
    spec: Any = None
    error: str = ""
    notes: Tuple[str, ...] = ()
    as_given: bool = True
    placeholder: str = ""

    def said(self, words: str) -> str:
        """Return words about this document."""
        return f"document {self.number}: {words}"

    def passed_over(self, note: str) -> Document:
        """Return this document as one of which nothing is applied, and why."""
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class SpecFile:
    """The documents of a file that are not empty, in order."""

    given: str
    documents: Tuple[Document, ...]

    @property
    def errors(self) -> List[str]:
        """Return a line for each document that is refused."""
        return [each.said(each.error) for each in self.documents if each.error]

    @property
    def notes(self) -> List[str]:
        """Return a line for all that was passed over."""
        return [each.said(note) for each in self.documents for note in each.notes]

    @property
    def specs(self) -> List[Union[HostSpec, ServiceSpec]]:
        """Return the specs of the documents that are good."""
        return [each.spec for each in self.documents if each.spec is not None]

    def text(self, *, refused: bool = False) -> str:
        """Return a file of what is to be applied, with ``refused`` also of what is refused.

        It is the very text that was given where nothing was passed over.
        """
        kept = [
            each for each in self.documents if each.spec is not None or (refused and each.error)
        ]
        if len(kept) == len(self.documents) and all(each.as_given for each in kept):
            return self.given
        return str(
            yaml.dump_all(
                [each.data for each in kept],
                Dumper=SpecDumper,
                default_flow_style=False,
                sort_keys=False,
                allow_unicode=True,
            )
        )


def read_spec_file(
    text: str,
    *,
    read: Read = json_to_generic_spec,
    services: Optional[Services] = None,
    lists: bool = False,
    check: Callable[[Any], str] = lambda spec: "",
) -> SpecFile:
    """Read a file; raises ``SpecValidationError`` where it is not YAML, or has a key twice.

    With ``lists`` a list counts as that many documents, as commands print them as JSON. ``check``
    says what else is wrong with a spec that could be read.
    """
    known, given = services or NoServices(), documents_with_lines(text)
    if lists:
        parts = ((line, data if isinstance(data, list) else [data]) for line, data in given)
        given = [(line, each) for line, rows in parts for each in rows]
    found = [
        _checked(_read(Document(number, line, data), read, known), check)
        for number, (line, data) in enumerate(given, start=1)
        if data is not None
    ]
    return SpecFile(text, tuple(_each_once(found)))


def _checked(document: Document, check: Callable[[Any], str]) -> Document:
    problem = check(document.spec) if document.spec is not None else ""
    return replace(document, spec=None, error=problem) if problem else document


def _read(given: Document, read: Read, services: Services) -> Document:
    document = _without_status(given)
    placeholder = _placeholder(document.data)
    document = replace(document, placeholder=placeholder)
    if placeholder and services.is_nobodys(placeholder):
        return document.passed_over(
            f"{placeholder} runs and nobody specified it; it is left as it is"
        )
    try:
        spec = read(document.data)
        _check_name(document.data, spec)
    except (SpecValidationError, OrchestratorError) as error:
        return replace(document, error=str(error))
    if isinstance(spec, ServiceSpec) and isinstance(given.data.get("status"), Mapping):
        name = spec.service_name()
        if services.is_going(name):
            return document.passed_over(
                f"{name} is being removed already; this document is skipped"
            )
    return replace(document, spec=spec, name=_name_of(spec))


def _without_status(document: Document) -> Document:
    """Return a document without what only says how things are."""
    data = document.data
    if not isinstance(data, Mapping):
        return document
    if "hostname" in data and not data.get("service_type") and not data.get("service_name"):
        # `ceph orch host ls` prints hosts without saying that they are.
        data = {"service_type": "host", **{k: v for k, v in data.items() if k != "service_type"}}
    if data.get("service_type") == "host":
        data, shown = _host_without_status(dict(data))
    else:
        shown = [key for key in _STATUS if key in data]
        data = {key: value for key, value in data.items() if key not in _STATUS}
    if data == document.data:
        return document
    what = " and ".join(shown)
    notes = (f"{what}: this is a state, not part of the spec, and is ignored",) if shown else ()
    return replace(document, data=dict(data), notes=notes, as_given=False)


def _host_without_status(data: Dict[str, Any]) -> Tuple[Dict[str, Any], List[str]]:
    status = data.get("status")
    if not isinstance(status, str) or status.lower() not in ("", "offline"):
        return data, []
    del data["status"]
    return data, [f"status '{status}'"] if status else []


def _placeholder(data: Any) -> str:
    """Return the name of the service of which a document says nothing but that it is unmanaged.

    So ``ceph orch ls`` shows what runs and was never specified; of some kinds it is no valid spec.
    """
    if not isinstance(data, Mapping) or data.get("unmanaged") is not True:
        return ""
    try:
        with service_spec_allow_invalid_from_json():
            spec = ServiceSpec.from_json(dict(data))
            bare = ServiceSpec(
                service_type=spec.service_type, service_id=spec.service_id, unmanaged=True
            )
    except SpecValidationError:
        return ""
    return str(spec.service_name()) if spec == bare else ""


def _check_name(data: Any, spec: Any) -> None:
    """Raise where a document calls its service by two names."""
    said = data.get("service_name") if isinstance(spec, ServiceSpec) else None
    if said and said != spec.service_name():
        raise SpecValidationError(
            f"service_name: '{said}' is not allowed; allowed: '{spec.service_name()}', as "
            "service_type and service_id say, or none"
        )


def _name_of(spec: Any) -> str:
    if isinstance(spec, HostSpec):
        return f"host {spec.hostname}"
    if isinstance(spec, ServiceSpec):
        return f"service {spec.service_name()}"
    return f"profile {getattr(spec, 'profile_name', '')}"


def _each_once(documents: List[Document]) -> List[Document]:
    """Refuse a service or host that another document before has too."""
    first: Dict[str, Document] = {}
    found = []
    for document in documents:
        before: Optional[Document] = first.get(document.name) if document.name else None
        if before is not None:
            error = (
                f"{document.name} is there twice, in document {before.number} (line "
                f"{before.line}) and in document {document.number} (line {document.line}); "
                "allowed: each once"
            )
            document = replace(document, spec=None, error=error)
        elif document.name:
            first[document.name] = document
        found.append(document)
    return found
