"""Ask blkid what is on disks that seem empty: it knows more formats than ``signatures``.

Each disk is asked about by itself, for blkid stops at the first of several on which it finds
nothing. It gives the status of "nothing found" also, without a word, for a disk that it cannot open
or read. So where it finds nothing, the places that it looks at are read here once more.

What nobody knows is not nothing: an encrypted volume without a header and what is left of a disk
whose partition table is lost have no signature. A disk is blank when its beginning reads as zeroes.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Sequence

from ..system.command import Answer, find_program, last_line, run
from ..system.subprocess_worker import run_apart
from .block import Block
from .signatures import read_all

# So much of the beginning does ceph-volume overwrite when it wipes a disk, besides all signatures.
BEGINNING = 10 << 20

_TIMEOUT = 5.0
# What blkid and this module need beyond the time that blkid gets, also where a disk hangs.
_MARGIN = 5.0
_NOTHING, _SEVERAL = 2, 8
# blkid looks for the formats that it knows in no place further from the start (4 MiB) and the end.
_TAIL, _CHUNK = 2 << 20, 1 << 20


def opinions(blocks: Sequence[Block], timeout: float = _TIMEOUT) -> Dict[str, Dict[str, Any]]:
    """Return what blkid finds on each disk, by path: ``type`` and ``table``, or ``error``.

    ``unknown`` tells that there is something else than zeroes where it finds nothing.
    All are asked at the same time, so one that hangs does not hold up the others.
    """
    if not blocks:
        return {}
    program = find_program("blkid")
    if not program:
        missing = {"error": "blkid is not installed", "remedy": "Install util-linux on the host"}
        return {block.path: dict(missing) for block in blocks}
    jobs = {block.path: _job(program, block, timeout) for block in blocks}
    answers = run_apart(jobs, timeout + _MARGIN)
    return {path: answers.get(path) or {"error": "blkid did not answer"} for path in jobs}


def _job(program: str, block: Block, timeout: float) -> Callable[[], Dict[str, Any]]:
    def ask() -> Dict[str, Any]:
        argv = [program, "-c", "/dev/null", "-p", "-o", "export", block.node]
        opinion = judge(run(argv, timeout))
        if "error" in opinion or any(opinion.values()):
            return opinion
        try:
            return {**opinion, "unknown": not _is_blank(block)}
        except OSError as error:
            return {"error": error.strerror or str(error)}

    return ask


def judge(answer: Answer) -> Dict[str, str]:
    """Return what an answer about one disk means; whatever is unclear is an ``error``."""
    said = last_line(answer.err)
    if answer.status == _NOTHING and not said and not answer.out.strip():
        return {"type": "", "table": ""}
    if answer.status == _SEVERAL:
        return {"error": "blkid finds several things on it"}
    if answer.status != 0:
        return {"error": ": ".join(filter(None, [answer.problem or "blkid failed", said]))}
    found = parse_blkid(answer.out)
    if len(found) != 1:
        return {"error": "blkid gave no usable answer"}
    (properties,) = found.values()
    return {"type": properties.get("TYPE", ""), "table": properties.get("PTTYPE", "")}


def parse_blkid(text: str) -> Dict[str, Dict[str, str]]:
    """Read the output of ``blkid -o export``: a paragraph of KEY=value lines for each device."""
    devices = {}
    for paragraph in text.split("\n\n"):
        pairs = [line.partition("=") for line in paragraph.splitlines()]
        properties = {key: value for key, separator, value in pairs if separator}
        if "DEVNAME" in properties:
            devices[properties.pop("DEVNAME")] = properties
    return devices


def _is_blank(block: Block) -> bool:
    """Tell whether a disk begins with zeroes; raise OSError where blkid could not read it."""
    size, blank = block.size, True
    descriptor = os.open(block.node, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        for place in range(0, min(BEGINNING, size), _CHUNK):
            data = read_all(descriptor, place, min(_CHUNK, size - place))
            blank = blank and not data.strip(b"\0")
        start = max(0, size - _TAIL) // 4096 * 4096
        read_all(descriptor, start, size - start)
    finally:
        os.close(descriptor)
    return blank
