"""Give the invoker inputs, each in a process of its own, and see what each of them did.

A program: it reads lines of base64, and prints a JSON list for each: the exit status, what was
printed, and what Python's audit events say was run, written, changed or killed.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Tuple

ROOT = Path(__file__).resolve().parents[4]
PACKAGE = "ansible_collections.ceph_orch.ansible.plugins.module_utils.invoker"
WATCHED = (
    "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown",
    "os.truncate", "os.symlink", "os.link", "os.utime", "os.setxattr", "shutil.", "socket.",
    "subprocess.Popen", "signal.pthread_kill", "ctypes.dlopen",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def outcome(data: bytes, version: str) -> Tuple[int, str, List[str]]:
    """Return what came of one input."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as seen:
        child = os.fork()
        if child == 0:
            _serve(data, version, said.fileno(), seen.fileno())
        _, status = os.waitpid(child, 0)
        said.seek(0)
        seen.seek(0)
        text = said.read().decode("utf-8", "replace")
        return os.waitstatus_to_exitcode(status), text, seen.read().decode().splitlines()


def _serve(data: bytes, version: str, said: int, seen: int) -> None:
    from ansible_collections.ceph_orch.ansible.plugins.module_utils.invoker import entry, limits
    from ansible_collections.ceph_orch.ansible.plugins.module_utils.invoker.document import (
        Refused,
        parse,
        receive,
    )

    for number in (1, 2):
        os.dup2(said, number)
    status = 0
    with tempfile.TemporaryFile() as stream:
        stream.write(data)
        given = os.dup(stream.fileno())
    os.lseek(given, 0, os.SEEK_SET)

    def note(event: str, what: Tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(what[2], int) and what[2] & WRITES
        if writes or event.startswith(WATCHED):
            os.write(seen, f"{event} {what!r:.200}\n".encode())

    sys.addaudithook(note)
    try:
        entry.answer(parse(receive(given)), {"version": version}, limits.Limits())
    except Refused as refused:
        print(refused)
        status = refused.status
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001 - what must not be is told
        print(f"{type(error).__name__}: {error}")
        status = 99
    sys.stdout.flush()
    os._exit(status)


def main(version: str) -> None:
    """Serve all lines."""
    sys.path.insert(0, str(ROOT / "collections"))
    # Each process then has what costs time already.
    __import__("ansible.module_utils.basic")
    utils = ROOT / "plugins" / "module_utils"
    for path in sorted(utils.rglob("*.py")):
        if path.stem not in ("__init__", "activation"):
            name = ".".join(path.relative_to(utils).with_suffix("").parts)
            __import__(f"{PACKAGE.rpartition('.')[0]}.{name}")
    for line in sys.stdin:
        row = zip(("status", "said", "seen"), outcome(base64.b64decode(line), version))
        print(json.dumps(dict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
