"""The packages of a report, made safe: hosts are not trusted.

As in ``report_rows``: a field of a wrong kind is left out or emptied, text is bounded and
printable.
"""

from __future__ import annotations

from typing import Any, Dict

from adapter.cluster.report_rows import number, text, texts

_MOST_PACKAGES = 200
_LONGEST = 200
_PROBLEM = 500


def packages_part(value: Any, lists: Any = None) -> Dict[str, Any]:
    """Return what a host said of Ceph's packages; anything that is no mapping is empty.

    ``lists`` says how it went to read the repositories' lists anew, where a job did so. What that
    could not read is kept with the packages as ``unread``.
    """
    found = value if isinstance(value, dict) else {}
    read = lists if isinstance(lists, dict) else found
    offered = found.get("offered")
    rows = list(offered.items())[:_MOST_PACKAGES] if isinstance(offered, dict) else []
    return {
        "installed": _pairs(found.get("installed")),
        "offered": {text(name, _LONGEST): texts(each) for name, each in rows},
        "held": texts(found.get("held")),
        "unfinished": _pairs(found.get("unfinished")),
        "lists_read": number(found.get("lists_read")),
        "problem": text(found.get("problem"), _PROBLEM),
        "unread": text(read.get("unread"), _PROBLEM),
    }


def _pairs(value: Any) -> Dict[str, str]:
    rows = list(value.items())[:_MOST_PACKAGES] if isinstance(value, dict) else []
    return {text(name, _LONGEST): text(each, _LONGEST) for name, each in rows if text(each)}
