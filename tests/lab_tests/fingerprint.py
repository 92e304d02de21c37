"""What a host is like as far as adoption must not change it: files, units, daemons' processes."""

from __future__ import annotations

from tests.lab_tests.lab_client import Lab

# Files with owner, mode and content below /etc; names below /var/lib/ceph, without what daemons
# write while they run; units with what is started at boot and what runs.
SCRIPT = """
cd /
find etc -xdev -type f -print0 | sort -z | xargs -0 sha256sum
find etc -xdev -printf '%p %m %u %g %l\\n' | sort
find var/lib/ceph -path var/lib/ceph/orch-ansible -prune -o -path var/lib/ceph/crash/\\* -prune \
    -o -path \\*/store.db/\\* -prune -o -printf '%p %m %u %g %l\\n' | sort
systemctl list-unit-files --no-legend --no-pager | sort
systemctl list-units --no-legend --no-pager --plain --all 'ceph*' | awk '{print $1, $2, $3}' | sort
systemctl show --value -p MainPID -p NRestarts 'ceph-m[do]*' 'ceph-osd*' 'ceph-radosgw*'
"""


def prints(lab: Lab) -> dict[str, list[str]]:
    """Return what all hosts are like, line by line."""
    return {host: lab.sh(host, SCRIPT).splitlines() for host in lab.hosts()}
