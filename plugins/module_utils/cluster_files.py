"""Give a host what it needs to reach its cluster: the configuration, and the key to make OSDs."""

from __future__ import annotations

import os
import re

from .ceph_user import NoCephUser, ceph_owner
from .cluster_conf import CONF, MARK, is_ours
from .cluster_osds import KEYRING
from .daemons import cluster_fsid
from .reading import clean, read_lines
from .whole_file import is_written, make_directory, write_text

_FSID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SECTION = "[client.bootstrap-osd]"
_KEY_LINE = re.compile(r"\s*key\s*=\s*\"?[A-Za-z0-9+/]{20,}={0,2}\"?\s*")


class AccessRefused(Exception):
    """Say why a host cannot be given access."""


class Access:
    """The files of one host, as they are and as they shall be."""

    def __init__(self, roots, fsid):
        if not _FSID.fullmatch(fsid):
            raise AccessRefused(f"Invalid fsid {clean(fsid)!r}. Give what `ceph fsid` prints.")
        self._fsid = fsid
        self._roots = roots
        self.conf_path = os.path.join(roots.etc, CONF)
        self.keyring_path = os.path.join(roots.var, os.path.relpath(KEYRING, "/var"))

    def conf_to_write(self, text):
        """Return the configuration that the host lacks, or an empty text.

        One that is not ours is never touched; raises ``AccessRefused`` when it is another
        cluster's.
        """
        there = os.path.lexists(self.conf_path)
        if there:
            found = cluster_fsid(self._roots)
            if found and found != self._fsid:
                raise AccessRefused(
                    f"The host belongs to the cluster {found}: {self.conf_path} names it. Choose "
                    "another host; if that cluster is gone, remove the file."
                )
            if not text.strip() or not is_ours(read_lines(self.conf_path)):
                return ""
        if not text.strip():
            raise AccessRefused(
                f"The host has no {self.conf_path}, and none was given (conf). Give "
                "what `ceph config generate-minimal-conf` prints."
            )
        if _fsid_of(text) != self._fsid:
            raise AccessRefused(
                f"The given configuration names the cluster {clean(_fsid_of(text)) or '(none)'!r}, "
                f"not {self._fsid}. Give what `ceph config generate-minimal-conf` prints."
            )
        wanted = f"{MARK}\n{text.strip()}\n"
        return "" if there and self.conf() == wanted else wanted

    def conf(self):
        """Return the configuration that the host has."""
        return "\n".join(read_lines(self.conf_path)) if os.path.lexists(self.conf_path) else ""

    def keyring_to_write(self, text):
        """Return the keyring that the host lacks, or an empty text."""
        if not text.strip():
            if not os.path.lexists(self.keyring_path):
                raise AccessRefused(
                    f"The host has no {self.keyring_path}, and none was given (the option "
                    "keyring). Give what `ceph auth get client.bootstrap-osd` prints."
                )
            return ""
        lines = text.splitlines()
        has_section = any(line.strip() == _SECTION for line in lines)
        if not has_section or not any(_KEY_LINE.fullmatch(line) for line in lines):
            raise AccessRefused(
                "The given keyring is none of client.bootstrap-osd. Give what `ceph auth get "
                "client.bootstrap-osd` prints."
            )
        wanted = text.rstrip() + "\n"
        return "" if is_written(self.keyring_path, wanted, 0o600, self._owner()) else wanted

    def write_conf(self, text):
        """Write the configuration, readable by everybody as Ceph's packages expect it."""
        write_text(self.conf_path, text, 0o644)

    def write_keyring(self, text):
        """Write the keyring for Ceph's user alone."""
        owner = self._owner()
        make_directory(os.path.dirname(self.keyring_path), 0o750, owner)
        write_text(self.keyring_path, text, 0o600, owner)

    def _owner(self):
        try:
            return ceph_owner(self._roots)
        except NoCephUser as error:
            raise AccessRefused(str(error)) from None


def _fsid_of(text):
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and key.strip() == "fsid":
            return value.strip()
    return ""
