"""Run a script of a benchmark on the lab's first host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Sequence

LAB = Path(__file__).resolve().parents[1] / "lab" / "lab"


def run_probe(
    script: str, machines: Sequence[Dict[str, Any]], times: int, what: str
) -> Dict[str, List[float]]:
    """Return the seconds that a script prints by figure, and print them, too.

    It is given addresses and disks of the first three hosts by their names, as JSON, and how often
    each figure is taken. Ends the program with ``what`` and the reason where the script fails.
    """
    hosts = {
        host["name"]: {"addr": host["addr"], "disks": [disk["path"] for disk in host["disks"]]}
        for host in machines[:3]
    }
    argv = [str(LAB), "ssh", "h1", "python3", "-c", script, json.dumps(hosts), str(times)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip()[-400:] or f"the script's exit status is {done.returncode}"
        sys.exit(f"{what}: {reason}")
    found: Dict[str, List[float]] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps({key: [round(each, 1) for each in row] for key, row in found.items()}))
    return found
