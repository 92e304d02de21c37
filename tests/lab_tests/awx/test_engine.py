"""AWX as the managers' engine: it goes and comes back, is slow, and is left for the other one."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.awx.troubles import BEFORE, SLOW
from tests.lab_tests.lab_awx import BY_AWX, MODULE, LabAwx
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light

pytestmark = pytest.mark.skipif(not BY_AWX, reason="with LAB_ENGINE=awx only")
WHEN_DOWN = f"{MODULE}/awx_when_down"
UNAVAILABLE = "ANSIBLE_AWX_UNAVAILABLE"
READS = (("orch", "host", "ls"), ("orch", "device", "ls"), ("orch", "ps"), ("orch", "ls"))
# AWX is asked again after 5 s, and the manager's health is told every 5.
SOON = 60.0
LATENCY = 5.0


@pytest.fixture
def awx(cluster: Lab) -> Iterator[LabAwx]:
    """Return the stand-in, which answers again at the end."""
    found: LabAwx = cluster.awx
    yield found
    found.server.troubles = None
    wait_until("AWX takes jobs", found.takes_jobs, SOON)


def go(awx: LabAwx) -> str:
    """Let AWX answer no more; return what health says of it."""
    awx.server.troubles = lambda method, path: BEFORE
    (line,) = wait_until("health says it", lambda: awx.lab.health_lines(UNAVAILABLE), SOON)
    return str(line)


def test_reads_go_on_and_changes_are_refused(cluster: Lab, awx: LabAwx) -> None:
    hosts = cluster.listed_hosts()
    line = go(awx)
    assert f"{awx.server.url}: AWX fails with 502" in line
    assert "changes are refused" in line
    status = cluster.ok("orch", "status")
    assert "Available: No" in status
    assert "AWX fails with 502" in status
    for words in READS:
        cluster.ok(*words)
    refused = cluster.ceph("orch", "host", "label", "add", "h2", "while-it-is-away")
    assert refused.rc != 0
    assert "Nothing was changed, because jobs cannot begin" in refused.err
    assert cluster.listed_hosts() == hosts
    awx.server.troubles = None
    wait_until("health is well again", lambda: not cluster.health_lines(UNAVAILABLE), SOON)
    cluster.ok("orch", "host", "label", "add", "h2", "it-is-back")


def test_changes_wait_where_they_may(cluster: Lab, awx: LabAwx) -> None:
    cluster.ok("config", "set", "mgr", WHEN_DOWN, "queue")
    try:
        assert "changes wait" in go(awx)
        cluster.ok("orch", "host", "label", "add", "h2", "waiting")
        rows = [row for row in cluster.jobs() if row["status"] == "queued"]
        (job,) = [row["id"] for row in rows if row["operation"] == "add_host_label"]
        awx.server.troubles = None
        assert cluster.wait_for_job(job)["status"] == "succeeded"
    finally:
        cluster.ok("config", "set", "mgr", WHEN_DOWN, "refuse")
    assert len([each for each in awx.jobs("add_host_label") if job in each.row["extra_vars"]]) == 1


def test_a_slow_awx_slows_no_read(cluster: Lab, awx: LabAwx) -> None:
    """Each answer of AWX takes 5 s; a read that waited for one would take as long."""
    before = {words: statistics.median(cluster.times(*words, count=5)) for words in READS}
    awx.server.slowness = LATENCY
    awx.server.troubles = lambda method, path: SLOW
    for words in READS:
        took = statistics.median(cluster.times(*words, count=5))
        print(f"{' '.join(words)}: {took:.2f} s, {before[words]:.2f} s before")
        assert took < before[words] + LATENCY / 2


def test_a_job_ends_where_it_has_begun(cluster: Lab, awx: LabAwx) -> None:
    launched = len(awx.jobs("add_host_label"))
    try:
        with slow_light(cluster, "h2") as job:
            cluster.ok("config", "set", "mgr", f"{MODULE}/engine", "local")
            wait_until("it is seen", lambda: awx.status()["engine"] == "local", SOON)
            cluster.ok("orch", "host", "label", "add", "h3", "by-this-machine")
            assert job.wait_for_end(cluster.patience(120)) == "succeeded"
            lines = job.seen()
        assert len(lines) == 1
        assert len(awx.jobs("add_host_label")) == launched
        label = [row for row in cluster.jobs() if row["operation"] == "add_host_label"][-1]
        assert cluster.wait_for_job(label["id"])["command"], "AWX has run it"
        assert not cluster.job(job.job_id)["command"], "the manager has run it"
    finally:
        cluster.ok("config", "set", "mgr", f"{MODULE}/engine", "awx")


def test_a_manager_that_starts_anew_follows_its_jobs(cluster: Lab, awx: LabAwx) -> None:
    with slow_light(cluster, "h2") as job:
        cluster.fail_over()
        wait_until("it answers", lambda: cluster.ceph("ansible", "job", "ls").rc == 0, SOON)
        assert job.wait_for_end(cluster.patience(120)) == "succeeded"
        assert len(job.seen()) == 1
    assert len([each for each in awx.jobs() if job.job_id in each.row["extra_vars"]]) == 1


def test_a_token_that_has_ended_is_named(cluster: Lab, awx: LabAwx) -> None:
    user = awx.server.tokens.pop(awx.token)
    try:
        (line,) = wait_until("health says it", lambda: cluster.health_lines(UNAVAILABLE), SOON)
        assert "AWX does not accept the login" in line
        assert "`ceph ansible awx set-token -i FILE`" in line
        assert awx.token not in line
    finally:
        awx.server.tokens[awx.token] = user


def test_what_is_looked_for_at_the_end_is_found(awx: LabAwx) -> None:
    """The search for secrets would see one in variables, in events, and in a request."""
    assert awx.leaks() == []
    entity, secret = next(iter(awx.secrets().items()))
    job = awx.jobs()[-1]
    kept: dict[str, Any] = dict(job.row)
    job.row["extra_vars"] = json.dumps({**json.loads(job.row["extra_vars"]), "key": secret})
    assert awx.leaks() == [f"the key of {entity} is in AWX"]
    job.row.update(kept)
    job.plan.events.append((0.0, {"counter": 10**6, "event": "verbose", "stdout": secret}))
    assert awx.leaks() == [f"the key of {entity} is in AWX"]
    job.plan.events.pop()
    asked = ("POST", "/api/v2/inventories/", {"variables": secret})
    awx.server.log.append(asked)
    assert awx.leaks() == [f"the key of {entity} is in AWX"]
    # The manager goes on asking.
    awx.server.log.remove(asked)
