"""Run the project's playbooks on this very machine, and read what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import yaml

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent


class _Unsafe(str):
    """A text that Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    """Write texts as the engine does."""


_Dumper.add_representer(
    _Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


def unsafe(value: Any) -> Any:
    """Mark every text in some data."""
    if isinstance(value, str):
        return _Unsafe(value)
    if isinstance(value, dict):
        return {key: unsafe(item) for key, item in value.items()}
    return [unsafe(item) for item in value] if isinstance(value, list) else value


class Run:
    """What one call of ansible-playbook did."""

    def __init__(self, status: int, output: str, rows: List[Dict[str, Any]]) -> None:
        self.status = status
        self.output = output
        self.rows = [row for row in rows if row["status"] != "stats"]
        # Each playbook of a call has statistics of its own.
        self.custom: Dict[str, Any] = {}
        for row in rows:
            self.custom.update(row.get("custom") or {})

    @property
    def changed(self) -> List[str]:
        """Return the tasks that changed something."""
        return [row["task"] for row in self.rows if row["changed"]]

    @property
    def failures(self) -> List[str]:
        """Return what failed tasks said."""
        return [row["message"] for row in self.rows if row["status"] != "ok"]

    def published(self, play: str = "") -> Dict[str, Any]:
        """Return what was published, merged by key as the engine does."""
        merged: Dict[str, Any] = {}
        for row in self.rows:
            if isinstance(row["result"], dict) and play in row["play"]:
                merged.update(row["result"])
        return merged

    @property
    def diffs(self) -> List[Dict[str, str]]:
        """Return the differences that were shown."""
        found: List[Dict[str, str]] = []
        for row in self.rows:
            value = row["diff"] or []
            found += value if isinstance(value, list) else [value]
        return [diff for diff in found if diff.get("before") != diff.get("after")]


class Machine:
    """This machine as a host called h1."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._count = 0

    def environment(self) -> Dict[str, str]:
        """Return an environment in which nothing outside of the test is read or written."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE")}
        return {
            **kept,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.top / "home"),
            "ANSIBLE_LOCAL_TEMP": str(self.top / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.top / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "PYTHONWARNINGS": "ignore",
        }

    def play(
        self,
        *playbooks: str,
        variables: Optional[Dict[str, Any]] = None,
        options: tuple = (),
        host: Optional[Dict[str, Any]] = None,
    ) -> Run:
        """Run playbooks one after the other in one call; all texts are data."""
        self._count += 1
        record = self.top / f"record-{self._count}.jsonl"
        values = {"ansible_connection": "local", **(host or {})}
        inventory = self._write("inventory.yml", {"all": {"hosts": {"h1": unsafe(values)}}})
        files = self._write("vars.yml", unsafe(variables or {}))
        argv = [str(BIN / "ansible-playbook"), "-i", str(inventory), "-e", f"@{files}", *options]
        argv += [str(ROOT / "playbooks" / f"{name}.yml") for name in playbooks]
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env={**self.environment(), "RECORDER_FILE": str(record)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        text = record.read_text(encoding="utf-8") if record.exists() else ""
        rows = [json.loads(line) for line in text.splitlines()]
        return Run(done.returncode, done.stdout + done.stderr, rows)

    def _write(self, name: str, data: Any) -> Path:
        path = self.top / f"{self._count}-{name}"
        path.write_text(yaml.dump(data, Dumper=_Dumper, allow_unicode=True), encoding="utf-8")
        return path
