"""What is refused, with the reason, a status that is not zero, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.osds.osd_lab import Osds, one_line, refused

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "refused.yml").read_text()
)
OTHER_FSID = "11111111-2222-3333-4444-555555555555"
MAKE_OTHER_OSD = f"""
rm -rf /tmp/other; mkdir /tmp/other; ln -s $1 /tmp/other/block
ceph-osd --mkfs -i 7 --osd-data /tmp/other --osd-objectstore bluestore --no-mon-config \\
  --fsid {OTHER_FSID} --osd-uuid {OTHER_FSID} >/dev/null 2>&1
rm -rf /tmp/other
"""
# One partition as in any MBR: its entry and the signature.
MAKE_PARTITION = r"""
printf '\0\0\0\0\203\0\0\0\0\10\0\0\0\0\20\0' | dd of=$1 bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of=$1 bs=1 seek=510 conv=notrunc status=none
"""
# mount asks udev what is on a disk, and udev does not see all that is done on hosts of the lab.
BLANK = "wipefs -qa $1; head -c 16M /dev/zero >$1"
# What is done to a free disk behind the orchestrator's back, how it is undone, and the word of
# the refusal. The disk is $1.
BEHIND_ITS_BACK = {
    "a file system": ("mkfs.ext4 -qF $1", BLANK, "ext4"),
    "mounted": (
        "mkfs.ext4 -qF $1; mkdir -p /mnt/osd-lab; mount -t ext4 $1 /mnt/osd-lab",
        "umount /mnt/osd-lab; " + BLANK,
        "mounted",
    ),
    "partitions": (MAKE_PARTITION, BLANK, "partition"),
    "read-only": ("blockdev --setro $1", "blockdev --setrw $1", "read-only"),
    "of another cluster": (
        MAKE_OTHER_OSD,
        BLANK,
        OTHER_FSID,
    ),
    "gone": ("mount --bind /dev/null $1", "umount $1", "whole disk"),
}

NO_ZAP = ("mounted", "read-only", "gone")
# What is on the disk: a mounted file system itself keeps writing to it.
CONTENT = (
    "test -b $1 || exit 0; wipefs -n $1; findmnt -n $1 >/dev/null || head -c 64M $1 | sha256sum"
)


def filled_in(osds: Osds, text: str) -> str:
    number = osds.on("h1")[0]
    values = {
        "<used>": osds.places()[number].disk,
        "<osd>": str(number),
        "<free>": osds.free()["h1"][0],
    }
    for key, value in values.items():
        text = text.replace(key, value)
    return text


def test_wrong_commands_are_refused_and_change_nothing(six: Osds) -> None:
    before, wrong = six.state(), []
    for case in CASES:
        command = [filled_in(six, word) for word in case["command"]]
        try:
            line = one_line(six.lab.ceph(*command))
            missing = [each for each in case["says"] if filled_in(six, each) not in line]
            assert not missing, f"{line} does not say {missing}"
        except AssertionError as error:
            wrong.append(f"{' '.join(command)}: {error}")
    assert not wrong, "\n".join(wrong)
    assert six.state() == before


@pytest.fixture
def free_disk(six: Osds) -> Iterator[tuple[Osds, str]]:
    """Return the free disk of h2, reported as it is now; it is reported anew afterwards."""
    (path,) = six.free()["h2"]
    yield six, path
    six.undo()
    six.refresh()


@pytest.mark.parametrize("what", BEHIND_ITS_BACK)
def test_the_host_refuses_what_its_report_did_not_show(
    free_disk: tuple[Osds, str], what: str
) -> None:
    osds, path = free_disk
    make, undo, word = BEHIND_ITS_BACK[what]
    before = osds.map().keys()
    osds.trace("h2", undo.replace("$1", path))
    osds.lab.sh("h2", make, path)
    content = osds.lab.sh("h2", CONTENT, path)
    # The host has the last word, also where a report has come in between.
    commands = [("orch", "daemon", "add", "osd", f"h2:{path}", "--skip-validation")]
    if what in NO_ZAP:
        commands.append(("orch", "device", "zap", "h2", path, "--force"))
    for command in commands:
        line = refused(osds, osds.lab.ceph(*command))
        assert path in line
        assert word in line.lower()
    assert osds.map().keys() == before
    assert osds.lab.sh("h2", CONTENT, path) == content
