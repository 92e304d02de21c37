"""Write the files that make an installed system a lab host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ceph_lab.archive import SUITE
from ceph_lab.run import run

# Where a host finds the package repository that is bound into it.
REPOSITORY = "/var/lib/lab-repo"

BEFORE = {
    "etc/dpkg/dpkg.cfg.d/lab": (
        "force-unsafe-io\n"
        "path-exclude=/usr/share/doc/*\n"
        "path-exclude=/usr/share/man/*\n"
        "path-exclude=/usr/share/locale/*\n"
        "path-include=/usr/share/locale/locale.alias\n"
    ),
    "etc/apt/apt.conf.d/99lab": (
        'APT::Install-Recommends "false";\n'
        'APT::Sandbox::User "root";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::Languages "none";\n'
        'Dpkg::Use-Pty "false";\n'
    ),
}

AFTER = {
    "etc/apt/sources.list": f"deb [trusted=yes] file:{REPOSITORY} {SUITE} main\n",
    "etc/environment": "CEPH_VOLUME_ALLOW_LOOP_DEVICES=1\nLANG=C.UTF-8\n",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/systemd/system.conf.d/lab.conf": (
        "[Manager]\n"
        "DefaultEnvironment=CEPH_VOLUME_ALLOW_LOOP_DEVICES=1 LANG=C.UTF-8\n"
        "DefaultTimeoutStopSec=20s\n"
    ),
    "etc/systemd/journald.conf.d/lab.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\n",
    # Tests try wrong keys and many connections at once; neither may lock them out.
    "etc/ssh/sshd_config.d/lab.conf": (
        "PermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\n"
        "UseDNS no\n"
        "MaxStartups 200\n"
        "MaxSessions 100\n"
        "SetEnv CEPH_VOLUME_ALLOW_LOOP_DEVICES=1\n"
    ),
}

# Units that only cost time on a test host, or fail in one.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "console-getty.service",
    "getty.target",
    "smartmontools.service",
    "systemd-timesyncd.service",
    "systemd-pcrphase.service",
    "lvm2-monitor.service",
    "nvmefc-boot-connections.service",
    "nvmf-autoconnect.service",
    "xfs_healer_start.service",
    "xfs_scrub_all.timer",
)

# Units that a role is to enable; packages enable them by themselves.
DISABLED = ("ceph-crash.service", "rbdmap.service")

ENABLED = ("systemd-networkd.service", "ssh.service")


def write_before_install(root: Path) -> None:
    """Write what dpkg and apt must know before the first package is unpacked."""
    _write(root, BEFORE)


def write_after_install(root: Path) -> None:
    """Configure an installed image; doing it again changes nothing."""
    _write(root, BEFORE)
    _write(root, AFTER)
    (root / REPOSITORY.lstrip("/")).mkdir(parents=True, exist_ok=True)
    _allow_retries(root)
    for unit in MASKED:
        _mask(root, unit)
    for verb, units in (("disable", DISABLED), ("enable", ENABLED)):
        present = [unit for unit in units if _has_unit(root, unit)]
        if present:
            run(["systemctl", f"--root={root}", verb, *present])
    _forget_identity(root)


@contextmanager
def no_service_starts(root: Path) -> Iterator[None]:
    """Keep packages from starting services while they are installed in a chroot."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    yield
    policy.unlink()


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _allow_retries(root: Path) -> None:
    """Switch off sshd's penalties for failed logins where sshd knows the option."""
    sshd = root / "usr/sbin/sshd"
    if b"persourcepenalties" in sshd.read_bytes():
        path = root / "etc/ssh/sshd_config.d/lab.conf"
        path.write_text(
            path.read_text(encoding="utf-8") + "PerSourcePenalties no\n", encoding="utf-8"
        )


def _has_unit(root: Path, unit: str) -> bool:
    return (root / "usr/lib/systemd/system" / unit).exists()


def _mask(root: Path, unit: str) -> None:
    path = root / "etc/systemd/system" / unit
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/null")


def _forget_identity(root: Path) -> None:
    """Remove what must differ from host to host, and what only takes room."""
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("", encoding="utf-8")
    for pattern in ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*"):
        for file in root.glob(pattern):
            file.unlink()
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
