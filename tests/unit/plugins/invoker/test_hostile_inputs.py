"""Whatever the invoker is given that is not allowed, it refuses, and runs and writes nothing."""

from __future__ import annotations

import base64
import collections
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest

from tests.unit.plugins.invoker.hostile import GOOD, VERSION, bad_values, document, inputs

SANDBOX = Path(__file__).with_name("sandbox.py")
COUNT = 2000
# Refused by the invoker, or by the module's own argument specification.
REFUSED, OTHER_VERSION, BY_SPEC = 64, 65, 1


def outcomes(given: Sequence[bytes]) -> List[Dict[str, Any]]:
    lines = b"".join(base64.b64encode(data) + b"\n" for data in given)
    argv = [sys.executable, str(SANDBOX), VERSION]
    done = subprocess.run(argv, input=lines, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(given)
    return found


def is_refused(row: Dict[str, Any]) -> bool:
    if row["status"] == BY_SPEC:
        said = json.loads(row["said"])
        return said["failed"] is True and "module: _ansible" not in said["msg"]
    return row["status"] in (REFUSED, OTHER_VERSION) and row["said"].strip().endswith(".")


def test_two_thousand_inputs_run_nothing() -> None:
    """Seen to fail where a document of any size is read."""
    given = list(inputs(COUNT))

    rows = outcomes(given)

    assert [(data[:300], row) for data, row in zip(given, rows) if not is_refused(row)] == []
    assert [(data[:300], row) for data, row in zip(given, rows) if row["seen"]] == []
    statuses = collections.Counter(row["status"] for row in rows)
    assert set(statuses) == {REFUSED, OTHER_VERSION, BY_SPEC}


def test_each_value_that_is_not_allowed_is_refused() -> None:
    """Seen to fail without one of the rules of a verb."""
    given = list(bad_values())

    rows = outcomes([json.dumps(each).encode() for each in given])

    wrong = [(each, row) for each, row in zip(given, rows) if not is_refused(row) or row["seen"]]
    assert wrong == []


@pytest.mark.parametrize("verb", sorted(GOOD))
def test_what_is_allowed_reaches_the_module(verb: str) -> None:
    """The values beside which others are refused above are not themselves refused."""
    (row,) = outcomes([json.dumps(document(verb, GOOD[verb])).encode()])

    assert row["status"] in (0, 1), row
    said = json.loads(row["said"])
    assert "Unsupported parameters" not in said.get("msg", "")
    assert "argument" not in said.get("msg", ""), said
