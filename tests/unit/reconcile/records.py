"""What tests of records that cannot be read ask for and look at."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    OrchestratorError,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster


def group(name: str = "x", **values: Any) -> DriveGroupSpec:
    values.setdefault("data_devices", DeviceSelection(size="1G:"))
    return drive_group(name, **values)


def apply(cluster: KeptCluster, spec: ServiceSpec) -> str:
    return str(raise_if_exception(cluster.orchestrator.apply([spec]))[0])


def refused(result: Any) -> str:
    with pytest.raises(OrchestratorError) as caught:
        raise_if_exception(result)
    return str(caught.value)


def where(cluster: KeptCluster) -> List[str]:
    return sorted(f"{osd.host}:{osd.disk}" for osd in cluster.monitors.osds.values())
