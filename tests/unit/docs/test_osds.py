"""``docs/osds.md``: what needs the manager, and when a refusal is tried again."""

from __future__ import annotations

import inspect

from adapter.cluster import backoff
from adapter.reconcile import osd_creation
from tests.tools.docs_tables import verbs
from tests.tools.documents import flat, headings, section, texts

OSDS = texts()["docs/osds.md"]
WORDS = {10.0: "10 seconds", 600.0: "ten minutes"}


def test_what_works_without_a_manager_is_named() -> None:
    intro = flat(OSDS.partition("## ")[0])
    methods = {word.strip(",") for heading in headings(OSDS) for word in heading.split()}
    known = {
        command.partition(" [")[0].removesuffix(" --check")
        for name, verb in verbs().items()
        if name in methods
        for command in verb["command"]
    }
    said = {
        *("apply -i FILE", "ls", "rm", "daemon start|stop|restart", "daemon add osd HOST:DEVICE"),
        *("device zap HOST PATH --force", "device replace HOST DEVICE"),
        *("osd rm ID", "osd rm continue", "osd rm status", "osd rm stop ID"),
    }

    assert {each.removesuffix(" NAME").removesuffix(" SERVICE") for each in known} == said
    assert all(f"`orch-ansible {each}`" in intro for each in said)
    assert intro.count("`orch-ansible ") == len(said)


def test_a_refusal_is_tried_again_as_the_code_says() -> None:
    assert "Backoff" in inspect.getsource(osd_creation)
    first, last = WORDS[backoff.RETRY_FIRST], WORDS[backoff.RETRY_LAST]
    said = f"is tried again later, after {first} at first and {last} at most"

    assert said in flat(section(OSDS, "apply_drivegroups"))
