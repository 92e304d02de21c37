"""How services and plans are shown. Pure functions."""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Sequence

import yaml

from adapter.cli.formatters import age, natural
from adapter.interface import ServiceDescription, ServiceSpec
from adapter.interface.streams import SpecDumper
from adapter.tables import table

SERVICE_HEAD = ("NAME", "PORTS", "RUNNING", "REFRESHED", "AGE", "PLACEMENT")


def services(rows: Sequence[ServiceDescription], now: datetime.datetime) -> str:
    """Return the table of services, column by column as ``ceph orch ls``."""
    if not rows:
        return "No services"
    lines = [
        (
            row.spec.service_name(),
            row.get_port_summary(),
            f"{row.running}/{row.size}" if row.size else str(row.running),
            age(row.last_refresh, now, " ago"),
            age(row.created, now),
            "<unmanaged>" if row.spec.unmanaged else row.spec.placement.pretty_str(),
        )
        for row in sorted(rows, key=lambda row: natural(row.spec.service_name()))
    ]
    return table(SERVICE_HEAD, lines)


def export(specs: Sequence[ServiceSpec]) -> str:
    """Return specs as the documents that ``apply -i`` reads."""
    return str(
        yaml.dump_all(
            [each.to_json() for each in specs],
            Dumper=SpecDumper,
            default_flow_style=False,
            sort_keys=False,
            explicit_start=len(specs) > 1,
        )
    ).rstrip("\n")


def plan_lines(row: Dict[str, Any]) -> List[str]:
    """Return the lines for what a spec would do, as the method ``plan`` gives it."""
    if row.get("error"):
        return [f"error: {row['error']}"]
    if row.get("note"):
        return [str(row["note"])]
    if row.get("warning"):
        # The row of its service says the same.
        return []
    name = str(row["service_name"])
    if "data" in row:
        notes = [line for rows in row["data"].values() for each in rows for line in each["notes"]]
        return [f"{name}: {line}" for line in notes] or [f"{name}: no disk would be written to"]
    parts = [f"would add one on {host}" for host in sorted(row["add"], key=natural)]
    parts += [f"would wait: {row['waits']}"] if row.get("waits") else []
    parts += [f"would remove {daemon}" for daemon in row["remove"]]
    parts += [f"would {line}" for line in row.get("change", ())]
    parts += [row[key] for key in ("stays", "kept") if row.get(key)]
    return [f"{name}: {part}" for part in parts] or [f"{name}: would stay as it is"]
