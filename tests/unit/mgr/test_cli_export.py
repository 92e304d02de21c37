"""An export holds what can be applied, and nothing that nobody asked for."""

from __future__ import annotations

import json

import pytest

from adapter.mgr.cli_export import without_placeholders

MDS = "service_type: mds\nservice_id: data\nservice_name: mds.data\n"
GROUP = (
    "service_type: osd\nservice_id: big\nservice_name: osd.big\nunmanaged: true\n"
    "placement:\n  host_pattern: '*'\nspec:\n  data_devices:\n    all: true\n"
)
NOBODYS = (
    "service_type: osd\nservice_name: osd\nunmanaged: true\nspec:\n"
    "  filter_logic: AND\n  objectstore: bluestore\n"
)
EXPORT = {"prefix": "orch ls", "export": True}


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([MDS, NOBODYS], [MDS]),
        ([NOBODYS, MDS, GROUP], [MDS, GROUP]),
        ([MDS, GROUP], [MDS, GROUP]),
        ([NOBODYS], []),
    ],
)
def test_osds_of_no_drive_group_are_no_spec(parts: list[str], kept: list[str]) -> None:
    answer = (0, "---\n".join(parts), "")

    assert without_placeholders(EXPORT, answer) == (0, "---\n".join(kept), "")


def test_as_json() -> None:
    rows = [{"service_type": "osd", "unmanaged": True}, {"service_type": "mon"}]

    found = without_placeholders({**EXPORT, "format": "json"}, (0, json.dumps(rows), ""))
    assert json.loads(found[1]) == rows[1:]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ({"prefix": "orch ls"}, (0, NOBODYS, "")),
        (EXPORT, (-22, "", "no")),
        ({"prefix": "orch ps", "export": True}, (0, NOBODYS, "")),
        (EXPORT, None),
    ],
)
def test_nothing_else_is_touched(words: dict, answer: object) -> None:
    assert without_placeholders(words, answer) == answer
