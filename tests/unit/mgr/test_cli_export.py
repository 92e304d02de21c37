"""An export holds what can be applied, and nothing that nobody asked for."""

from __future__ import annotations

import json

import pytest
import yaml

from adapter.mgr.cli_export import as_specs

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
        ([NOBODYS.replace("service_name: osd", "service_id: a\nservice_name: osd.a"), MDS], [MDS]),
    ],
)
def test_osds_of_no_drive_group_are_no_spec(parts: list[str], kept: list[str]) -> None:
    answer = (0, "---\n".join(parts), "")

    assert as_specs(EXPORT, answer) == (0, "---\n".join(kept), "")


@pytest.mark.parametrize("words", [EXPORT, {"prefix": "orch ls", "format": "yaml"}])
def test_a_certificate_is_written_line_by_line(words: dict) -> None:
    cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    spec = {"service_type": "rgw", "service_id": "a", "spec": {"cert": cert, "key": [cert]}}
    text = MDS + "---\n" + yaml.dump(spec, default_flow_style=False)

    found = as_specs(words, (0, text, ""))[1]
    assert "  cert: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n" in found
    assert found.startswith(MDS + "---\n")
    assert list(yaml.safe_load_all(found))[1] == spec


def test_as_json() -> None:
    rows = [{"service_type": "osd", "unmanaged": True}, {"service_type": "mon"}]

    found = as_specs({**EXPORT, "format": "json"}, (0, json.dumps(rows), ""))
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
    assert as_specs(words, answer) == answer
