"""Every verb, as another user than root who has sudo, while all hosts are searched for secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import yaml

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.secret_places import Found, Watch, on_disks
from tests.lab_tests.services.every_verb import (
    OPERATIONS,
    actions,
    all_services,
    devices,
    hosts,
    profiles,
)
from tests.lab_tests.services.key_places import MONITORS, REMOVED, SSH_KEY, homes, keys, strays
from tests.lab_tests.services.service_lab import Services

Record = Callable[[str, object], None]
# ceph-volume gives it a new OSD's key so, and we have no part in it.
CEPHS_OWN = "/usr/bin/ceph-authtool /var/lib/ceph/osd/ceph-"
PASSWORD = "lab-hush-7f3a9c15e2"
# Where a password may stand in a spec that a user gives; none of them is deployed.
WITH_A_PASSWORD = [
    {"service_type": "host", "hostname": "h9", "addr": "h9", "oob": {"password": PASSWORD}},
    {
        "service_type": "iscsi",
        "service_id": "x",
        "spec": {"pool": "p", "api_user": "me", "api_password": PASSWORD},
    },
    {
        "service_type": "rgw",
        "service_id": "x",
        "spec": {"ssl": True, "rgw_frontend_ssl_certificate": PASSWORD},
    },
    {"service_type": "rgw", "service_id": "x", "spec": {"rgw_realm_token": PASSWORD}},
]
# What an operator is shown.
SAID = (
    ("ansible", "job", "ls", "--all", "-f", "json"),
    ("config", "dump"),
    ("orch", "ls", "--export"),
    ("orch", "ps", "-f", "json"),
    ("health", "detail"),
    ("log", "last", "1000"),
    ("crash", "ls"),
)


@dataclass(frozen=True)
class Pass:
    """What was seen while every verb was tried, and afterwards."""

    statuses: dict[str, set[str]]
    secrets: dict[str, str]
    strays: list[Found]
    shown: list[str]
    said: str
    stored: dict[str, str]


@pytest.fixture(scope="module")
def tried(as_user: Services) -> Pass:
    """Try every verb once; the hosts' disks have no key in a wrong place to begin with."""
    lab = as_user.lab
    needed = homes(as_user)
    assert strays(on_disks(lab, lab.hosts(), keys(lab)), needed) == []
    known = {job["id"] for job in lab.jobs()}
    with Watch(lab, PASSWORD) as watch:
        hosts(lab)
        profiles(lab)
        devices(lab)
        with all_services(as_user):
            actions(as_user)
            give_passwords(lab)
            secrets, needed = {**keys(lab), "a password": PASSWORD}, homes(as_user)
            found = strays(on_disks(lab, lab.hosts(), secrets), needed)
            said = "".join(lab.ok(*words) for words in SAID)
        shown = [text for seen in watch.seen().values() for text in seen.values()]
    statuses: dict[str, set[str]] = {}
    for job in lab.jobs():
        if job["id"] not in known:
            statuses.setdefault(job["operation"], set()).add(job["status"])
    stored = {name: str(text) for name, text in lab.ceph_json("config-key", "dump").items()}
    return Pass(statuses, secrets, found, shown, said, stored)


def give_passwords(lab: Lab) -> None:
    """Give specs with passwords; what refuses them repeats none."""
    for spec in WITH_A_PASSWORD:
        refused = lab.ceph("orch", "apply", "-i", "-", stdin=yaml.safe_dump(spec))
        assert refused.rc != 0, spec
        assert PASSWORD not in refused.out + refused.err


@pytest.mark.fault("ssh", "every verb, as a user who has sudo", full=1)
def test_every_verb_works_with_sudo(tried: Pass, record_property: Record) -> None:
    """Root's own door is shut. Seen to fail without ``ansible_become``."""
    assert OPERATIONS - tried.statuses.keys() == set(), "not every verb was tried"
    assert {name: all_ for name, all_ in tried.statuses.items() if "succeeded" not in all_} == {}
    record_property("outcome", f"{len(OPERATIONS)} operations succeeded")


@pytest.mark.fault("Secrets", "every verb, with all hosts' disks and processes searched", full=1)
def test_no_secret_is_anywhere_else(
    tried: Pass, as_user: Services, record_property: Record
) -> None:
    """Seen to fail without ``hide_keys``: the keys are in ceph-volume's log."""
    lab = as_user.lab
    assert tried.strays == []
    assert [text for text in tried.shown if not text.startswith(CEPHS_OWN)] == []
    assert [name for name, text in tried.secrets.items() if text in tried.said] == []
    stored = [
        name
        for name, text in tried.stored.items()
        if any(secret in text for secret in tried.secrets.values())
    ]
    assert stored == ["mgr/ansible/ssh_identity_key"]
    left = keys(lab)
    gone = {name: text for name, text in tried.secrets.items() if name not in left}
    assert len(gone) > 5, "no daemon was removed"
    places = on_disks(lab, lab.hosts(), gone)
    assert [place for place in places if not place.path.startswith((MONITORS, REMOVED))] == []
    for host in lab.hosts():
        script = "test ! -e $1 || stat -c '%a %U' $1"
        assert lab.sh(host, script, REMOVED.rpartition("/")[0]).strip() in ("", "700 ceph")
    keyrings = len(tried.secrets) - 2
    record_property(
        "outcome", f"{keyrings} keys, {SSH_KEY} and a password: each in its own files alone"
    )
