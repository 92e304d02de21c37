"""The answer to ``ceph orch device zap`` claims no more than the host did."""

from __future__ import annotations

from adapter.methods._wiping import erased


def test_what_was_erased() -> None:
    assert erased("h1", "/dev/sdb", {"zapped": ["/dev/sdb"]}) == "zap successful for /dev/sdb on h1"


def test_a_disk_with_nothing_on_it_was_not_erased() -> None:
    said = "/dev/sdb on h1 was left as it is: nothing was on it"
    assert erased("h1", "/dev/sdb", {"zapped": []}) == said
