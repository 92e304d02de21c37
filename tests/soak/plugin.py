"""What makes tests rows of the table in docs/reliability.md; loaded by ``-p tests.soak.plugin``.

A test of a fault carries ``@pytest.mark.fault(GROUP, NAME, full=TIMES)`` and says by
``record_property("outcome", TEXT)`` how the job ended, and by ``"seconds"`` how long what took.
``--full`` runs it ``full`` times instead of once, and also those with ``short=False``;
``--results FILE`` adds what was seen to a file, of which ``tests.soak.table`` makes the table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.soak.versions import releases


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak")
    group.addoption("--full", action="store_true", help="each fault as often as its test says")
    group.addoption("--at-most", type=int, metavar="N", help="with --full: no fault more often")
    group.addoption("--results", metavar="FILE", help="add what was seen to this file")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--results"):
        config.pluginmanager.register(Results(Path(config.getoption("--results"))), "soak-results")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("fault")
    times = marker.kwargs.get("full", 1) if marker is not None else 1
    times = min(times, metafunc.config.getoption("--at-most") or times)
    if metafunc.config.getoption("--full") and times > 1:
        metafunc.fixturenames.append("round_number")
        metafunc.parametrize("round_number", range(1, times + 1))


def pytest_collection_modifyitems(config: pytest.Config, items: List[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    left_out = [item for item in items if not _is_short(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _is_short(item)]


def _is_short(item: pytest.Item) -> bool:
    return all(marker.kwargs.get("short", True) for marker in item.iter_markers("fault"))


@pytest.fixture
def is_full(request: pytest.FixtureRequest) -> bool:
    """Tell whether this is the full form of the tests."""
    return bool(request.config.getoption("--full"))


class Results:
    """Count per fault how often it was tried and what came of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: Dict[str, Dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> Any:
        report = yield
        marker = item.get_closest_marker("fault")
        if marker is not None and marker.args and report.when == "call" and not report.skipped:
            self._count(marker, report, dict(item.user_properties))
        return report

    def _count(
        self, marker: pytest.Mark, report: pytest.TestReport, properties: Dict[str, Any]
    ) -> None:
        group, name = marker.args
        row = self._rows.setdefault(name, {"group": group, "tried": 0, "failed": 0, "outcomes": {}})
        row["tried"] += 1
        if report.failed:
            row["failed"] += 1
            return
        outcome = str(properties.get("outcome", "as it should be"))
        row["outcomes"][outcome] = row["outcomes"].get(outcome, 0) + 1
        for what, seconds in properties.get("seconds", {}).items():
            longest = row.setdefault("longest", {})
            longest[what] = max(round(seconds, 1), longest.get(what, 0.0))

    def pytest_sessionfinish(self) -> None:
        found = json.loads(self._path.read_text()) if self._path.exists() else {}
        for name, row in self._rows.items():
            found[name] = {**row, **releases()}
        self._path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
