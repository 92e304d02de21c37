"""Who could have written the invoker, and what is left of what its caller has chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.module_utils.invoker.document import Refused
from plugins.module_utils.invoker.surroundings import (
    refuse_arguments,
    refuse_strangers,
    who_may_write,
)

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = """
import json, os, resource, signal, sys
sys.path.insert(0, sys.argv[1])
from plugins.module_utils.invoker.surroundings import clear
clear("0123456789abcdef")
print(json.dumps({
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "umask": os.umask(0),
    "child": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
    "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "core": resource.getrlimit(resource.RLIMIT_CORE),
}))
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")


def test_arguments_are_refused() -> None:
    refuse_arguments([])
    with pytest.raises(Refused, match="takes no arguments"):
        refuse_arguments(["--help"])


def test_only_root_may_run_it() -> None:
    with pytest.raises(Refused, match="Only root"):
        refuse_strangers("/usr/bin/env", 1000)


@as_root
def test_who_may_write_a_file(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "invoker"
    path.parent.mkdir()
    path.write_text("")
    assert who_may_write(str(path)) == ""
    path.chmod(0o722)
    assert who_may_write(str(path)) == f"{path} may be written by others than root"
    path.chmod(0o700)
    path.parent.chmod(0o775)
    assert who_may_write(str(path)) == f"{path.parent} may be written by others than root"
    path.parent.chmod(0o755)
    os.chown(path.parent, 1000, 0)
    assert who_may_write(str(path)) == f"{path.parent} does not belong to root"
    os.chown(path.parent, 0, 0)
    (tmp_path / "link").symlink_to("inner")
    assert who_may_write(str(tmp_path / "link" / "invoker")) == f"{tmp_path / 'link'} is a link"
    assert "cannot be looked at" in who_may_write(str(tmp_path / "none"))
    assert "not a whole path" in who_may_write("invoker")


def test_nothing_is_left_of_what_the_caller_has_chosen(tmp_path: Path) -> None:
    hostile = {"PATH": str(tmp_path), "LD_PRELOAD_": "x", "PYTHONSTARTUP": "x", "IFS": "x"}
    shell = 'trap "" CHLD; ulimit -c 0; umask 0; cd "$1"; exec "$2" -IS -c "$3" "$4"'
    argv = ["/bin/sh", "-c", shell, "sh", str(tmp_path), sys.executable, PROGRAM, str(ROOT)]

    done = subprocess.run(argv, env=hostile, capture_output=True, check=True)

    found = json.loads(done.stdout)
    assert found == {
        "environment": {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root",
            "LOGNAME": "root",
            "CEPH_ORCH_TASK": "0123456789abcdef",
        },
        "directory": "/",
        "umask": 0o022,
        "child": True,
        "blocked": [],
        "core": [0, 0],
    }
