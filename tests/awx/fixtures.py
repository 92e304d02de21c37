"""A stand-in for AWX that tests start, its certificate, and the command against it."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator

import click.testing
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapter.cli.app import root
from adapter.cli.context import Context, Environment
from tests.awx.server import AwxServer
from tests.tools.documents import ROOT

REPOSITORY = "https://git.example.org/ceph-orch-ansible.git"
BRANCH = "v1"
# The instance group of an engine.
GROUP = "near-the-hosts"


def certificate(top: Path, name: str = "awx", at: str = "127.0.0.1") -> tuple[Path, Path]:
    """Make a certificate of an address, signed by itself; return its file and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address(at))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = top / f"{name}.pem", top / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a certificate."""
    found = x509.load_pem_x509_certificate(file.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex()


@dataclass
class Site:
    """An AWX, and an administrator with ``awx.yml``."""

    server: AwxServer
    top: Path
    settings: dict[str, Any] = field(default_factory=dict)
    paused: list[float] = field(default_factory=list)

    def write(self, **changes: Any) -> None:
        """Write ``awx.yml``; a setting that is None is left out."""
        self.settings.update(changes)
        kept = {key: value for key, value in self.settings.items() if value is not None}
        (self.top / "awx.yml").write_text(yaml.safe_dump(kept))

    def run(self, *words: str) -> click.testing.Result:
        """Run ``orch-ansible awx ...``."""
        environment = Environment(pause=self.paused.append)
        context = Context(environment=environment, directory=self.top)
        return click.testing.CliRunner().invoke(root, ["awx", *words], obj=context)

    def ok(self, *words: str) -> str:
        """Run it; return what it printed. It has to succeed."""
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return str(done.output)

    def named(self, collection: str, name: str) -> dict[str, Any]:
        """Return an object of the server."""
        (found,) = [
            each for each in self.server.store.objects[collection].values() if each["name"] == name
        ]
        return found


def site(top: Path, *, tls: bool = True, **server: Any) -> Iterator[Site]:
    """Start an AWX, and write the settings for it."""
    pair = certificate(top) if tls else None
    awx = AwxServer({(REPOSITORY, BRANCH): ROOT}, certificate=pair, **server)
    awx.start()
    token = top / "awx.token"
    token.write_text("admin-token\n")
    token.chmod(0o600)
    found = Site(awx, top)
    found.write(
        url=awx.url,
        ca_file="awx.pem" if tls else None,
        token_file="awx.token",
        organization="Storage",
        project_url=REPOSITORY,
        project_branch=BRANCH,
        image="registry.example.org/ceph-orch-ee:1",
        fsid="09e0acf0-8670-44bf-a075-59491beecc72",
    )
    yield found
    awx.stop()
