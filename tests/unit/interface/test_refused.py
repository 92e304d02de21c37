"""What is refused, with a message that names the field, its value and what is allowed."""

from __future__ import annotations

import copy
import errno
from typing import Any, Callable, Dict, Tuple

import pytest

from adapter.interface import OrchestratorValidationError, SpecValidationError

Case = Tuple[str, Dict[str, Any]]


def test_refused(refused_case: Case, read: Callable[[str, Any], Any]) -> None:
    name, document = refused_case
    given = copy.deepcopy(document["json"])

    with pytest.raises((SpecValidationError, OrchestratorValidationError)) as caught:
        read(name, given)

    message = str(caught.value)
    assert [word for word in document["says"] if word not in message] == [], message
    assert "\n" not in message
    assert caught.value.errno == errno.EINVAL
    assert given == document["json"]
