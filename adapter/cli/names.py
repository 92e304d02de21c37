"""Names that the shell completes, read from the directory without building anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterator, List, Set

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


def complete_drained(context: click.Context, param: click.Parameter, typed: str) -> List[str]:
    """Return the hosts that begin so; the first word may also be a verb."""
    names = complete_host(context, param, typed)
    return [*names, *(word for word in ("stop",) if word.startswith(typed))]


def complete_label(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the labels in use that begin so."""
    found: Set[str] = set()
    for path in (_directory(context) / "host").glob("*.yml"):
        found.update(str(label) for label in _record(path).get("labels") or ())
    return sorted(label for label in found if label.startswith(typed))


def complete_service(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the services with a spec that begin so."""
    names = [path.stem for path in sorted((_directory(context) / "spec").glob("*.yml"))]
    return [name for name in names if name.startswith(typed)]


def complete_tuned_profile(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the tuned profiles that begin so."""
    names = [path.stem for path in sorted((_directory(context) / "tuned_profile").glob("*.yml"))]
    return [name for name in names if name.startswith(typed)]


def complete_daemon(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the daemons that the hosts reported last and that begin so."""
    rows = _reported(context, "daemons", "*")
    names = {f"{row.get('daemon_type')}.{row.get('daemon_id')}" for row in rows}
    return sorted(name for name in names if name.startswith(typed))


def complete_daemon_type(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the kinds of the daemons that the hosts reported last and that begin so."""
    kinds = {str(row.get("daemon_type")) for row in _reported(context, "daemons", "*")}
    return sorted(kind for kind in kinds if kind.startswith(typed))


def complete_device(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the disks of the host that is typed before, as it reported them last."""
    host = str(context.params.get("host") or "*")
    paths = {str(row.get("path")) for row in _reported(context, "devices", host)}
    return sorted(path for path in paths if path.startswith(typed))


def _reported(context: click.Context, part: str, host: str) -> Iterator[Any]:
    """Yield the rows of a part of the kept reports, of one host or (``*``) of all."""
    for path in (_directory(context) / "reports").glob("*.json"):
        if host not in ("*", path.stem):
            continue
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))[part]
            yield from [row for row in rows if isinstance(row, dict)]
        except (OSError, ValueError, KeyError, TypeError):
            continue


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


def complete_osd(context: click.Context, _: click.Parameter, typed: str) -> List[str]:
    """Return the OSDs that begin so: those to be kept are in the queue, others in reports.

    The first word may also be a verb.
    """
    group = context.command.name == "rm"
    rows = _reported(context, "daemons", "*") if group else ()
    reported = {str(row.get("daemon_id")) for row in rows if row.get("daemon_type") == "osd"}
    names = sorted(reported) if group else _queued(_directory(context))
    if group and not context.params.get("osd_ids"):
        names += ["continue", "status", "stop"]
    return [name for name in names if name.startswith(typed)]


def _queued(directory: Path) -> List[str]:
    return sorted(path.stem for path in (directory / "osd_removal").glob("*.yml"))
