"""Give the invoker inputs, each in a process of its own, and see what each of them did.

A program: it reads lines of base64, and prints a JSON list for each: the exit status, what was
printed, and what Python's audit events say was run, written, changed or killed.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Tuple

ROOT = Path(__file__).resolve().parents[4]
WATCHED = (
    "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.chown",
    "os.truncate", "os.symlink", "os.link", "os.utime", "os.setxattr", "shutil.", "socket.",
    "subprocess.Popen", "signal.pthread_kill", "ctypes.dlopen",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """What Python's audit events say, while it is on."""

    def __init__(self) -> None:
        self.seen: List[str] = []
        self.on = False
        sys.addaudithook(self._note)

    def _note(self, event: str, what: Tuple[Any, ...]) -> None:
        if not self.on:
            return
        writes = event == "open" and isinstance(what[2], int) and what[2] & WRITES
        if writes or event.startswith(WATCHED):
            self.seen.append(f"{event} {what!r:.200}")


def outcome(data: bytes, version: str, watch: Watch) -> Tuple[int, str, List[str]]:
    """Return what came of one input: a module runs in a process of its own."""
    from plugins.module_utils.invoker import entry, limits
    from plugins.module_utils.invoker.document import Refused, parse, receive

    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as told:
        given.write(data)
        given.flush()
        given.seek(0)
        watch.seen, watch.on = [], True
        try:
            asked = parse(receive(given.fileno()))
            run = functools.partial(_apart, watch, told.fileno())
            entry.answer(asked, {"version": version}, limits.Limits(), run)
        except Refused as refused:
            return refused.status, str(refused), watch.seen
        except Apart as ended:
            told.seek(0)
            said, _, seen = told.read().decode("utf-8", "replace").partition("\0")
            return ended.status, said, json.loads(seen or '["it left no list"]')
        except BaseException as error:  # noqa: BLE001 - what must not be is told
            return 99, f"{type(error).__name__}: {error}", watch.seen
        finally:
            watch.on = False
    return 98, "it ended without a word", watch.seen


class Apart(Exception):
    """Say how the process of a module ended."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _apart(watch: Watch, told: int, asked: Any, limits: Any) -> None:
    from plugins.module_utils.invoker import entry
    from plugins.module_utils.invoker.document import Refused

    watch.on = False
    child = os.fork()
    if child:
        raise Apart(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    for number in (1, 2):
        os.dup2(told, number)
    status = 99
    watch.on = True
    try:
        entry.run(asked, limits)
    except Refused as refused:
        print(refused)
        status = refused.status
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:  # noqa: BLE001 - what must not be is told
        print(f"{type(error).__name__}: {error}")
    finally:
        watch.on = False
        print("\0" + json.dumps(watch.seen), flush=True)
        os._exit(status)


def main(version: str) -> None:
    """Serve all lines."""
    sys.path.insert(0, str(ROOT))
    # Each process then has what costs time already.
    __import__("ansible.module_utils.basic")
    utils = ROOT / "plugins" / "module_utils"
    for path in sorted(utils.rglob("*.py")):
        if path.stem not in ("__init__", "activation"):
            name = ".".join(path.relative_to(utils).with_suffix("").parts)
            __import__(f"plugins.module_utils.{name}")
    watch = Watch()
    for line in sys.stdin:
        row = zip(("status", "said", "seen"), outcome(base64.b64decode(line), version, watch))
        print(json.dumps(dict(row)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
