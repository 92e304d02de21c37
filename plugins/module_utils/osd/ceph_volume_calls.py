"""The command lines that make and wipe OSDs, and what can be learned from a failure."""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Mapping, Optional, Sequence

from ..system.reading import clean

AFFINITY = "CEPH_VOLUME_OSDSPEC_AFFINITY"
_ROLLBACK = "--> Was unable to complete a new OSD"
_ERROR = re.compile(r"--> +(\w*(?:Error|Exception|SystemExit)): (.*)")
_USAGE = re.compile(r"ceph-volume [^:]*: error: (.*)")
_NEW = re.compile(r" osd new ([0-9a-f-]{36})\b")
_PROGRESS = ("Running command:", "-->", " stderr: ", " stdout: ")
_STDERR = " stderr: "
_COMMAND = "Running command: "
# Programs of LVM say first what is wrong, and then what follows from it.
_LVM = re.compile(rf"{_COMMAND}(?:/\S*/)?(?:lv|vg|pv)\w+ ")
_NOISE = re.compile(
    r"No valid bdev label found|unparsable uuid|load failed dlopen|cannot load compressor"
    r"|got monmap|NOTE: no keyring found|handle_auth_bad_method|purged osd|records (in|out)"
)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.+-]+ +[0-9a-f]+ +-?\d+ ")
_COLOUR = re.compile(r"\x1b?\[[0-9;]*m")
# Keys of cephx, wherever a program may have printed one.
_KEY = re.compile(r"[A-Za-z0-9+/]{24,}={1,2}")


def raw_prepare(
    data: str, db: str = "", wal: str = "", osd_id: Optional[int] = None, device_class: str = ""
) -> List[str]:
    """Return the command that makes an OSD directly on a disk."""
    argv = ["ceph-volume", "raw", "prepare", "--bluestore", "--data", data]
    for option, value in (
        ("--block.db", db),
        ("--block.wal", wal),
        ("--crush-device-class", device_class),
        ("--osd-id", "" if osd_id is None else str(osd_id)),
    ):
        argv += [option, value] if value else []
    return argv


def lvm_batch(group: Mapping[str, Any], osd_ids: Sequence[int]) -> List[str]:
    """Return the command that makes a group's OSDs on logical volumes and starts them."""
    argv = ["ceph-volume", "lvm", "batch", "--no-auto", *(each["path"] for each in group["data"])]
    for kind in ("db", "wal"):
        if group[kind]:
            argv += [f"--{kind}-devices", *(each["path"] for each in group[kind])]
    fraction = group["data_allocate_fraction"]
    for option, value in (
        ("--block-db-size", group["block_db_size"]),
        ("--block-wal-size", group["block_wal_size"]),
        ("--block-db-slots", str(group["db_slots"] or "")),
        ("--block-wal-slots", str(group["wal_slots"] or "")),
        ("--crush-device-class", group["crush_device_class"]),
        ("--osds-per-device", str(group["osds_per_device"])),
        ("--data-allocate-fraction", f"{fraction:g}" if fraction else ""),
    ):
        argv += [option, value] if value else []
    argv += ["--dmcrypt"] if group["encrypted"] else []
    argv += ["--with-tpm"] if group["tpm2"] else []
    argv += ["--osd-ids", *map(str, osd_ids)] if osd_ids else []
    return [*argv, "--bluestore", "--yes"]


def lvm_activate(osd_id: int, osd_uuid: str) -> List[str]:
    """Return the command that sets an OSD on logical volumes up and starts it."""
    return ["ceph-volume", "lvm", "activate", "--bluestore", str(osd_id), osd_uuid]


def zap_device(path: str, destroy: bool = True) -> List[str]:
    """Return the command that wipes a disk or partition.

    ``destroy`` also removes its logical volumes, and a partition itself.
    """
    return ["ceph-volume", "lvm", "zap", *(["--destroy"] if destroy else []), path]


def zap_osd(osd_id: int, osd_uuid: str, destroy: bool) -> List[str]:
    """Return the command that wipes the logical volumes of an OSD, and perhaps removes them."""
    options = ["--destroy"] if destroy else []
    argv = ["ceph-volume", "lvm", "zap", *options, "--osd-id", str(osd_id)]
    return [*argv, "--osd-fsid", osd_uuid]


def reason_of_failure(text: str) -> str:
    """Return in one line why ceph-volume failed, from all that it printed; without keys.

    The line is empty when it said nothing about that, as when it was killed.
    """
    lines = [_KEY.sub("***", _COLOUR.sub("", line)) for line in text.splitlines()]
    # What follows is about taking back what was begun.
    end = next((n for n, line in enumerate(lines) if line.startswith(_ROLLBACK)), len(lines))
    usage = [match.group(1) for match in map(_USAGE.search, lines) if match]
    said = [
        _STAMP.sub("", line[len(_STDERR) :])
        for line in lines[:end]
        if line.startswith(_STDERR) and not _NOISE.search(line)
    ]
    said = _first_of_lvm(lines[:end]) or said
    own = _errors(lines[:end]) or ([] if said else _errors(lines))
    parts = usage[-1:] or own[-1:] + [line for line in said[-1:] if line not in "".join(own[-1:])]
    if not parts:
        plain = [line for line in lines[:end] if line.strip() and not line.startswith(_PROGRESS)]
        remarks = [line[3:] for line in lines[:end] if line.startswith("-->")]
        parts = plain[-1:] or (remarks[-1:] if end < len(lines) else [])
    return clean(": ".join(part.strip() for part in parts), 600).rstrip(".")


def _first_of_lvm(lines: Sequence[str]) -> List[str]:
    """Return the first line that says something, if a program of LVM was the last that ran."""
    begun = [number for number, line in enumerate(lines) if line.startswith(_COMMAND)]
    if not begun or not _LVM.match(lines[begun[-1]]):
        return []
    after = lines[begun[-1] + 1 :]
    texts = [line[len(_STDERR) :].strip() for line in after if line.startswith(_STDERR)]
    return [text for text in texts if text][:1]


def begun_osd(text: str) -> str:
    """Return the uuid of the OSD that ceph-volume began to make, or an empty text."""
    match = _NEW.search(text)
    return match.group(1) if match else ""


def _errors(lines: Iterable[str]) -> List[str]:
    return [match.group(2) for match in map(_ERROR.match, lines) if match]
