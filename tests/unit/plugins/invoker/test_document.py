"""A document is read whole or refused, in a time that its size bounds."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from plugins.module_utils.invoker.document import (
    MOST_BYTES,
    MOST_DEPTH,
    Asked,
    Refused,
    parse,
    receive,
)

GOOD = {"version": "1.2.3", "verb": "host_report", "mark": "0123456789abcdef", "check": True}


def test_what_a_document_says() -> None:
    asked = parse(json.dumps({**GOOD, "parameters": {"gather": ["facts"]}}).encode())

    assert asked == Asked(
        "host_report", "1.2.3", True, False, "0123456789abcdef", {"gather": ["facts"]}
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"verb": "a", "verb": "b"}', "twice"),
        ('{"verb": 3}', "not of the type str"),
        ('{"check": 1}', "not of the type bool"),
        ('{"parameters": []}', "not of the type dict"),
        ('{"verb": "Up"}', "Invalid verb"),
        ('{"verb": "a", "mark": "zz"}', "Invalid mark"),
        ('{"verb": "a", "version": "a b"}', "Invalid version"),
        ('{"verb": "a", "user": "root"}', "nothing is known by"),
        ('{"verb": "a", "parameters": {"x": {"_ansible_tmpdir": 1}}}', "Ansible's own"),
        ('{"verb": "a", "parameters": {"x": ["a\\u0000"]}}', "NUL"),
        ('{"verb": "a", "parameters": {"x": "\\ud800"}}', "half a character"),
        ('{"verb": "a", "parameters": {"x": NaN}}', "number NaN"),
        ('{"verb": "a", "parameters": {"x": 1e999}}', "too large"),
        ('{"verb": "a", "parameters": {"x": %s}}' % ("1" * 21), "digits"),
        ("[" * (MOST_DEPTH + 1), "nested"),
        ("[" * 500_000, "nested"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        parse(text.encode())


def test_brackets_in_texts_are_not_nested() -> None:
    text = json.dumps({**GOOD, "parameters": {"x": "[" * 100 + '"{\\' * 100}})

    assert parse(text.encode()).verb == "host_report"


@pytest.mark.parametrize("text", ['"' + '\\"' * 400_000, '{"a' * 300_000, '"' * 900_000])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Refused):
        parse(text.encode())

    assert time.process_time() - began < 5


def test_more_than_the_most_is_not_read() -> None:
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as stream:
            try:
                stream.write(b" " * (2 * MOST_BYTES))
            except BrokenPipeError:
                return

    thread = threading.Thread(target=write)
    thread.start()
    with pytest.raises(Refused, match="larger than"):
        receive(reader)
    os.close(reader)
    thread.join()


def test_who_never_ends_is_not_waited_for() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"{")
    with pytest.raises(Refused, match=r"did not end within 0\.2 s"):
        receive(reader, 0.2)
    os.close(writer)
    os.close(reader)


def test_what_is_sent_is_returned() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"{}")
    os.close(writer)
    assert receive(reader) == b"{}"
    os.close(reader)
