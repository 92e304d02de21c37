"""Specs as YAML streams (``---``), as `ceph orch apply -i` reads and `ceph orch ls` writes them.

Importing this registers our classes with PyYAML's dumper, so that ``yaml.dump(spec)`` writes a
spec as Ceph's classes are written; nothing else of PyYAML is changed.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple, Union

import yaml

from .checks import require_mapping, shown
from .daemons import DaemonDescription
from .errors import SpecValidationError
from .hosts import HostSpec
from .inventory import InventoryHost
from .services import ServiceDescription
from .specs.base import ServiceSpec
from .specs.tuned_profile import TunedProfileSpec
from .upgrades import UpgradeStatusSpec

GenericSpec = Union[ServiceSpec, HostSpec]

_MAX_NODES = 200_000


class YamlLiteralString(str):
    """Text that YAML writes as a block (``|``), line by line."""

    __slots__ = ()

    @staticmethod
    def represent_as_literal(dumper: Any, data: str) -> Any:
        """Represent text as a block for a PyYAML dumper."""
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style="|")


def json_to_generic_spec(spec: Dict[str, Any]) -> GenericSpec:
    """Read a host (``service_type: host``) or a service; raises ``SpecValidationError``."""
    if require_mapping(spec, "spec").get("service_type") == "host":
        return HostSpec.from_json(spec)
    return ServiceSpec.from_json(spec)


def specs_from_yaml(text: str) -> List[GenericSpec]:
    """Read a stream of host and service specs; empty documents are left out.

    Raises ``SpecValidationError`` whose message names the number of the document.
    """
    specs: List[GenericSpec] = []
    for number, document in enumerate(documents_from_yaml(text), start=1):
        if document is None:
            continue
        try:
            specs.append(json_to_generic_spec(document))
        except SpecValidationError as error:
            raise SpecValidationError(f"document {number}: {error}") from None
    return specs


def documents_from_yaml(text: str) -> List[Any]:
    """Read the documents of a stream; raises ``SpecValidationError`` where it is not YAML.

    A document that has a key twice, refers to itself, or grows without measure by references, is
    refused.
    """
    return [document for _, document in documents_with_lines(text)]


def documents_with_lines(text: str) -> List[Tuple[int, Any]]:
    """Read the documents of a stream as ``documents_from_yaml``, each with its first line."""
    documents: List[Tuple[int, Any]] = []
    try:
        loader = _Loader(text)
        while loader.check_node():
            node: Any = loader.get_node()
            documents.append((node.start_mark.line + 1, loader.construct_document(node)))
    except _RepeatedKey as error:
        raise SpecValidationError(f"document {len(documents) + 1}: {error}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SpecValidationError(f"not YAML: {_problem(error)}") from None
    for number, (_, document) in enumerate(documents, start=1):
        try:
            _count(document, 0, _MAX_NODES)
        except (OverflowError, RecursionError):
            raise SpecValidationError(
                f"document {number}: too large or refers to itself; allowed: {_MAX_NODES} nodes"
            ) from None
    return documents


class _RepeatedKey(ValueError):
    """A mapping has a key twice: YAML's readers would take the last one without a word."""


def _problem(error: Exception) -> str:
    """Say on one line what PyYAML could not read, and where."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    found, began = error.problem_mark, error.context_mark
    context = f"{error.context}{f' that begins in line {began.line + 1}' if began else ''}"
    inside = f" ({context})" if error.context else ""
    return f"line {found.line + 1}, column {found.column + 1}: {error.problem}{inside}"


def _count(value: Any, counted: int, limit: int) -> int:
    """Count the nodes as they would be written out, up to a limit."""
    counted += 1
    if counted > limit:
        raise OverflowError
    if isinstance(value, dict):
        for item in value.values():
            counted = _count(item, counted, limit)
    elif isinstance(value, list):
        for item in value:
            counted = _count(item, counted, limit)
    return counted


class _Loader(yaml.SafeLoader):
    """Reads dates as the text that they are, for no field of a spec is a date; no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Dict[Any, Any]:
        """Read a mapping; raises ``_RepeatedKey``."""
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        return super().construct_mapping(node, deep=deep)


def _check_keys(node: yaml.MappingNode) -> None:
    lines: Dict[Tuple[str, str], int] = {}
    for key, _ in node.value:
        # What `<<` brings in may be overridden: that is what it is for.
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        named, line = (key.tag, key.value), key.start_mark.line + 1
        if named in lines:
            raise _RepeatedKey(
                f"the key {shown(key.value)} is given twice, in line {lines[named]} and in line "
                f"{line}; allowed: each key once"
            )
        lines[named] = line


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class SpecDumper(yaml.SafeDumper):
    """Writes specs and reports; text of several lines as a block, no references."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def specs_to_yaml(specs: Iterable[Any]) -> str:
    """Write specs (or descriptions) as a stream that ``specs_from_yaml`` reads."""
    return yaml.dump_all(
        [_document(spec) for spec in specs],
        Dumper=SpecDumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
    )


def _document(spec: Any) -> Any:
    data = spec.to_json() if hasattr(spec, "to_json") else spec
    return {"service_type": "host", **data} if isinstance(spec, HostSpec) else data


def _represent(dumper: yaml.representer.BaseRepresenter, data: Any) -> yaml.Node:
    """Represent an object by its JSON form."""
    return dumper.represent_dict(data.to_json().items())  # type: ignore[attr-defined,no-any-return]


def _represent_text(dumper: yaml.representer.BaseRepresenter, data: str) -> yaml.Node:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


SpecDumper.add_representer(str, _represent_text)
SpecDumper.add_representer(YamlLiteralString, YamlLiteralString.represent_as_literal)
for _class in (
    DaemonDescription,
    HostSpec,
    InventoryHost,
    ServiceDescription,
    ServiceSpec,
    TunedProfileSpec,
    UpgradeStatusSpec,
):
    yaml.Dumper.add_multi_representer(_class, _represent)
    SpecDumper.add_multi_representer(_class, _represent)
yaml.Dumper.add_representer(YamlLiteralString, YamlLiteralString.represent_as_literal)
