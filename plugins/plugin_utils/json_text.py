# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""Read JSON in which nothing is said twice."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple


class NotJson(Exception):
    """Say why a text cannot be read."""


def parsed(text: str) -> Any:
    """Return what a text holds. Raises ``NotJson``."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"{twice!r} is there twice")
    return found
