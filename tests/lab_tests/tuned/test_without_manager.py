"""``orch-ansible tuned-profile`` while no manager has the backend."""

from __future__ import annotations

import json

from tests.lab_tests.lab_client import Answer
from tests.lab_tests.tuned.tuned_lab import CONNECTIONS, FORWARD, Tuned
from tests.lab_tests.without_manager import command, manager_off, ok


def test_every_verb(tuned: Tuned) -> None:
    lab, before = tuned.lab, tuned.values("h2")

    def profile(*words: str, stdin: str = "") -> Answer:
        return command(lab, "tuned-profile", *words, stdin=stdin)

    with manager_off(lab):
        words = ("apply", "net", "--settings", f"{CONNECTIONS}=1234", "--placement", "h2")
        shown = ok(profile(*words, "--check"))
        assert f"+{CONNECTIONS} = 1234" in shown
        assert tuned.values("h2") == before
        assert ok(profile("ls")).strip() == ""
        ok(profile(*words))
        assert tuned.value("h2", CONNECTIONS) == "1234"
        assert tuned.files("h2") == ["net"]
        assert "would change" not in ok(profile(*words, "--check"))
        (row,) = json.loads(ok(profile("ls", "-f", "json")))
        assert row["settings"] == {CONNECTIONS: "1234"}

        refused = profile("add-setting", "net", FORWARD, "junk")
        assert refused.rc == 1
        assert "h2: " in refused.err
        assert f"{FORWARD} = junk" in refused.err
        ok(profile("rm-setting", "net", FORWARD))
        ok(profile("add-setting", "net", CONNECTIONS, "2345"))
        assert tuned.value("h2", CONNECTIONS) == "2345"
        unknown = profile("add-setting", "net", "net.core.no_such", "1")
        assert unknown.rc == 2
        assert "no net.core.no_such on h2" in unknown.err
        ok(profile("rm", "net"))
        assert tuned.values("h2") == before
        assert tuned.files("h2") == []
