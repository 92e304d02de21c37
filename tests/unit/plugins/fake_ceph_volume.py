"""Play ceph-volume's part on a host made of files (``osd_host``)."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.environ["CHECKOUT"])

from tests.unit.plugins.labels import FSID, OSD_UUID, label

TREE = Path(os.environ["TREE"])


def main(words):
    with (TREE / "calls").open("a") as stream:
        stream.write(" ".join(["ceph-volume", *words]) + "\n")
    if (TREE / "fails").exists() and words[:2] == ["lvm", "batch"]:
        (TREE / "pvs.json").write_text((TREE / "pvs_after.json").read_text())
        print((TREE / "fails").read_text())
        return 1
    if (TREE / "fails").exists() and not (TREE / "pvs_after.json").exists():
        print((TREE / "fails").read_text())
        spoil(words)
        return 1
    if words[:2] == ["raw", "prepare"]:
        return raw_prepare(words)
    if words[:2] == ["lvm", "batch"]:
        (TREE / "pvs.json").write_text((TREE / "pvs_after.json").read_text())
        for osd_id in json.loads((TREE / "made.json").read_text()):
            (TREE / f"units/ceph-osd@{osd_id}.service").write_text("active\n")
        return 0
    if words[:2] == ["lvm", "activate"]:
        (TREE / f"units/ceph-osd@{words[-2]}.service").write_text("active\n")
        return 0
    if words[:2] == ["lvm", "zap"]:
        return zap(words)
    return 2


def option(words, name):
    return words[words.index(name) + 1] if name in words else ""


def disk(path):
    return TREE / "dev" / path[len("/dev/") :]


def write(path, data, place=0):
    with disk(path).open("r+b") as stream:
        stream.seek(place)
        stream.write(data)


def make_directory(osd_id, path):
    directory = TREE / f"var/lib/ceph/osd/ceph-{osd_id}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "fsid").write_text(uuid_of(osd_id) + "\n")
    (directory / "block").symlink_to(disk(path))
    return directory


def uuid_of(osd_id):
    return OSD_UUID[:-2] + f"{int(osd_id):02d}"


def raw_prepare(words):
    data = option(words, "--data")
    osd_id = option(words, "--osd-id") or {"sdb": "7", "sdc": "8"}.get(disk(data).name, "9")
    write(data, label(whoami=int(osd_id), osd_uuid=uuid_of(osd_id)))
    for kind in ("db", "wal"):
        path = option(words, f"--block.{kind}")
        if path:
            write(path, label(kind=f"bluefs {kind}", osd_uuid=uuid_of(osd_id)))
    directory = make_directory(osd_id, data)
    (directory / "ceph_fsid").write_text(FSID + "\n")
    (directory / "keyring").write_text("secret\n")
    return 0


def spoil(words):
    """Leave half an OSD, as a failure does; or a whole one of somebody who came after it."""
    data, others = option(words, "--data"), TREE / "others"
    if data:
        begun = re.search(r" osd new (\S+)", (TREE / "fails").read_text())
        uuid = begun.group(1) if begun and not others.exists() else OSD_UUID
        write(data, label(ready=others.exists(), osd_uuid=uuid))
        (make_directory(9, data) / "fsid").write_text(uuid + "\n")
        (TREE / "fails").unlink()


def zap(words):
    waits = TREE / "waits"
    if waits.exists():
        waits.read_text()
    fails = TREE / "zap_fails"
    if fails.exists():
        print(fails.read_text(), file=sys.stderr)
        return 1
    for path in [word for word in words if word.startswith("/dev/")]:
        for place in (0, 1 << 30):
            if disk(path).stat().st_size > place and not (TREE / "zap_leaves_copies").exists():
                write(path, b"\0" * 300000, place)
    # What somebody else does while a disk is wiped.
    meanwhile = TREE / "meanwhile.json"
    if meanwhile.exists():
        done = json.loads(meanwhile.read_text())
        for path, text in done.get("writes", {}).items():
            write(path, text.encode())
        if "osds" in done:
            (TREE / "osds.json").write_text(json.dumps(done["osds"]))
    return 0


sys.exit(main(sys.argv[1:]))
