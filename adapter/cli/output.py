"""How answers are printed: plain text for people, JSON and YAML for programs."""

from __future__ import annotations

import json
from typing import Any

import click
import yaml

FORMATS = ("plain", "json", "yaml")

format_option = click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="plain",
    help="How to print: a table for people, or data.",
)


def print_data(data: Any, text: str, form: str) -> None:
    """Print data as JSON or YAML, or its plain text."""
    if form == "json":
        click.echo(json.dumps(data, default=str))
    elif form == "yaml":
        click.echo(
            yaml.safe_dump(json.loads(json.dumps(data, default=str)), sort_keys=False), nl=False
        )
    elif text:
        click.echo(printable(text))


def own_words(text: str) -> str:
    """Return a message of the orchestrator with this command's verbs in place of Ceph's."""
    return text.replace("ceph orch ", "orch-ansible ").replace("ceph ansible ", "orch-ansible ")


def printable(text: str) -> str:
    """Return text without characters that would command the terminal: hosts are not trusted."""
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)
