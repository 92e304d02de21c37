"""Which versions hosts are offered and could have: repositories whole, in part, failing, gone."""

from __future__ import annotations

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.test_playbooks import by_hand, published, recap
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, NOW, SECONDS, Upgrades

ALL = ("h1", "h2", "h3")
GONE = "deb [trusted=yes] file:/var/lib/no-such-repository lab main\n"


def test_a_host_is_offered_what_its_own_sources_have(upgrades: Upgrades) -> None:
    upgrades.offer(f"{NEXT},{AFTER}", "h2")
    policy = upgrades.candidates("h2")
    assert f"Candidate: {AFTER}+ds-1lab1" in policy
    assert f"{NEXT}+ds-1lab1" in policy
    assert NEXT not in upgrades.candidates("h3")


def test_versions_are_listed_with_the_hosts_that_lack_them(upgrades: Upgrades) -> None:
    upgrades.offer(NEXT, "h1", "h2")
    # What a repository got is not known before its lists are read.
    found = upgrades.check(NEXT)
    assert found["obstacles"] == [f"h3: no repository there has {NEXT}"]
    assert found["target_id"] == f"{NEXT}+ds-1lab1"
    assert sorted(found["needs_update"]) == ["mgr.h1", "mon.h1"]
    assert found["needs_update"]["mon.h1"]["current_version"] == NOW

    listed = upgrades.ls()
    assert listed["versions"] == []
    assert listed["not_on_all_hosts"] == {
        NEXT: {"h3": f"no repository there has {NEXT}"},
    }
    upgrades.offer(NEXT)
    assert upgrades.check(NEXT)["obstacles"] == []
    assert upgrades.ls()["versions"] == [NEXT]
    assert upgrades.ls("--tags")["tags"] == [f"{NEXT}+ds-1lab1"]
    assert NOW in upgrades.ls("--show-all-versions")["versions"]


def test_what_speaks_against_it_is_said_with_the_host(upgrades: Upgrades) -> None:
    lab = upgrades.lab
    upgrades.offer(NEXT, "h1")
    upgrades.offer(NEXT, "h2", "--without", "ceph-mds")
    upgrades.offer(NEXT, "h3")
    lab.sh("h1", "apt-mark hold ceph-mon >/dev/null")
    lab.sh("h3", "cat > /etc/apt/sources.list.d/gone.list", stdin=GONE)
    lines = upgrades.check(NEXT)["obstacles"]
    assert "h1: kept as they are by the administrator: ceph-mon" in lines
    assert f"h2: the repositories there have {NEXT}, but not of ceph-mds" in lines
    (unread,) = [line for line in lines if line.startswith("h3: ")]
    assert "cannot be read anew" in unread
    assert "no-such-repository" in unread
    assert len(lines) == 3


def test_no_image_and_no_unknown_version_is_a_target(upgrades: Upgrades) -> None:
    assert "packages have no images" in upgrades.refused("check", "quay.io/ceph/ceph:v20.2.5")
    assert "packages have no images" in upgrades.refused("ls", "quay.io/ceph/ceph")
    assert "nothing says to which version" in upgrades.refused("check")
    assert "no host has it" in upgrades.refused("check", "--ceph-version", "20.2.9")
    assert "no host has it" in upgrades.refused("start", "--ceph-version", "20.2.9")


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_playbooks_by_hand_change_nothing(upgrades: Upgrades, options: tuple[str, ...]) -> None:
    upgrades.offer(NEXT)
    for playbook in ("upgrade_ls", "upgrade_check"):
        answer = by_hand(upgrades.lab, (playbook,), *options)
        assert recap(answer, *ALL) == 0
        packages = {host: row["packages"] for host, row in published(answer).items()}
        assert sorted(packages) == list(ALL)
        assert packages["h2"]["problem"] == ""
        anew = playbook == "upgrade_check" and not options
        offered = packages["h2"]["offered"]["ceph-common"]
        assert (f"{NEXT}+ds-1lab1" in offered) == anew, offered


def test_packages_that_fail_are_named_as_left_halfway(upgrades: Upgrades) -> None:
    upgrades.offer(NEXT, "h3", "--broken", "ceph-mds")
    answer = upgrades.install("h3", NEXT, "ceph-mds")
    assert answer.rc != 0
    assert "made to fail" in answer.out + answer.err
    lines = upgrades.check(NEXT)["obstacles"]
    assert "h3: left halfway by the package manager: ceph-mds (half-configured)" in lines
    # The same version would be configured by the same script again.
    upgrades.offer(AFTER, "h3")
    answer = upgrades.install("h3", AFTER)
    assert answer.rc == 0, answer.out[-2000:] + answer.err
    assert f"ceph version {AFTER}" in upgrades.lab.sh("h3", "ceph --version")
    assert not [line for line in upgrades.check(AFTER)["obstacles"] if "halfway" in line]


def test_what_is_installed_and_what_runs_are_both_said(upgrades: Upgrades) -> None:
    lab = upgrades.lab
    upgrades.offer(NEXT)
    assert upgrades.install("h1", NEXT).rc == 0
    found = upgrades.check(NEXT)
    assert found["up_to_date"] == []
    assert found["needs_update"]["mon.h1"] == {
        "current_name": f"{NEXT}+ds-1lab1",
        "current_id": NEXT,
        "current_version": NOW,
    }
    states = {row["daemon_name"]: row["status_desc"] for row in lab.ceph_json("orch", "ps")}
    assert states["mon.h1"] == f"running, {NEXT} on disk"
    assert f"{NEXT} on disk" in lab.ok("orch", "ps", "h1")

    lab.sh("h1", "systemctl restart ceph-mon@h1")
    wait_until("the mon is back", lambda: lab.ceph("quorum_status").rc == 0, SECONDS)
    assert lab.ceph_json("tell", "mon.h1", "version")["version"] == NEXT

    def done() -> bool:
        return upgrades.check(NEXT)["up_to_date"] == ["mon.h1"]

    wait_until("the mon is up to date", done, SECONDS)
