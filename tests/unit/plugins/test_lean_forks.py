"""What forks share is set aside before a play, and Ansible is told to do it."""

from __future__ import annotations

import configparser
import gc
from pathlib import Path

from plugins.callback.lean_forks import CallbackModule

ROOT = Path(__file__).resolve().parents[3]


def test_objects_are_set_aside() -> None:
    try:
        before = gc.get_freeze_count()
        CallbackModule().v2_playbook_on_play_start(None)
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_it_is_enabled_under_its_name() -> None:
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "ansible.cfg")
    assert configuration["defaults"]["callbacks_enabled"] == CallbackModule.CALLBACK_NAME
