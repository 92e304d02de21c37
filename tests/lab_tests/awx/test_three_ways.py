"""An operation leads to the same end by ``ceph orch``, by hand and by AWX: one case file each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.lab_tests.awx.three_ways import WAYS, Case, Done, ThreeWays, cases, differences
from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_awx import BY_AWX, LabAwx
from tests.lab_tests.lab_client import Lab

pytestmark = pytest.mark.skipif(BY_AWX, reason="one of the ways is without AWX")
ALL = [case for case in cases() if len(case.missing) < len(WAYS)]


@pytest.fixture(scope="module")
def ways(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeWays]:
    """Return the ways, on a lab whose manager runs its jobs itself."""
    settle(lab)
    awx = LabAwx(lab, tmp_path_factory.mktemp("awx"))
    yield ThreeWays(lab, awx)
    assert awx.leaks() == []
    awx.server.stop()


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_the_end_is_the_same(ways: ThreeWays, case: Case) -> None:
    with contextlib.ExitStack() as stack:
        for name, value in case.options.items():
            stack.enter_context(ways.lab.option(name, value))
        stack.callback(ways.leave, case)
        ways.begin(case)
        before = Done(ways.state(case), {})
        if "orch" in case.missing:
            first, jobs = None, ways.of_case(case)
        else:
            first, jobs = ways.by_orch(case)
            assert first.result, "nothing was published"
            ways.undo(case)
            assert differences(before, Done(ways.state(case), {}), case) == []
        hand = ways.by_hand(case, jobs)
        assert hand.result, "nothing was published"
        first = first or hand
        assert differences(first, hand, case) == []
        if "awx" not in case.missing:
            ways.undo(case)
            assert differences(first, ways.by_awx(case, jobs), case) == []


def test_a_difference_is_found(ways: ThreeWays) -> None:
    (case,) = [each for each in ALL if each.name == "add_host_label"]
    done, _ = ways.by_orch(case)
    ways.undo(case)
    other = ways.by_orch(case)[0]
    ways.undo(case)
    assert differences(done, other, case) == []
    other.state["h2"].append("etc/more f 644 root root")
    other.result["h2"]["more"] = 1
    assert differences(done, other, case) == [
        "h2: + etc/more f 644 root root",
        "result h2.more: None, not 1",
    ]
