"""AWX as the engine of a lab's managers: the stand-in on the lab's bridge, with ansible-runner.

With ``LAB_ENGINE=awx`` in the environment all lab tests are run so. The objects in it are those
that ``orch-ansible awx apply`` makes. At the end no secret of Ceph, of ssh or of AWX is anywhere in
it but in its credentials, nor in any record of a job on the manager's host.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.awx.access import User
from tests.awx.fixtures import BRANCH, REPOSITORY, Site, certificate
from tests.awx.kept import everything
from tests.awx.over_ssh import OverSsh
from tests.awx.server import AwxServer
from tests.lab_tests.lab_client import ROOT, STATE, Lab, wait_until

BY_AWX = os.environ.get("LAB_ENGINE") == "awx"
MODULE = "mgr/ansible"
ORGANIZATION = "Storage"


class LabAwx:
    """The stand-in of one lab. ``server`` is where it runs, ``token`` the login of managers."""

    def __init__(self, lab: Lab, top: Path) -> None:
        self.lab = lab
        self.token = f"canary{secrets.token_hex(16)}"
        address = json.loads(lab.lab("status", "--format", "json").out)["gateway"]
        self.certificate = certificate(top, at=address)
        runner = OverSsh(ROOT)
        self.server = AwxServer(
            {(REPOSITORY, BRANCH): ROOT},
            certificate=self.certificate,
            runner=runner,
            address=address,
        )
        runner.store = self.server.store
        self.server.tokens[self.token] = User(self.server.admin)
        self.server.start()
        token = top / "awx.token"
        token.write_text("admin-token\n")
        token.chmod(0o600)
        self.site = Site(self.server, top)
        self.site.write(
            url=self.server.url,
            ca_file=self.certificate[0].name,
            token_file=token.name,
            organization=ORGANIZATION,
            project_url=REPOSITORY,
            project_branch=BRANCH,
            engine=True,
        )
        self.site.ok("apply")
        self.give_key()

    def give_key(self) -> None:
        """Put the managers' private key into the credential, as an administrator of AWX does."""
        key = self.lab.ok("config-key", "get", f"{MODULE}/ssh_identity_key")
        self.site.named("credentials", "ceph-ssh")["inputs"] = {
            "username": self.lab.user,
            "ssh_key_data": key,
        }

    def use(self) -> None:
        """Have the lab's managers use it."""
        lab = self.lab
        for name, value in (("url", self.server.url), ("organization", ORGANIZATION)):
            lab.ok("config", "set", "mgr", f"{MODULE}/awx_{name}", value)
        lab.ok("ansible", "awx", "set-ca", "-i", "-", stdin=self.certificate[0].read_text())
        lab.ok("ansible", "awx", "set-token", "-i", "-", stdin=self.token)
        lab.ok("config", "set", "mgr", f"{MODULE}/engine", "awx")
        wait_until("AWX takes jobs", self.takes_jobs, 60)

    def takes_jobs(self) -> bool:
        """Tell whether the manager sees it so."""
        return bool(self.status()["state"] == "jobs run there")

    def status(self) -> dict[str, Any]:
        """Return what the manager says of AWX."""
        found: dict[str, Any] = self.lab.ceph_json("ansible", "awx", "status")
        return found

    def leave(self) -> None:
        """Have the lab's managers run their jobs themselves."""
        lab = self.lab
        lab.ok("config", "set", "mgr", f"{MODULE}/engine", "local")
        lab.ok("ansible", "awx", "clear-token")
        lab.ok("ansible", "awx", "clear-ca")

    def jobs(self, operation: str = "") -> list[Any]:
        """Return the jobs that were launched, of an operation or all, in their order."""
        found = list(self.server.routes.jobs.jobs.values())
        return [job for job in found if operation in ("", Path(job.row["playbook"]).stem)]

    def secrets(self) -> dict[str, str]:
        """Return what may be in no record: keys of Ceph and ssh, and the token, by their names."""
        rows = json.loads(self.lab.ok("auth", "ls", "-f", "json"))["auth_dump"]
        found = {row["entity"]: row["key"] for row in rows}
        key = self.lab.ok("config-key", "get", f"{MODULE}/ssh_identity_key").splitlines()
        return {**found, "ssh": key[1], "token": self.token}

    def leaks(self) -> list[str]:
        """Return which secrets are where they may not be."""
        known, said = self.secrets(), everything(self.server)
        script = (
            'grep -rhoF -f - "$1/jobs" /var/log/ceph /var/lib/systemd/coredump 2>/dev/null '
            "| sort -u; true"
        )
        given = "".join(f"{text}\n" for text in known.values())
        records = self.lab.sh(self.lab.first, script, STATE, stdin=given)
        options = self.lab.ok("config", "dump", "-f", "json")
        places = {"AWX": said, "the manager's records": records, "the options": options}
        return [
            f"the key of {name} is in {place}"
            for name, text in known.items()
            for place, held in places.items()
            if text in held
        ]

    def twice(self) -> list[str]:
        """Return the jobs of managers that were launched more than once."""
        names = [str(json.loads(job.row["extra_vars"]).get("ceph_orch_job")) for job in self.jobs()]
        return sorted({name for name in names if names.count(name) > 1})


@contextlib.contextmanager
def by_awx(lab: Lab, top: Path) -> Iterator[LabAwx]:
    """Have a lab's managers run their jobs in AWX; fails where secrets of theirs got anywhere."""
    found = LabAwx(lab, top)
    try:
        found.use()
        yield found
        assert found.leaks() == []
        assert found.twice() == []
    finally:
        found.leave()
        found.server.stop()
