"""The invoker: read what is asked for, refuse it or run the module, and print the answer.

It is one file, a zip archive of this package and the modules, with Ansible's module_utils of the
controller that made it. ``__main__.py`` in it calls ``main``.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from typing import Any, Callable, Dict

from . import running, surroundings
from .document import OTHER_VERSION, Asked, Refused, parse, receive
from .limits import Limits, read_limits
from .policy import VERBS

_NAME = "ceph-orch-invoker"
_BROKEN = 70
# Verbs that are no modules; they are answered whatever version asks.
ABOUT, END = "version", "end"


def main(path: str, about: Dict[str, Any]) -> None:
    """Do what is asked for, or exit; ``about`` is what is known of the file at ``path``."""
    try:
        surroundings.refuse_arguments(sys.argv[1:])
        surroundings.refuse_strangers(path, os.geteuid())
        surroundings.clear("")
        asked = parse(receive(0))
        surroundings.clear(asked.mark)
        answer(asked, about, read_limits())
    except Refused as refused:
        sys.stderr.write(f"{_NAME}: {refused}\n")
        sys.exit(refused.status)


def run(asked: Asked, limits: Limits) -> None:
    """Run a module in this process; it prints its answer and exits."""
    # Imported where it is needed: what is refused before costs no more than reading it.
    import ansible.module_utils.basic as basic

    from .guard import guarded

    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments(asked)}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    basic.AnsibleModule = guarded(asked.verb, limits)  # type: ignore[misc]
    module = importlib.import_module(f"...modules.{asked.verb}", __package__)
    try:
        module.main()
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence
        _say({"failed": True, "msg": f"{type(error).__name__}: {error}"})
        sys.exit(_BROKEN)


def arguments(asked: Asked) -> Dict[str, Any]:
    """Return the parameters with what Ansible gives each module besides."""
    return {
        **asked.parameters,
        "_ansible_check_mode": asked.check,
        "_ansible_diff": asked.diff,
        "_ansible_module_name": f"ceph_orch.ansible.{asked.verb}",
        "_ansible_no_log": False,
        "_ansible_debug": False,
        "_ansible_verbosity": 0,
        "_ansible_keep_remote_files": False,
        "_ansible_remote_tmp": "/root/.ansible/tmp",
        "_ansible_syslog_facility": "LOG_USER",
    }


def answer(
    asked: Asked, about: Dict[str, Any], limits: Limits, run: Callable[[Asked, Limits], None] = run
) -> None:
    """Run what is asked for, a module by ``run``; raises ``Refused``."""
    if asked.verb == END:
        if not asked.mark:
            raise Refused("Invalid mark '': it is empty.")
        _say({"ended": running.end(asked.mark)})
        return
    if asked.verb == ABOUT and not asked.version:
        _say({**about, "python": platform.python_version(), "verbs": sorted(VERBS)})
        return
    if asked.version != about["version"]:
        raise Refused(
            f"The invoker of this host has the version {about['version']}, what asks it "
            f"{asked.version or 'none'}. As root, run the playbook install_invoker.yml for this "
            "host.",
            OTHER_VERSION,
        )
    if asked.verb == ABOUT:
        return
    if asked.verb not in VERBS:
        raise Refused(f"There is no verb {asked.verb}. There are {', '.join(sorted(VERBS))}.")
    with running.noted(asked.mark):
        run(asked, limits)


def _say(answer: Dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
