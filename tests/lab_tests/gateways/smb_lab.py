"""The lab with CephFS and the module smb, and a real client of SMB on the last host."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import yaml

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services, with_osds

SERVICE, DAEMON_ID = "smb.files", "files.h1."
FOLDER = "/etc/ceph-orch-ansible/smb"
# What may be left on a host; the packages and their own files stay.
LEFT = """
find /etc/ceph-orch-ansible /etc/systemd/system /run /var/lib/ceph-orch-smb \
  -name '*ceph-orch-smb*' -o -name '*libcephfsd*' \
  -o -path '/etc/ceph-orch-ansible*' 2>/dev/null || true
systemctl list-units 'ceph-orch-smb@*' 'ceph-orch-libcephfsd@*' --all --no-legend
systemctl is-enabled smbd nmbd 2>/dev/null || true
"""
VOLUME = "smbvol"


class Smb:
    """An SMB service of the lab, and its client."""

    def __init__(self, services: Services) -> None:
        self.services, self.lab = services, services.lab
        self.client = list(self.lab.machines)[-1]

    # The lab.

    def prepare(self) -> None:
        """Have CephFS with two subvolumes, the module, and a client."""
        lab = self.lab
        with_osds(lab)
        if "smb" not in lab.ceph_json("mgr", "module", "ls")["enabled_modules"]:
            lab.ok("mgr", "module", "enable", "smb")
        wait_until("the backend answers", self.services.ls, 120)
        wait_until("the module answers", lambda: lab.ceph("smb", "cluster", "ls").rc == 0, 120)
        self.forget()
        if VOLUME not in [row["name"] for row in lab.ceph_json("fs", "ls")]:
            lab.ok("fs", "volume", "create", VOLUME)
        self.services.wait_runs(f"mds.{VOLUME}")
        for name in ("one", "two"):
            lab.ok("fs", "subvolume", "create", VOLUME, name, "--mode", "0777")
        install = "dpkg -s smbclient >/dev/null 2>&1 || {{ {} update; {} install -y smbclient; }}"
        apt = "DEBIAN_FRONTEND=noninteractive apt-get -q"
        lab.sh(self.client, install.format(apt, apt) + " >/dev/null 2>&1")

    def forget(self) -> None:
        """Remove the service with the module's own command."""
        for name in json.loads(self.lab.ok("smb", "cluster", "ls", "--format", "json")):
            for share in json.loads(self.lab.ok("smb", "share", "ls", name, "--format", "json")):
                # The module applies the service then, too, and says so where it is refused.
                self.lab.ceph("smb", "share", "rm", name, share)
            self.lab.ok("smb", "cluster", "rm", name)
        wait_until(f"{SERVICE} is gone", lambda: SERVICE not in self.services.ls(), SECONDS)

    # The module.

    def share(self, name: str, **cephfs: Any) -> None:
        """Make a share of the subvolume of this name, or change it."""
        self.apply(
            {
                "resource_type": "ceph.smb.share",
                "cluster_id": "files",
                "share_id": name,
                "cephfs": {"volume": VOLUME, "subvolume": name, "path": "/", **cephfs},
            }
        )

    def password(self, word: str) -> None:
        """Give the user another password; it stands in no command line."""
        found = self.lab.ceph_json("smb", "show", "ceph.smb.usersgroups")
        (given,) = found.get("resources", [found])
        given["values"]["users"][0]["password"] = word
        self.apply(given)

    def apply(self, resource: dict[str, Any]) -> None:
        """Let the module keep a resource."""
        self.lab.ok("smb", "apply", "-i", "-", stdin=yaml.safe_dump(resource))

    # The service.

    def daemon(self) -> dict[str, Any]:
        """Return the daemon."""
        (row,) = self.services.ps(SERVICE)
        return dict(row)

    def pid(self) -> str:
        """Return the process of Samba, another one after a restart."""
        unit = f"ceph-orch-smb@{self.daemon()['daemon_id']}.service"
        return self.lab.sh("h1", f"systemctl show -P MainPID {unit}").strip()

    def opened(self) -> set[str]:
        """Return the shares that somebody has open."""
        conf = f"{FOLDER}/{self.daemon()['daemon_id']}/smb.conf"
        lines = self.lab.sh("h1", f"smbstatus --configfile={conf} --shares").splitlines()
        return {line.split()[0] for line in lines if line.strip()}

    # The client.

    def target(self, share: str, password: str) -> tuple[str, str]:
        """Return where a share is for smbclient, and the password."""
        return f"//{self.lab.machines['h1'].addr}/{share}", password

    def says(
        self, share: str, words: str, password: str, user: str = "user1", host: str = "h1"
    ) -> str:
        """Return what smbclient prints, with its status at the end."""
        script = f"""
umask 077; printf 'username = {user}\\npassword = %s\\n' '{password}' >/tmp/smb.auth
smbclient //{self.lab.machines[host].addr}/{share} -A /tmp/smb.auth -t 20 -c '{words}' 2>&1
echo "status $?"; rm -f /tmp/smb.auth
"""
        return self.lab.sh(self.client, "sh -s", stdin=script)

    def copies(self, share: str, password: str) -> bool:
        """Tell whether a file comes back from a share as it was."""
        with contextlib.suppress(AssertionError):
            self.lab.sh(self.client, "head -c 300000 /dev/urandom >/tmp/smb.in; rm -f /tmp/smb.out")
            said = self.says(share, "put /tmp/smb.in x.bin; get x.bin /tmp/smb.out", password)
            same = "cmp -s /tmp/smb.in /tmp/smb.out && echo same || true"
            assert "status 0" in said, said
            return self.lab.sh(self.client, same) == "same\n"
        return False
