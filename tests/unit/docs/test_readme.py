"""The README says what this backend does, and what it does not do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec, raise_if_exception
from tests.tools.docs_tables import kinds
from tests.tools.documents import ROOT, flat, section, texts
from tests.unit.methods.world import World

README = texts()["README.md"]


def row(what: str) -> str:
    """Return what the comparison says of this backend."""
    (found,) = [line for line in README.splitlines() if line.startswith(f"| {what} |")]
    return found.split("|")[2]


def test_the_services_of_the_comparison_are_those_that_are_deployed() -> None:
    said = set(re.findall(r"[a-z-]+", row("Services").partition(";")[0]))
    short = {"rbd-mirror": "mirrors", "cephfs-mirror": "mirrors", "ceph-exporter": "exporter"}

    assert said == {short.get(kind, kind) for kind, *_ in kinds()}


@pytest.mark.parametrize("what", ["Hosts and labels", "Create, replace, remove OSDs"])
def test_what_the_comparison_calls_done_is_no_not_yet(what: str) -> None:
    assert "yes" in row(what)
    assert "not yet" not in row(what)


def test_the_refusal_is_shown_as_it_is(world: World) -> None:
    (shown,) = re.findall(r"# ceph orch apply (\S+)\nError EINVAL: (.*)\n", README)
    kind, said = shown
    spec: Any = ServiceSpec.from_json({"service_type": kind, "service_id": "a"})

    with pytest.raises(InvalidValue) as refused:
        raise_if_exception(world.orchestrator.apply([spec]))

    assert str(refused.value) == said


def test_disks_of_the_lab_are_called_loop_devices() -> None:
    assert "losetup" in (ROOT / "tests/lab/ceph_lab/disks.py").read_text(encoding="utf-8")
    limits = flat(section(README, "Limits"))
    assert "OSDs on bare disks (`method: raw`) are tried on loop devices" in limits
    assert not [name for name, text in texts().items() if "real disks" in flat(text)]


def test_every_document_is_linked() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}

    assert pages == set(re.findall(r"\]\(docs/([a-z]+\.md|README\.md)\)", README))
    index = texts()["docs/README.md"]
    assert pages - {"README.md"} == set(re.findall(r"\]\(([a-z]+\.md)\)", index))
