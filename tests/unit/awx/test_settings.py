"""``awx.yml``: what is refused, with the setting and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapter.awx.settings import AwxSettings, load, read
from adapter.errors import AdapterError, NotReady

PATH = Path("/somewhere/awx.yml")
GOOD = {
    "url": "https://awx.example.org/",
    "token_file": "awx.token",
    "organization": "Storage",
    "project_url": "https://git.example.org/x.git",
}


def test_files_are_beside_it_and_the_rest_has_defaults() -> None:
    settings = read({**GOOD, "ca_file": "/etc/ssl/ca.pem"}, PATH)

    assert settings == AwxSettings(
        url="https://awx.example.org",
        organization="Storage",
        project_url="https://git.example.org/x.git",
        token_file="/somewhere/awx.token",
        ca_file="/etc/ssl/ca.pem",
    )
    assert settings.secret_file == "/somewhere/awx.token"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"urll": "x"}, "Is it 'url'?"),
        ({7: "x"}, "there is no such setting"),
        ({"url": None}, "it is not a text"),
        ({"url": ""}, "has no url"),
        ({"organization": ""}, "has no organization"),
        ({"project_url": ""}, "has no project_url"),
        ({"token_file": ""}, "names no login"),
        ({"user": "admin"}, "there is a user, too"),
        ({"user": "admin", "token_file": ""}, "names no login"),
        ({"name": "-x"}, "Invalid name '-x'"),
        ({"name": "a b"}, "Invalid name 'a b'"),
        ({"name": "x" * 80}, "Invalid name"),
        ({"name": "a++b"}, "Invalid name"),
        ({"name": "{{ x }}"}, "Invalid name"),
        ({"base_path": "api"}, "Invalid base_path"),
        ({"base_path": "/api/../x?y"}, "Invalid base_path"),
        ({"hosts": "cloud"}, "Allowed: monitors, awx."),
        ({"image_pull": "sometimes"}, "always, missing or never"),
        ({"fsid": "1"}, "it is no fsid"),
        ({"certificate_sha256": "ab"}, "it is no SHA-256"),
        ({"certificate_sha256": "a" * 64, "ca_file": "x"}, "certificate_sha256 counts alone"),
        ({"become": "yes"}, "neither true nor false"),
        ({"image": ["x"]}, "it is not a text"),
        ({"image": "a\x1b[2J"}, "a character that cannot be printed"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[Any, Any], reason: str) -> None:
    with pytest.raises(AdapterError) as refused:
        read({**GOOD, **change}, PATH)

    assert reason in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        (None, NotReady, "There is no"),
        ("- a", AdapterError, "does not hold a mapping"),
        ("", AdapterError, "does not hold a mapping"),
        ("a: [", AdapterError, "is not YAML"),
        ("a: !!python/object/apply:os.system [id]", AdapterError, "is not YAML"),
        (b"\xff\xfe\x00", AdapterError, "is not YAML"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: Any, error: Any, reason: str) -> None:
    path = tmp_path / "awx.yml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(error, match=reason):
        load(path)
