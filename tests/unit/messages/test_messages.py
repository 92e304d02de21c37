"""The list of what operators may read is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import messages


def test_the_list_is_not_old() -> None:
    assert not messages.is_old(), f"messages.txt is old: run {messages.WRITTEN_BY}"


def test_an_old_list_is_seen_and_the_remedy_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "messages.txt"
    path.write_text("What was said before.\n", encoding="utf-8")

    assert messages.main(["--check"], path) == 1
    assert capsys.readouterr().err == "messages.txt is old: run make docs-tables\n"
    assert messages.main([], path) == 0
    assert messages.main(["--check"], path) == 0
    assert path.read_text("utf-8") == messages.LIST.read_text("utf-8")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "InvalidValue('port', port, 'it is taken', remedy=REMEDY)",
            "Invalid port '{port}': it is taken. Give another.",
        ),
        (
            "UnknownName('host', name, f'See {command}.')",
            "There is no host '{name}'. See {command}.",
        ),
        ("NotReady(f'{name} is not up' + why)", "{name} is not up{why}"),
        ("Refused('it is ' + ('up' if up else 'down'))", "it is [up | down]"),
        ("f'on {len(hosts)} hosts{more if many else str()}'", "on {hosts} hosts{more}"),
        ("log.warning('%s does not answer: %s', host, error)", "%s does not answer: %s"),
        ("fail_json(msg=f'{error.filename} cannot be read.')", "{filename} cannot be read."),
    ],
)
def test_a_sentence_stands_there_as_it_is_read(code: str, said: str) -> None:
    assert messages.messages_of(f"REMEDY = 'Give another.'\n{code}\n") - {"Give another."} == {said}


@pytest.mark.parametrize(
    "code",
    [
        "'A module about something.'",
        "option(help='How long it takes.')",
        "maps.ask('osd safe-to-destroy')",
        "log.debug('this took very long')",
        "text.startswith('no such file')",
        "DOCUMENTATION = 'how to use it'",
        "caps = {'mon': 'allow profile osd'}",
        "re.compile('not found here')",
    ],
)
def test_what_is_no_message_is_left_out(code: str) -> None:
    assert messages.messages_of(code) == set()
