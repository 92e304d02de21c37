"""Print an Ansible inventory of the running lab that LAB names: its hosts, its ssh, their disks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

LAB = Path(__file__).resolve().parents[1] / "lab" / "lab"


def main() -> None:
    """Ask the lab for its hosts and print the inventory."""
    answer = subprocess.run([sys.executable, str(LAB), "hosts"], capture_output=True, check=True)
    hosts = {
        row["name"]: {
            "ansible_host": row["addr"],
            "ansible_user": row["ssh_user"],
            "ansible_ssh_common_args": f"-F {row['ssh_config']}",
            "lab_disks": [disk["path"] for disk in row["disks"]],
        }
        for row in json.loads(answer.stdout)
    }
    print(yaml.safe_dump({"all": {"hosts": hosts}}, explicit_start=True), end="")


if __name__ == "__main__":
    main()
