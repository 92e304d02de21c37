"""What runs for a job is found by its mark, and ended; what does not is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from plugins.module_utils.invoker.running import end, noted

MARK, OTHER = "0123456789abcdef", "fedcba9876543210"
ROOT = Path(__file__).resolve().parents[4]
NOTED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from plugins.module_utils.invoker.running import noted
with noted(sys.argv[2], sys.argv[3]):
    print("noted", flush=True)
    time.sleep(60)
"""


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], env={**os.environ, "CEPH_ORCH_TASK": mark})


def test_marked_programs_are_ended(tmp_path: Path) -> None:
    with sleeper(MARK) as mine, sleeper(OTHER) as other:
        # It carries the mark once it has become another program.
        while f"={MARK}".encode() not in Path(f"/proc/{mine.pid}/environ").read_bytes():
            continue

        assert end(MARK, str(tmp_path)) == 1

        assert mine.wait(10) < 0
        assert other.poll() is None
        other.kill()


def test_the_invoker_itself_is_ended(tmp_path: Path) -> None:
    """Its environment is that of sudo, without the mark: only the file names it."""
    argv = [sys.executable, "-c", NOTED, str(ROOT), MARK, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert end(OTHER, str(tmp_path)) == 0

        assert end(MARK, str(tmp_path)) == 1

        assert process.wait(10) < 0
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / f"invoked-{MARK}-{other.pid}-1").touch()

        assert end(MARK, str(tmp_path)) == 0

        assert other.poll() is None
        other.kill()


def test_what_has_ended_leaves_no_file(tmp_path: Path) -> None:
    with noted(MARK, str(tmp_path)):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with noted("", str(tmp_path)):
        assert list(tmp_path.iterdir()) == []
