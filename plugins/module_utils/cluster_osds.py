"""Ask the monitors what they know of OSDs, with the key that a host has for making OSDs."""

from __future__ import annotations

import json

from .command import find_program, last_line, run
from .reading import clean

KEYRING = "/var/lib/ceph/bootstrap-osd/ceph.keyring"
_TIMEOUT = 60.0


class NoAnswer(Exception):
    """Say why the monitors could not be asked."""


def known_osds():
    """Return the cluster's OSDs by id, each with ``uuid`` and ``states``."""
    argv = [find_program("ceph") or "ceph", "--connect-timeout", "20"]
    argv += ["--name", "client.bootstrap-osd", "--keyring", KEYRING]
    answer = run([*argv, "osd", "info", "--format", "json"], _TIMEOUT)
    if answer.problem:
        said = last_line(answer.err) or answer.problem
        raise NoAnswer(
            f"The monitors do not say which OSDs there are: {clean(said)}. Check the host's "
            "/etc/ceph/ceph.conf, its key for making OSDs, and its way to the monitors."
        )
    return parse_osds(answer.out)


def parse_osds(text):
    """Read the JSON of ``ceph osd info``; raise ``NoAnswer`` for anything else."""
    try:
        return {
            int(row["osd"]): {"uuid": str(row["uuid"]), "states": [str(x) for x in row["state"]]}
            for row in json.loads(text)
        }
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswer(f"The monitors' list of OSDs cannot be read: {error!r}.") from None


def problem_of_reuse(osd_id, known):
    """Return why an id cannot be taken again, or an empty text.

    ceph-volume does not look closely: it makes an id that nobody has, and takes back one that an
    OSD has just got.
    """
    row = known.get(osd_id)
    if row is None:
        return f"Invalid osd_ids {osd_id}: the cluster has no such id. Leave it out."
    if "destroyed" not in row["states"]:
        return (
            f"Invalid osd_ids {osd_id}: osd.{osd_id} is not destroyed. Destroy it first with `ceph "
            f"osd destroy {osd_id}`, or leave its id out."
        )
    return ""
