"""The ways to install the module that docs/install.md has, as an administrator types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Type

from adapter import __version__
from adapter.cli.content import PARTS
from packages import deb
from tests.lab_tests.lab_client import ROOT, Lab, run

HOME = "/opt/ceph-orch-ansible"
DEB = f"ceph-mgr-ansible_{__version__}-1_all.deb"
COLLECTIONS = "/root/.ansible"


class Way:
    """One way, with files that are made here below ``dist`` and copied to ``/root/dist``."""

    def __init__(self, lab: Lab, dist: Path) -> None:
        self.lab, self.dist = lab, dist

    def make(self) -> None:
        """Make what is copied."""

    def install(self) -> str:
        """Install on the manager's host; return what was printed."""
        raise NotImplementedError

    def take_files(self) -> str:
        """Take away what ``install`` put there, after `mgr disable`; return what was printed."""
        raise NotImplementedError

    def try_out(self) -> None:
        """Try what only this way has, while the module is in use."""

    def type(self, script: str) -> str:
        """Type something on the manager's host."""
        return self.lab.sh(self.lab.first, script)

    def bring(self) -> None:
        """Copy what was made."""
        self.lab.lab("copy", *(str(path) for path in sorted(self.dist.iterdir())), "h1:/root/dist")


class Deb(Way):
    """The Debian package."""

    def make(self) -> None:
        """Build it."""
        deb.build(deb.PLAIN, self.dist)

    def install(self) -> str:
        """Install it with apt."""
        self.bring()
        return self.type(f"apt-get -q update && apt-get -q install -y /root/dist/{DEB}")

    def take_files(self) -> str:
        """Purge it."""
        return self.type(
            "orch-ansible mgr uninstall --purge && apt-get -q purge -y ceph-mgr-ansible"
        )


class Wheel(Way):
    """The wheel, in an environment of its own."""

    def make(self) -> None:
        """Build it, and get a pip for a host that has none."""
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
        subprocess.run([*pip, "wheel", "--no-deps", "-w", str(self.dist), str(ROOT)], check=True)
        subprocess.run([*pip, "download", "--no-deps", "-d", str(self.dist), "pip"], check=True)

    def install(self) -> str:
        """Make the environment, let pip install the wheel there, and install from it."""
        self.bring()
        return self.type(
            f"python3 -m venv --without-pip --system-site-packages {HOME} && "
            f"{HOME}/bin/python3 $(echo /root/dist/pip-*.whl)/pip install -q --no-index --no-deps "
            f"/root/dist/ceph_orch_ansible-*.whl && {HOME}/bin/orch-ansible mgr install"
        )

    def try_out(self) -> None:
        """Take the environment away, which runs the playbooks, and put it back."""
        self.type(f"mv {HOME} {HOME}.away")
        lost = self.lab.ok("orch", "status")
        self.type(f"mv {HOME}.away {HOME}")
        assert "Available: No" in lost
        assert f"no interpreter {HOME}/bin/python3 any more" in lost
        assert "Available: Yes" in self.lab.ok("orch", "status")

    def take_files(self) -> str:
        """Uninstall with it, then remove the environment."""
        return self.type(f"{HOME}/bin/orch-ansible mgr uninstall --purge && rm -rf {HOME}")


class Collection(Deb):
    """The collection, whose playbook installs the package."""

    def make(self) -> None:
        """Build both."""
        super().make()
        galaxy = Path(sys.executable).parent / "ansible-galaxy"
        argv = [str(galaxy), "collection", "build", "--output-path", str(self.dist), str(ROOT)]
        answer = run(argv, seconds=300)
        assert answer.rc == 0, answer.err

    def install(self) -> str:
        """Install the collection, and with its playbook the package."""
        self.bring()
        self.type(
            "ansible-galaxy collection install --offline /root/dist/ceph_orch-ansible-*.tar.gz"
        )
        play = (
            "cd /root && ansible-playbook -i h1, -c local ceph_orch.ansible.install "
            f"-e orchestrator_backend_package=/root/dist/{DEB}"
        )
        assert "changed=1 " in self.type(f"{play} --check"), "it is predicted"
        said = self.type(play)
        assert "changed=1 " in said
        assert "changed=0 " in self.type(play), "the second run changes nothing"
        return said

    def take_files(self) -> str:
        """Purge the package, and remove the collection."""
        return super().take_files() + self.type(f"rm -rf {COLLECTIONS}")


class Checkout(Way):
    """A copy of the repository."""

    def install(self) -> str:
        """Install from the copy."""
        self.lab.lab("copy", *(str(ROOT / name) for name in ("adapter", *PARTS)), "h1:/root/dist")
        return self.type("cd /root/dist && python3 -B -m adapter.cli mgr install")

    def take_files(self) -> str:
        """Uninstall."""
        return self.type("orch-ansible mgr uninstall --purge")


WAYS: Dict[str, Type[Way]] = {
    "deb": Deb,
    "wheel": Wheel,
    "collection": Collection,
    "checkout": Checkout,
}
NAMES: List[str] = list(WAYS)
