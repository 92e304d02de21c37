"""Write our lines of a ceph.conf, and leave the site's as they are."""

from __future__ import annotations

import hashlib
import re
from typing import Iterable, List, Sequence, Set

from .conf import END, MARK, find_block, is_continued, settings

_COMMENT = re.compile(r"# minimal ceph\.conf for \S+")
_GENERATED = ("fsid", "mon_host")


class Renewed:
    """A configuration with our lines anew.

    ``before`` and ``after`` are what is replaced and by what; ``is_loss`` tells that something of
    somebody else is among what is replaced, or may be.
    """

    def __init__(self, text: str, before: str, after: str, is_loss: bool) -> None:
        self.text = text
        self.before = before
        self.after = after
        self.is_loss = is_loss


def renew(old: str, given: str) -> Renewed:
    """Return ``old`` with our lines made of ``given``; an empty ``old`` is no file yet."""
    after = block_of(given)
    if not old:
        return Renewed(after, "", after, False)
    lines = old.split("\n")
    block = find_block(lines)
    if block is None:
        # Somebody took the mark away since it was found: the file stays as it is.
        return Renewed(old, "", "", False)
    if block.digest:
        before = _text(lines[block.begin : block.end])
        inside = lines[block.begin + 1 : block.end - 1]
        head = _text(lines[: block.begin])
        tail = "\n".join(lines[block.end :])
        return Renewed(head + after + tail, before, after, digest_of(inside) != block.digest)
    site = lines_of_the_site(lines, after.split("\n"))
    kept = set(site)
    before = _text([line for at, line in enumerate(lines) if at not in kept and line])
    tail = "\n".join(lines[at] for at in site)
    return Renewed(after + tail, before, after, bool(site))


def block_of(given: str) -> str:
    """Return our lines with both marks; they end in the section ``global``."""
    inside = given.strip().split("\n")
    headings = [section for _, section, key, _ in settings(inside) if not key]
    if headings[-1:] != ["global"]:
        # What the site has below goes on as it began: Ceph may give sections after this one.
        inside.append("[global]")
    return _text([MARK, *inside, END.format(digest_of(inside))])


def digest_of(lines: Iterable[str]) -> str:
    """Return a text that is another one when the lines are."""
    text = "\n".join(line.rstrip() for line in lines)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def lines_of_the_site(lines: Sequence[str], generated: Sequence[str]) -> List[int]:
    """Return the numbers of the lines that the site has put into a file of an earlier version.

    That wrote the mark, a comment, and what ``ceph config generate-minimal-conf`` prints, each line
    once. A heading of ``global`` stays where lines of the site stand below it in another place than
    right after our own.
    """
    dropped = _generated(lines, generated)
    headings = {at: section for at, section, key, _ in settings(lines) if not key}
    order = sorted(headings)
    for index, at in enumerate(order):
        end = order[index + 1] if index + 1 < len(order) else len(lines)
        inner = [lines[each] for each in range(at + 1, end) if each not in dropped]
        if headings[at] == "global" and (index == 0 or not any(line.strip() for line in inner)):
            dropped.add(at)
    site = [at for at in range(len(lines)) if at not in dropped]
    while site and not lines[site[0]].strip():
        site.pop(0)
    return site if any(lines[at].strip() for at in site) else []


def _generated(lines: Sequence[str], generated: Sequence[str]) -> Set[int]:
    dropped = {at for at, line in enumerate(lines) if line.strip() == MARK}
    comments = {line.strip() for line in generated if line.lstrip().startswith("#")}
    for at, line in enumerate(lines):
        if line.strip() in comments or _COMMENT.fullmatch(line.strip()):
            dropped.add(at)
    new = {(section, key): value for _, section, key, value in settings(generated) if key}
    seen = set()
    for at, section, key, value in settings(lines):
        name = (section, key)
        same = new.get(name) == value or (section == "global" and key in _GENERATED)
        if key and name in new and same and name not in seen:
            seen.add(name)
            dropped.add(at)
            while is_continued(lines[at]) and at + 1 < len(lines):
                at += 1
                dropped.add(at)
    return dropped


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
