"""A cluster that was made by hand, with the backend beside it: looked at, taken over, asked."""

from __future__ import annotations

import json
import sys

from tests.lab_tests.adoption import hand_made
from tests.lab_tests.adoption.hand_made import Layout
from tests.lab_tests.lab_client import DEPLOY, Lab, run, wait_until

SECONDS = 180.0
FILE, INVENTORY = "/root/cluster.yml", "/root/inventory"


def deployed(lab: Lab, layout: Layout) -> str:
    """Make the cluster and put the backend on it, without a host; return the fsid."""
    fsid = hand_made.make(lab, layout)
    answer = run(["env", f"LAB={lab.name}", sys.executable, str(DEPLOY)], seconds=600)
    assert answer.rc == 0, f"the backend cannot be installed: {answer.out}{answer.err}"
    wait_until("the managers stand by again", lambda: hand_made.serves(lab, layout), SECONDS)
    return fsid


def adopt(lab: Lab, layout: Layout) -> str:
    """Give the command until all hosts have been read; return the file."""
    lab.sh(lab.first, f"cat >{INVENTORY}", stdin=layout.inventory(lab))
    options = ("-i", INVENTORY) if layout.groups else ()

    def read() -> bool:
        answer = lab.ceph("ansible", "adopt", *options, "-o", FILE)
        assert answer.rc == 0, answer.err
        return True

    wait_until("all hosts have been read", read, SECONDS, every=2.0)
    return lab.sh(lab.first, f"cat {FILE}")


def slow(lab: Lab, *argv: str) -> str:
    """Run a command on the first host that asks all others."""
    answer = lab.ssh(lab.first, *argv, seconds=600)
    assert answer.rc == 0, answer.err
    return answer.out


def listed(lab: Lab) -> set[str]:
    """Return the daemons that the orchestrator lists, which must all run."""
    rows = lab.ceph_json("orch", "ps")
    assert all(row["status_desc"] == "running" for row in rows), rows
    return {f"{row['daemon_type']}.{row['daemon_id']}" for row in rows}


def running(lab: Lab) -> list[str]:
    """Return the jobs that have not ended."""
    rows = json.loads(lab.ok("ansible", "job", "ls", "--all", "-f", "json"))
    return [row["id"] for row in rows if row["status"] in ("queued", "running")]
