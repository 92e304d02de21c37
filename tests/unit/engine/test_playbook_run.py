"""What ansible-playbook is started with."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from adapter.engine.files import private_dir
from adapter.engine.jobs import JobDir
from adapter.engine.model import HostStatus, JobStatus, Request
from adapter.engine.playbook_run import PlaybookRun, forks, temporary_dir
from adapter.engine.watchdog import Stop
from adapter.engine.worker import conclude
from tests.unit.engine.harness import local

LONGEST_SOCKET_NAME = "pymp-12345678/listener-12345678"


@pytest.mark.parametrize("length", range(60, 110))
def test_a_socket_can_be_bound_below_the_temporary_directory(state: Path, length: int) -> None:
    job = JobDir(private_dir(state / ("j" * (length - len(str(state)) - 1))))
    place = temporary_dir(job.path)
    assert temporary_dir(job.path) == place
    path = place / LONGEST_SOCKET_NAME

    with socket.socket(socket.AF_UNIX) as bound, pytest.raises(FileNotFoundError):
        # A path that is too long is another error than one without its directory.
        bound.bind(os.fsencode(path))
    job.drop_work()
    assert not place.exists()


@pytest.mark.parametrize(
    ("hosts", "wanted"), [(1, 1), (40, 40), (100, 50), (1000, 75), (5000, 275)]
)
def test_hosts_that_hang_leave_room_for_others(hosts: int, wanted: int) -> None:
    """Of five in a hundred each keeps its place until the end."""
    assert forks(hosts) == wanted
    assert hosts // 20 < wanted


class TestHostsThatASignalCutOff:
    """A unit that is stopped takes ssh with it, and Ansible calls the host unreachable."""

    def lost(self, state: Path) -> PlaybookRun:
        request = Request("blink_device_light", local("h1", "h2"))
        run = PlaybookRun(
            private_dir(state / "job"),
            request,
            {},
            stopping=lambda: False,
            must_kill=lambda: False,
        )
        for event, data in (
            ("playbook_on_task_start", {"task": "Set the light"}),
            ("runner_on_start", {"host": "h1", "task": "Set the light"}),
            ("runner_on_unreachable", {"host": "h1", "res": {"msg": "Killed by signal 15."}}),
        ):
            run._handle({"event": event, "event_data": data})
        return run

    def test_they_are_where_their_tasks_were(self, state: Path) -> None:
        """Seen to fail without it: a host that answered was called unreachable."""
        run = self.lost(state)
        stop = Stop(JobStatus.CANCELLED, "stopped by a signal to its process")
        run.take_back_lost(stop.when)
        assert run.reader.busy == {"h1": "Set the light"}
        outcome = conclude(run._request, run, stop, stop.when)["outcomes"]["h1"]
        assert outcome["status"] == "no result"
        assert outcome["message"].endswith("before this host answered; it was at: Set the light")

    def test_what_was_lost_long_before_stays_unreachable(self, state: Path) -> None:
        run = self.lost(state)
        run.take_back_lost(time.monotonic() + 60)
        assert run.reader.busy == {}
        assert run.progress.outcomes["h1"].status is HostStatus.UNREACHABLE
