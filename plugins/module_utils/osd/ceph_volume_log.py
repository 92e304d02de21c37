"""The keys that ceph-volume writes into its log, which more may read than the keys' own files."""

from __future__ import annotations

import mmap
import os
import re

from ..system.reading import Roots

_PLACE = "log/ceph/ceph-volume.log"
# As an argument of ceph-authtool, and in the label of a disk that an OSD has.
_KEY = re.compile(rb"(?:--add-key |\"osd_key\": \")([A-Za-z0-9+/]{24,}={0,2})")


def hide_keys(roots: Roots) -> None:
    """Write asterisks over the keys in the log; a log that cannot be written stays as it is.

    Nothing moves, so that ceph-volume may go on writing to its end.
    """
    try:
        with open(os.path.join(roots.var, _PLACE), "r+b") as stream:
            if not os.fstat(stream.fileno()).st_size:
                return
            with mmap.mmap(stream.fileno(), 0) as text:
                for start, end in [match.span(1) for match in _KEY.finditer(text)]:
                    text[start:end] = b"*" * (end - start)
    except OSError:
        pass
