"""Keep the record on a host that says who manages it.

``/var/lib/ceph-orch-ansible/host.json`` names the host as the orchestrator calls it and the cluster
that it belongs to. A second orchestrator that is pointed at the host by mistake finds it there.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, Iterable, Mapping, Optional

from ..system.atomic_write import is_written, write_text
from ..system.reading import clean_data, read_bytes

RECORD_PATH = "/var/lib/ceph-orch-ansible/host.json"
_OWN_DIRECTORY = "ceph-orch-ansible"
SCHEMA = 1


def read_record(path: str = RECORD_PATH) -> Optional[Dict[str, Any]]:
    """Return the record, or None when there is none that can be understood."""
    try:
        record = json.loads(read_bytes(path, 65536).decode("utf-8"))
    except ValueError:
        return None
    return clean_data(record) if isinstance(record, dict) else None


def make_record(hostname: str, addr: str, labels: Iterable[str], cluster: str) -> Dict[str, Any]:
    """Return a record with these contents; the labels each once, in order."""
    return {
        "schema": SCHEMA,
        "hostname": hostname,
        "addr": addr,
        "labels": sorted(set(labels)),
        "cluster": cluster,
    }


def encode_record(record: Optional[Mapping[str, Any]]) -> str:
    """Return the text that is kept for a record."""
    return json.dumps(record, indent=2, sort_keys=True) + "\n" if record else ""


def claimed_by_other(record: Optional[Mapping[str, Any]], cluster: str) -> str:
    """Return the id of another cluster that the record names, or an empty text.

    For an orchestrator without a cluster (``cluster`` is empty) every cluster is another one.
    """
    other = str((record or {}).get("cluster") or "")
    return other if other != cluster else ""


def is_kept(path: str, record: Optional[Mapping[str, Any]]) -> bool:
    """Tell whether the file holds this record with mode 0644, where not everybody may write."""
    return is_written(path, encode_record(record), 0o644)


def write_record(path: str, record: Mapping[str, Any]) -> None:
    """Write the record so that a reader sees the old or the new one, whole."""
    write_text(path, encode_record(record), 0o644)


def remove_record(path: str) -> None:
    """Remove the record, and the directory that was made for it unless others use it too."""
    os.unlink(path)
    directory = os.path.dirname(path)
    if os.path.basename(directory) == _OWN_DIRECTORY:
        with contextlib.suppress(OSError):
            os.rmdir(directory)
