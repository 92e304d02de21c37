"""Names that the shell completes, read from the directory without building anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List, Set

import click
import yaml

from adapter.cli.context import Context
from adapter.jobs_view import LAST


def _directory(context: click.Context) -> Path:
    return Path(os.path.expanduser(context.ensure_object(Context).directory))


def complete_host(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the hosts that begin so."""
    names = [path.stem for path in sorted((_directory(context) / "host").glob("*.yml"))]
    return [name for name in names if name.startswith(typed)]


def complete_label(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the labels in use that begin so."""
    found: Set[str] = set()
    for path in (_directory(context) / "host").glob("*.yml"):
        found.update(str(label) for label in _record(path).get("labels") or ())
    return sorted(label for label in found if label.startswith(typed))


def _record(path: Path) -> Any:
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return record if isinstance(record, dict) else {}


def complete_job(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the jobs that begin so, the newest first."""
    try:
        found = [path for path in (_directory(context) / "jobs").iterdir() if path.is_dir()]
    except OSError:
        return []
    names = sorted((path.name for path in found), reverse=True)
    return [name for name in [LAST, *names] if name.startswith(typed)]
