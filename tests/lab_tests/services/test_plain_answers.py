"""What an operator is told: failures fail, in one short line, and old data says how old it is."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

CUT = "h3"
UNREACHABLE = "Host 'h3' cannot be reached"
LONGEST_LINE, LONGEST_DETAIL = 400, 500
MISSPELT = "service_type: mds\nservice_id: x\nplacment:\n  count: 1\n"
UNKNOWN = "service_type: mdss\nservice_id: x\n"
# A Python that prints two thousand lines and fails, as a broken one does.
LOUD = """#!/bin/sh
seq -f 'line %g of something that nobody wants to read' 2000
echo "no memory" >&2; exit 1
"""


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        ("orch rm nope", "", "no service 'nope'"),
        ("orch osd rm 99", "", "99"),
        ("orch apply -i -", MISSPELT, "placment"),
        ("orch apply -i -", UNKNOWN, "mdss"),
        ("orch daemon add osd h1:/dev/nope", "", "/dev/nope"),
        ("orch daemon add mds x nope", "", "no host 'nope'"),
        ("orch daemon rm mds.nope", "", "no daemon 'mds.nope'"),
        ("orch host maintenance exit h2", "", "not in maintenance"),
        ("orch apply mds x --placement=nope", "", "no host 'nope'"),
        ("orch apply rgw x --placement=*h9", "", "it matches no host"),
        ("orch set-unmanaged mds.nope", "", "no service 'mds.nope'"),
        ("orch stop mgr", "", "would stop the cluster"),
        ("orch upgrade start --ceph-version 20.2.5", "", "upgrade"),
    ],
)
def test_a_failure_is_one_short_line_and_a_status(
    services: Services, words: str, given: str, says: str
) -> None:
    refused(services.lab, words, says, given)


def refused(lab: Lab, words: str, says: str, given: str = "") -> None:
    answer = lab.ceph(*words.split(), stdin=given)
    assert answer.rc != 0, answer
    lines = answer.err.strip().splitlines()
    assert len(lines) == 1, answer.err
    assert says in lines[0]
    assert "Traceback" not in answer.err
    assert len(lines[0]) <= LONGEST_LINE, len(lines[0])


def test_a_port_is_refused_before_anything_is_made(services: Services) -> None:
    lab = services.lab
    text = "service_type: rgw\nservice_id: {}\nplacement: {{hosts: [h1]}}\n"
    text += "spec: {{rgw_frontend_port: {}}}\n"
    try:
        lab.ok("orch", "apply", "-i", "-", stdin=text.format("first", 8093))
        keys = services.auth_names()
        refused(
            lab, "orch apply -i -", "rgw.first has it on host 'h1'", text.format("second", 8093)
        )
        assert "rgw.second" not in services.ls()
        assert not [key for key in services.auth_names() if "second" in key]
        assert set(keys) <= set(services.auth_names())
    finally:
        services.remove("rgw.first", "rgw.second")


def test_a_loud_failure_is_short_in_health(services: Services) -> None:
    lab = services.lab
    lab.sh(
        CUT,
        "mv /usr/bin/python3 /usr/bin/python3.kept; cat >/usr/bin/python3; "
        "chmod 755 /usr/bin/python3",
        stdin=LOUD,
    )
    try:
        lab.ok("orch", "ps", "--refresh")
        lines = wait_until(
            "the host's report fails", lambda: services.health("ANSIBLE_REFRESH_FAILED"), SECONDS
        )
        lab.ok("orch", "apply", "mds", "loud", f"--placement={CUT}")
        more = wait_until(
            "the service fails", lambda: services.health("ANSIBLE_SERVICE_FAILED"), SECONDS
        )
        for line in (*lines, *more):
            assert CUT in line
            assert len(line) <= LONGEST_DETAIL
            assert "\n" not in line
        # Crash collectors make Ceph's own modules many lines of another check.
        detail = lab.ok("health", "detail").split("[WRN] RECENT_MGR_MODULE_CRASH")[0]
        assert len(detail.splitlines()) < 40, detail
        events = json.dumps(services.errors("mds.loud"))
        assert len(events) < 10 * LONGEST_DETAIL
    finally:
        lab.sh(CUT, "mv /usr/bin/python3.kept /usr/bin/python3")
    services.wait_healed("mds.loud", 1)
    wait_until("reports are there", lambda: not services.health("ANSIBLE_REFRESH_FAILED"), SECONDS)
    services.remove("mds.loud")


@pytest.fixture(scope="module")
def cut(services: Services) -> Iterator[Lab]:
    """Return the lab with a host that has a metadata server and is cut off."""
    lab = services.lab
    lab.ok("orch", "apply", "mds", "cut", f"--placement={CUT}")
    services.wait_runs("mds.cut", 1)
    lab.link(CUT, "down")
    wait_until("the host is offline", lambda: services.health("ANSIBLE_HOST_OFFLINE"), SECONDS)
    yield lab
    lab.link(CUT, "up")
    wait_until("the host is online", lambda: not services.health("ANSIBLE_HOST_OFFLINE"), SECONDS)
    services.remove("mds.cut")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("orch daemon restart NAME", UNREACHABLE),
        ("orch daemon stop NAME", UNREACHABLE),
        ("orch daemon redeploy NAME", UNREACHABLE),
        ("orch daemon rm NAME", UNREACHABLE),
        ("orch daemon add mds late h3", UNREACHABLE),
        ("orch stop mds.cut", UNREACHABLE),
        ("orch redeploy mds.cut", UNREACHABLE),
        ("orch host maintenance exit h3", "not in maintenance"),
    ],
)
def test_an_offline_host_is_said_at_once(
    services: Services, cut: Lab, words: str, says: str
) -> None:
    (daemon,) = services.ps("mds.cut")
    jobs = services.changing_jobs()
    refused(cut, words.replace("NAME", f"mds.{daemon['daemon_id']}"), says)
    assert services.changing_jobs() == jobs


def test_old_data_says_how_old_it_is(services: Services, cut: Lab) -> None:
    (daemon,) = services.ps("mds.cut")
    assert daemon["status_desc"] == "host is offline"
    before = moment(daemon["last_refresh"])
    cut.ok("orch", "ps", "--refresh")
    others = lambda: min(  # noqa: E731
        moment(row["last_refresh"]) for row in services.ps() if row["hostname"] != CUT
    )
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    wait_until("the others are reported anew", lambda: others() > now, SECONDS)
    (daemon,) = services.ps("mds.cut")
    assert moment(daemon["last_refresh"]) == before, "nobody has asked that host since"
    assert moment(services.ls()["mds.cut"]["status"]["last_refresh"]) <= before
    table = cut.ok("orch", "ps", "--service_name", "mds.cut")
    assert "REFRESHED" in table.splitlines()[0]
    assert " ago " in table.splitlines()[1]


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
