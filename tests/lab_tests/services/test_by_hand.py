"""By playbook and by ``ceph orch`` the end is the same, and nothing is done a second time."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

HOST = "h2"
SECRETS = "/root/lab-keys"
KEY = re.compile(r"key = \S+")
# Everything of daemons below /etc/ceph and /var/lib/ceph, and what of them starts with the host.
STATE = """
cd /; for dir in etc/ceph var/lib/ceph/mds; do
find $dir -printf '%p %y %m %u %g\\n' | sort; find $dir -type f -print0 | sort -z |
xargs -0r tail -v -n +1; done
systemctl list-unit-files --no-legend 'ceph-crash*' 'ceph-mds*' | sort
find etc/systemd -name 'ceph*' | sort
systemctl list-units --no-legend --plain --state=active 'ceph-crash*' 'ceph-mds*' | cut -d' ' -f1-4
"""


class Case(NamedTuple):
    """A kind of service, its playbook and the key of its daemons."""

    service: str
    playbook: str
    entity: str
    words: tuple[str, ...]


CASES = (
    Case("mds.same", "apply_mds", "mds.{id}", ("mds", "same")),
    Case("crash", "apply_crash", "client.crash.{id}", ("crash",)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.service)
def test_the_end_is_the_same(services: Services, case: Case) -> None:
    lab = services.lab
    services.remove(case.service)
    apply = ("orch", "apply", *case.words, f"--placement={HOST}")
    try:
        nothing = state(lab)
        lab.ok(*apply)
        services.wait_runs(case.service, 1)
        (row,) = services.ps(case.service)
        identity, entity = row["daemon_id"], case.entity.format(id=row["daemon_id"])
        wanted, caps = state(lab), caps_of(lab, entity)
        assert wanted != nothing

        jobs = services.changing_jobs()
        lab.ok(*apply)
        assert recap(playbook(lab, case, identity, ""), HOST) == 0
        assert services.changing_jobs() == jobs, "applied again, something was done"
        assert state(lab) == wanted

        services.remove(case.service)
        without = state(lab)
        assert entity not in services.auth_names()

        keyring(lab, entity, caps)
        predicted = playbook(lab, case, identity, "own.keyring", "--check", "--diff")
        assert recap(predicted, HOST) == 1
        assert state(lab) == without, "--check changed something"
        assert recap(playbook(lab, case, identity, "own.keyring"), HOST) == 1
        assert state(lab) == wanted, "by hand it is another end"
        assert recap(playbook(lab, case, identity, "own.keyring"), HOST) == 0
        lab.ok("orch", "ps", "--refresh")
        by_name = lambda: services.ls().get(case.service, {})  # noqa: E731
        wait_until("it is listed as unmanaged", lambda: by_name().get("unmanaged"), SECONDS)
        rows = {case.words[0]: identity}
        daemons = [{"daemon_type": kind, "daemon_id": name} for kind, name in rows.items()]
        gone = remove(lab, daemons)
        assert recap(gone, HOST) == 1
        assert state(lab) == without, "by hand something else is left"
    finally:
        lab.sh(lab.first, "rm -rf $1", SECRETS)
        services.remove(case.service)
        lab.ok("orch", "ps", "--refresh")
        wait_until("nobody sees it", lambda: case.service not in services.ls(), SECONDS)


def state(lab: Lab) -> list[str]:
    """Return what there is of daemons on the host; keys are drawn anew each time."""
    return KEY.sub("key = (a key)", lab.sh(HOST, STATE)).splitlines()


def caps_of(lab: Lab, entity: str) -> dict[str, str]:
    found: dict[str, str] = lab.ceph_json("auth", "get", entity)[0]["caps"]
    return found


def keyring(lab: Lab, entity: str, caps: dict[str, str]) -> None:
    """Make a key by hand, and put it where the playbook finds it."""
    words = [word for pair in caps.items() for word in pair]
    text = lab.ok("auth", "get-or-create", entity, *words)
    lab.sh(lab.first, "umask 077; mkdir -p $1; cat >$1/own.keyring", SECRETS, stdin=text)


def playbook(lab: Lab, case: Case, identity: str, file: str, *words: str) -> Any:
    daemons = {HOST: [{"id": identity, "keyring_file": file, "port": 0, "addr": ""}]}
    variables = {
        "daemon_deploy_daemons": daemons,
        "daemon_deploy_fsid": fsid(lab),
        "ceph_orch_secrets": SECRETS,
    }
    return by_hand(lab, (case.playbook,), "-l", HOST, *words, **variables)


def remove(lab: Lab, daemons: list[dict[str, str]]) -> Any:
    variables = {
        "daemon_remove_daemons": {HOST: daemons},
        "daemon_remove_fsid": fsid(lab),
    }
    return by_hand(lab, ("remove_daemons",), "-l", HOST, **variables)


def fsid(lab: Lab) -> str:
    return str(json.loads(lab.ok("mon", "dump", "--format", "json"))["fsid"])
