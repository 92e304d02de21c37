"""Ask blkid what is on disks that seem empty: it knows more formats than ``signatures``.

Each disk is asked about by itself, for blkid stops at the first of several on which it finds
nothing. It gives the status of "nothing found" also, without a word, for a disk that it cannot open
or read. So where it finds nothing, the places that it looks at are read here once more.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, Sequence

from ..system.command import Answer, find_program, last_line, run
from ..system.subprocess_worker import run_apart
from .block import Block
from .signatures import read_all

_TIMEOUT = 5.0
# What blkid and this module need beyond the time that blkid gets, also where a disk hangs.
_MARGIN = 5.0
_NOTHING, _SEVERAL = 2, 8
# blkid looks for the formats that it knows in no place further from the start and the end.
_HEAD, _TAIL = 4 << 20, 2 << 20


def opinions(blocks: Sequence[Block], timeout: float = _TIMEOUT) -> Dict[str, Dict[str, str]]:
    """Return what blkid finds on each disk, by path: ``type`` and ``table``, or ``error``.

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


def _job(program: str, block: Block, timeout: float) -> Callable[[], Dict[str, str]]:
    def ask() -> Dict[str, str]:
        argv = [program, "-c", "/dev/null", "-p", "-o", "export", block.node]
        opinion = judge(run(argv, timeout))
        if "error" in opinion or any(opinion.values()):
            return opinion
        problem = _problem_of_reading(block)
        return {"error": problem} if problem else opinion

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


def _problem_of_reading(block: Block) -> str:
    """Return why the places that blkid looks at cannot be read, or an empty text."""
    size = block.size
    try:
        descriptor = os.open(block.node, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            read_all(descriptor, 0, min(_HEAD, size))
            start = max(0, size - _TAIL) // 4096 * 4096
            read_all(descriptor, start, size - start)
        finally:
            os.close(descriptor)
    except OSError as error:
        return error.strerror or str(error)
    return ""
