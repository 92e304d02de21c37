"""What forks share is set aside before a play, and Ansible is told to do it."""

from __future__ import annotations

import configparser
import gc
import subprocess
import sys
from pathlib import Path

from plugins.callback.lean_forks import CallbackModule

ROOT = Path(__file__).resolve().parents[4]


def test_objects_are_set_aside() -> None:
    try:
        before = gc.get_freeze_count()
        CallbackModule().v2_playbook_on_play_start(None)
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


# Says which modules are loaded, and how many lexers a template of a fork would have to make.
PROGRAM = """
import sys
from plugins.callback.lean_forks import CallbackModule
CallbackModule().v2_playbook_on_play_start(None)
import ansible.template, jinja2.lexer
made, make = [], jinja2.lexer.Lexer.__init__
jinja2.lexer.Lexer.__init__ = lambda self, it: made.append(self) or make(self, it)
trusted = getattr(ansible.template, "trust_as_template", str)
templar = ansible.template.Templar(None, variables={"x": 2})
assert templar.template(trusted("{{ x }}")) == 2
print(len(made), *sys.modules)
"""


def test_what_every_fork_needs_is_loaded() -> None:
    """Seen to fail without ``load``: one lexer is made, and no plugin is there."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lexers, *modules = done.stdout.split()
    assert lexers == "0"
    assert {f"ansible.plugins.{name}" for name in ("connection.ssh", "shell.sh")} <= set(modules)


def test_it_is_enabled_under_its_name() -> None:
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "ansible.cfg")
    assert configuration["defaults"]["callbacks_enabled"] == CallbackModule.CALLBACK_NAME
