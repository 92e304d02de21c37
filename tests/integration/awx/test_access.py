"""How ``orch-ansible awx`` reaches AWX: logins, certificates, permissions, and what AWX refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.awx import fixtures
from tests.awx.access import User
from tests.awx.fixtures import Site

TOKEN = "admin-token"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An AWX with TLS."""
    yield from fixtures.site(tmp_path)


def test_a_password_does_as_well_and_no_secret_is_told(site: Site) -> None:
    (site.top / "password").write_text("admin-password")
    (site.top / "password").chmod(0o600)
    site.write(token_file=None, user="admin", password_file="password")
    said = site.ok("apply")
    site.write(user="admin", password_file="awx.token")
    done = site.run("verify")
    assert done.exit_code == 1
    assert "AWX does not accept the login" in done.output
    for text in (said, done.output, str(site.server.log)):
        assert "admin-password" not in text
        assert TOKEN not in text


@pytest.mark.parametrize(
    ("mode", "text", "reason"),
    [
        (0o640, TOKEN, "others may read or write it"),
        (0o604, TOKEN, "others may read or write it"),
        (0o600, "", "not one line of plain text"),
        (0o600, "a\nb", "not one line of plain text"),
        (0o600, "t\u00f6ken", "not one line of plain text"),
        (0o600, "x" * 9000, "not one line of plain text"),
    ],
)
def test_a_file_that_holds_no_login_is_refused(
    site: Site, mode: int, text: str, reason: str
) -> None:
    path = site.top / "awx.token"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    done = site.run("plan")
    assert done.exit_code == 2
    assert reason in done.output
    assert TOKEN not in done.output
    assert site.server.log == []


def test_a_login_that_is_no_file(site: Site) -> None:
    (site.top / "awx.token").unlink()
    assert "cannot be read: No such file" in site.run("plan").output
    (site.top / "awx.token").mkdir()
    assert site.run("plan").exit_code == 2


def test_the_certificate_is_verified(site: Site) -> None:
    site.write(ca_file=None)
    done = site.run("plan")
    assert done.exit_code == 1
    assert "cannot be verified" in done.output
    other, _ = fixtures.certificate(site.top, "other")
    site.write(ca_file=other.name)
    assert "cannot be verified" in site.run("plan").output
    site.write(ca_file="not-there.pem")
    assert "Invalid ca_file" in site.run("plan").output
    assert site.server.log == [], "no login has gone anywhere"


def test_a_pinned_certificate_counts_alone(site: Site) -> None:
    pin = fixtures.fingerprint(site.top / "awx.pem")
    site.write(ca_file=None, certificate_sha256=":".join(pin[i : i + 2] for i in range(0, 64, 2)))
    site.ok("plan")
    seen = len(site.server.log)
    site.write(certificate_sha256="0" * 64)
    done = site.run("plan")
    assert done.exit_code == 1
    assert f"its SHA-256 is {pin}" in done.output
    assert len(site.server.log) == seen, "no login has gone to a server that is not known"


def test_the_host_of_the_certificate_is_that_of_the_url(site: Site) -> None:
    site.write(url=site.server.url.replace("127.0.0.1", "localhost"))
    done = site.run("plan")
    assert "cannot be verified" in done.output
    assert site.server.log == []


@pytest.mark.parametrize(
    "url",
    ["http://awx.example.org", "https://user:secret@awx.example.org", "https://awx/api", "awx"],
)
def test_an_address_that_is_none_is_refused(site: Site, url: str) -> None:
    site.write(url=url)
    done = site.run("plan")
    assert done.exit_code == 2
    assert "Invalid url" in done.output


def test_another_base_path(tmp_path: Path) -> None:
    for found in fixtures.site(tmp_path, base="/api/controller/v2/"):
        done = found.run("plan")
        assert done.exit_code == 1
        assert "There is no AWX at" in done.output
        found.write(base_path="/api/controller/v2")
        found.ok("apply")
        assert found.ok("verify") == "AWX has all of it.\n"


def test_a_login_that_may_only_read_may_look(site: Site) -> None:
    site.ok("apply")
    site.server.tokens["reader"] = User(site.server.admin, writes=False)
    (site.top / "awx.token").write_text("reader")
    assert site.ok("verify") == "AWX has all of it.\n"
    site.named("job_templates", "ceph-get_facts")["limit"] = "h1"
    done = site.run("apply")
    assert done.exit_code == 2
    assert "AWX does not let this user do it (PATCH /api/v2/job_templates/" in done.output


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        ((502, b"<html>Bad Gateway</html>", {}), 1, "AWX fails with 502"),
        ((200, b"<html>Welcome</html>", {"Content-Type": "text/html"}), 1, "There is no AWX at"),
        ((302, b"", {"Location": "https://elsewhere.example.org/"}), 1, "There is no AWX at"),
        ((200, b"[1, 2", {}), 1, "There is no AWX at"),
        ((500, b'{"detail": "A server error has occurred."}', {}), 1, "AWX fails with 500"),
    ],
)
def test_what_is_no_answer_of_awx(site: Site, reply: Any, status: int, reason: str) -> None:
    site.server.instead.append(reply)
    if reply[0] == 502:
        # The second request, once it is known that AWX is there.
        site.server.instead.insert(0, (200, b'{"job_templates": "/j/", "me": "/api/v2/me/"}', {}))
    done = site.run("plan")
    assert done.exit_code == status, done.output
    assert reason in done.output
    assert TOKEN not in done.output


def test_an_awx_that_is_off(site: Site) -> None:
    site.write(url="https://127.0.0.1:9")
    done = site.run("plan")
    assert done.exit_code == 1
    assert "does not answer: Connection refused" in done.output


def test_a_path_to_another_server_is_not_followed(site: Site) -> None:
    text = b'{"job_templates": "/j/", "me": "https://elsewhere.example.org/me/"}'
    site.server.instead.append((200, text, {}))
    done = site.run("plan")
    assert done.exit_code == 2
    assert "address of another server" in done.output


def test_a_project_that_cannot_be_synced_is_named(site: Site) -> None:
    site.write(project_branch="nowhere")
    done = site.run("apply")
    assert done.exit_code == 1
    assert "AWX has not synced the project ceph-project: its status is failed." in done.output
    assert "project update 1" in done.output
    site.write(project_branch=fixtures.BRANCH)
    site.ok("apply")
    assert site.ok("verify") == "AWX has all of it.\n"


def test_a_credential_that_is_named_has_to_be_there(site: Site) -> None:
    site.write(machine_credential="their-key")
    done = site.run("apply")
    assert "AWX has no credential their-key" in done.output
    assert site.server.changes() == []
    store = site.server.store
    theirs = {"name": "their-key", "credential_type": 1, "description": "theirs"}
    credential = store.add("credentials", theirs)
    site.ok("apply")
    assert not [
        each for each in store.objects["credentials"].values() if each["name"] == "ceph-ssh"
    ]
    template = site.named("job_templates", "ceph-get_facts")["id"]
    assert store.credentials[template] == [credential["id"]]
    site.ok("remove")
    assert credential["id"] in store.objects["credentials"]
    assert credential["description"] == "theirs"


def test_jobs_that_run_keep_their_template(site: Site) -> None:
    site.ok("apply")
    template = site.named("job_templates", "ceph-get_facts")
    template["_jobs"] = [71]
    done = site.run("remove")
    assert done.exit_code == 2
    assert "Resource is being used by running jobs" in done.output
    template["_jobs"] = []
    site.ok("remove")
    assert site.server.store.objects["job_templates"] == {}


def test_a_run_that_was_cut_is_finished_by_the_next(site: Site) -> None:
    """Whatever request it was cut at: what is made has its mark from the first moment."""
    for after in (1, 5, 9, 14, 40, 90):
        count = [0]

        def cut(reply: Any, count: list[int] = count, after: int = after) -> Any:
            def answer(method: str, *rest: Any) -> Any:
                count[0] += method != "GET"
                if count[0] > after:
                    return 503, {"detail": "cut"}
                return reply(method, *rest)

            return answer

        whole = site.server.reply
        site.server.reply = cut(whole)  # type: ignore[method-assign]
        assert site.run("apply").exit_code == 1
        site.server.reply = whole  # type: ignore[method-assign]
    site.ok("apply")
    assert site.ok("verify") == "AWX has all of it.\n"
    site.ok("remove")
    assert site.server.store.objects["job_templates"] == {}
