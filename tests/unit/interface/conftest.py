"""Cases from data files: each document of corpus/ and refused/ becomes a test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
import yaml

HERE = Path(__file__).parent


def documents(folder: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Give ``(file/case, document)`` of all streams in a folder."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted((HERE / folder).rglob("*.yml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=loader):
            yield f"{path.stem}/{document['case']}", document


def reader(name: str) -> Callable[[Any], Any]:
    """Give the ``from_json`` for a stream's name."""
    import adapter.interface as interface

    classes = {
        "daemon": interface.DaemonDescription,
        "device": interface.Device,
        "device_selection": interface.DeviceSelection,
        "event": interface.OrchestratorEvent,
        "host": interface.HostSpec,
        "inventory_host": interface.InventoryHost,
        "placement": interface.PlacementSpec,
        "service_description": interface.ServiceDescription,
        "tuned_profile": interface.TunedProfileSpec,
        "upgrade_status": interface.UpgradeStatusSpec,
    }
    cls: Any = classes.get(name, interface.ServiceSpec)
    read: Callable[[Any], Any] = cls.from_json
    return read


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each document for tests that take ``corpus_case`` or ``refused_case``."""
    for folder in ("corpus", "refused"):
        fixture = f"{folder}_case"
        if fixture in metafunc.fixturenames:
            cases = list(documents(folder))
            metafunc.parametrize(fixture, cases, ids=[name for name, _ in cases])


@pytest.fixture(scope="session")
def corpus() -> List[Tuple[str, Dict[str, Any]]]:
    """All cases of the corpus."""
    return list(documents("corpus"))


@pytest.fixture(scope="session")
def read() -> Callable[[str, Any], Any]:
    """Read a JSON form of the type that a case's name tells."""
    return lambda name, data: reader(name.split("/")[0])(data)


@pytest.fixture(scope="session")
def quickly() -> Callable[[Callable[[], Any]], Any]:
    """Run a function that must not grow out of hand."""

    def run(function: Callable[[], Any]) -> Any:
        spent: List[float] = []
        while True:
            before = time.thread_time()
            try:
                result, error = function(), None
            except Exception as raised:  # noqa: BLE001 - raised again below
                result, error = None, raised
            spent.append(time.thread_time() - before)
            if spent[-1] < LIMIT:
                break
            assert len(spent) < 3, f"took {spent} s"  # a garbage collection may hit one run
        if error is not None:
            raise error
        return result

    return run


# Seconds of CPU. What it takes is milliseconds; the bound is for what grows out of hand, on a
# machine that is busy with other things too.
LIMIT = 0.5
