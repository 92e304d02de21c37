"""Give a host what it needs to reach its cluster: the configuration, and the key to make OSDs."""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Optional, Tuple

from ..system.atomic_write import is_written, make_directory, read_whole, write_text
from ..system.reading import FILE_LIMIT, Roots, clean, read_lines
from .ceph_user import NoCephUser, ceph_owner
from .conf import CONF, MARK, cluster_fsid, fsid_of, is_ours
from .conf_block import Renewed, digest_of, renew
from .keyring_file import with_section
from .osd_map import KEYRING, KEYRING_MARK

_FSID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SECTION = "[client.bootstrap-osd]"
_KEY_LINE = re.compile(r"\s*key\s*=\s*\"?[A-Za-z0-9+/]{20,}={0,2}\"?\s*")


class AccessRefused(Exception):
    """Say why a host cannot be given access."""


class ConfChange:
    """What becomes of a host's ceph.conf.

    ``before`` and ``after`` are the lines that change; ``backup`` is where a copy of the old file
    goes, because somebody else's lines change or move, or an empty text.
    """

    def __init__(
        self,
        path: str,
        renewed: Renewed,
        mode: int,
        owner: Optional[Tuple[int, int]],
        old: str = "",
    ) -> None:
        self.path = path
        self.text = renewed.text
        self.before = _shown(renewed.before)
        self.after = _shown(renewed.after)
        self.mode = mode
        self.owner = owner
        self.old = old
        self.backup = f"{path}.before-{digest_of(old.split(chr(10)))}" if renewed.is_loss else ""


class Access:
    """The files of one host, as they are and as they shall be."""

    def __init__(self, roots: Roots, fsid: str) -> None:
        if not _FSID.fullmatch(fsid):
            raise AccessRefused(f"Invalid fsid {clean(fsid)!r}. Give what `ceph fsid` prints.")
        self._fsid = fsid
        self._roots = roots
        self.conf_path = os.path.join(roots.etc, CONF)
        self.keyring_path = os.path.join(roots.var, os.path.relpath(KEYRING, "/var"))

    def conf_to_write(self, text: str) -> Optional[ConfChange]:
        """Return the ``ConfChange`` that the host needs, or None.

        A file that is not ours is never touched, nor are lines in it that are not; raises
        ``AccessRefused`` when it is another cluster's.
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
                return None
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
        return self._renewed(text)

    def _renewed(self, text: str) -> Optional[ConfChange]:
        path = os.path.realpath(self.conf_path)
        if not os.path.exists(path):
            return ConfChange(path, renew("", text), 0o644, None)
        old = self._whole(path)
        state = os.stat(path)
        mode = stat.S_IMODE(state.st_mode)
        change = ConfChange(
            path, renew(old, text), mode & ~0o022, (state.st_uid, state.st_gid), old
        )
        return change if change.text != old or mode & 0o022 else None

    @staticmethod
    def _whole(path: str) -> str:
        try:
            return read_whole(path)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
        raise AccessRefused(
            f"{path} is larger than {FILE_LIMIT} bytes. Shorten it, or remove the line "
            f"{MARK!r} to keep it as it is."
        )

    def keyring_to_write(self, text: str) -> str:
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
                "The given keyring has no key of client.bootstrap-osd. Give what `ceph auth get "
                "client.bootstrap-osd` prints."
            )
        is_new = not os.path.lexists(self.keyring_path)
        old = f"{KEYRING_MARK}\n" if is_new else read_whole(self.keyring_path)
        wanted = with_section(old, text.rstrip() + "\n")
        return "" if is_written(self.keyring_path, wanted, 0o600, self._owner()) else wanted

    def write_conf(self, change: ConfChange) -> None:
        """Write the configuration, and before that the copy of what is lost.

        A new one is readable by everybody as Ceph's packages expect it.
        """
        if change.backup:
            write_text(change.backup, change.old, change.mode, change.owner)
        write_text(change.path, change.text, change.mode, change.owner)

    def write_keyring(self, text: str) -> None:
        """Write the keyring for Ceph's user alone."""
        owner = self._owner()
        make_directory(os.path.dirname(self.keyring_path), 0o750, owner)
        write_text(self.keyring_path, text, 0o600, owner)

    def _owner(self) -> Tuple[int, int]:
        try:
            return ceph_owner(self._roots)
        except NoCephUser as error:
            raise AccessRefused(str(error)) from None


def _fsid_of(text: str) -> str:
    return fsid_of(text.splitlines())


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
