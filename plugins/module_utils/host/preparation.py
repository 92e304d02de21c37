"""Prepare a host for daemons: packages, the cluster's configuration, the key for making OSDs."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..cluster.access import Access, AccessRefused
from ..system.reading import Roots


class Preparation:
    """What was done on a host before its daemons; with ``check_mode`` it is only predicted.

    ``result`` and ``diff`` say it as the modules package_install and cluster_access do.
    """

    def __init__(self, roots: Roots, cluster: str, check_mode: bool) -> None:
        self._roots = roots
        self._cluster = cluster
        self._check_mode = check_mode
        self.installs = False
        self.result: Dict[str, Any] = {}
        self.diff: List[Dict[str, str]] = []

    @property
    def changed(self) -> bool:
        """Tell whether anything was done, or would be."""
        return bool(self.diff)

    def check(self) -> None:
        """Raise ``AccessRefused`` where the cluster's fsid is none."""
        Access(self._roots, self._cluster)

    def install(self, packages: Mapping[str, Any], quiet: bool = False) -> None:
        """Install what is missing; raises ``PackagesRefused`` and ``HostIsBusy``.

        With ``quiet`` the packages start no daemon: theirs do not have their configuration yet.
        """
        if not packages:
            return
        # Imported where it is needed: Python compiles what a module imports on every call.
        from ..system.package_install import PackageInstall

        work = PackageInstall(self._roots, packages, check_mode=self._check_mode, quiet=quiet)
        self.installs = bool(work.done)
        self.result["packages"] = work.rows
        if work.done:
            self._note("", "".join(f"{name}\n" for name in work.done), "packages")

    def configure(self, conf: str) -> None:
        """Write the configuration where it is missing, and our lines of it where they are others.

        Raises ``AccessRefused``.
        """
        access = Access(self._roots, self._cluster)
        change = access.conf_to_write(conf)
        if change and not self._check_mode:
            access.write_conf(change)
        self._say("conf", change)
        if change:
            self._note(change.before, change.after, access.conf_path)
        if change and change.backup:
            self.result["access"]["conf_backup"] = change.backup

    def authorize(self, keyring: str) -> None:
        """Write the key for making OSDs where the host has another; raises ``AccessRefused``."""
        access = Access(self._roots, self._cluster)
        wanted = access.keyring_to_write(keyring)
        if wanted and not self._check_mode:
            access.write_keyring(wanted)
        self._say("keyring", wanted)
        if wanted:
            self._note("", "(a key)\n", access.keyring_path)

    def make_administrator(self, keyring: str) -> None:
        """Give the host the administrator's keyring; raises ``AccessRefused``."""
        from .admin_key import AdminKey

        admin = AdminKey(self._roots, self._cluster)
        try:
            wanted = admin.to_write(keyring)
        except ValueError as error:
            raise AccessRefused(
                f"Invalid keyring: {error}. Give what `ceph auth get client.admin` prints."
            ) from None
        if wanted and not self._check_mode:
            admin.write(wanted)
        self._say("admin", wanted)
        if wanted:
            self._note("", "(a key)\n", admin.path)

    def unmake_administrator(self) -> None:
        """Take away the administrator's keyring and the configuration, where they are ours."""
        from .admin_key import AdminKey

        admin = AdminKey(self._roots, self._cluster)
        files = admin.to_remove()
        if not self._check_mode:
            admin.remove(files)
        removed = "would be removed" if self._check_mode else "removed"
        self.result.setdefault("access", {})["admin"] = removed if files else "absent"
        for path in files:
            self._note("(of ours)\n", "", path)

    def warn(self, module: Any) -> None:
        """Have the task name the copies that were made, or would be."""
        copy = self.result.get("access", {}).get("conf_backup")
        if not copy:
            return
        said = "changed or moved. The file as it was:"
        if self._check_mode:
            said = "would change or move. The file as it is would be copied to"
        module.warn(f"Lines in ceph.conf that are not ours {said} {copy}")

    def _say(self, what: str, wanted: object) -> None:
        written = "would be written" if self._check_mode else "written"
        self.result.setdefault("access", {})[what] = written if wanted else "present"

    def _note(self, before: str, after: str, header: str) -> None:
        self.diff.append({"before": before, "after": after, "before_header": header})
