"""A gateway that does not come up says so where the cluster can keep no data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from plugins.module_utils.cluster.storage_state import osds_lack, placement_lack
from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Wanted
from plugins.module_utils.daemons.health import wait_at_work
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

SYSTEMCTL = """#!/bin/sh
cat <<END
Id=ceph-radosgw@rgw.a.service
LoadState=loaded
ActiveState=active
SubState=running
MainPID=4711
NRestarts=0
END
"""
CEPH = """#!/bin/sh
echo "$*" >>"$TREE/calls"
case "$*" in
  *" osd stat") cat "$TREE/osds";;
  *" pg stat") cat "$TREE/pgs";;
  *) exit 22;;
esac
"""


def pgs(*states: Any) -> Dict[str, Any]:
    rows = [{"name": name, "num": number} for name, number in states]
    return {"pg_ready": True, "pg_summary": {"num_pg_by_state": rows}}


@pytest.mark.parametrize(
    ("stat", "says"),
    [
        ({"num_osds": 0, "num_up_osds": 0}, "the cluster has no OSD yet"),
        ({"num_osds": 3, "num_up_osds": 0}, "none of 3 OSDs is up"),
        ({"num_osds": 3, "num_up_osds": 1}, ""),
        ({}, ""),
        ({"num_osds": "x"}, "no OSD yet"),
    ],
)
def test_what_the_osds_lack(stat: Dict[str, Any], says: str) -> None:
    assert says in osds_lack(stat)
    assert bool(says) == bool(osds_lack(stat))


@pytest.mark.parametrize(
    ("stat", "says"),
    [
        (pgs(("undersized+peered", 30), ("unknown", 2)), "none of 32 placement groups is active"),
        (pgs(("undersized+peered", 30), ("active+undersized", 2)), ""),
        (pgs(("inactive", 1)), "none of 1 placement"),
        (pgs(), ""),
        ({}, ""),
        ({"pg_summary": None}, ""),
    ],
)
def test_what_the_placement_groups_lack(stat: Dict[str, Any], says: str) -> None:
    assert says in placement_lack(stat)
    assert bool(says) == bool(placement_lack(stat))


def waited_for(top: Path, patch: pytest.MonkeyPatch, osds: Any, groups: Any) -> str:
    """Return what is said of a gateway that runs and does not listen on its port."""
    for name in ("bin", "etc/ceph", "var", "proc"):
        (top / name).mkdir(parents=True)
    only_programs_of(top, patch)
    patch.setenv("TREE", str(top))
    for name, text in (("systemctl", SYSTEMCTL), ("ceph", CEPH), ("journalctl", "#!/bin/sh\n")):
        (top / "bin" / name).write_text(text)
        (top / "bin" / name).chmod(0o755)
    (top / "osds").write_text(json.dumps(osds))
    (top / "pgs").write_text(json.dumps(groups))
    roots = Roots(etc=str(top / "etc"), var=str(top / "var"), proc=str(top / "proc"))
    wanted = Wanted(Daemon(roots, "rgw", "a"), port=8000)
    (said,) = wait_at_work(roots, [wanted], 0).values()
    return str(said)


@pytest.mark.parametrize(
    ("osds", "groups", "says"),
    [
        ({"num_osds": 0, "num_up_osds": 0}, {}, ": the cluster has no OSD yet; make OSDs first"),
        ({"num_osds": 2, "num_up_osds": 2}, pgs(("peered", 1)), ": none of 1 placement groups is"),
        ({"num_osds": 2, "num_up_osds": 2}, pgs(("active+clean", 1)), "after 0 s."),
        ("nonsense", {}, "after 0 s."),
    ],
)
def test_a_gateway_that_does_not_come_up_says_what_the_cluster_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, osds: Any, groups: Any, says: str
) -> None:
    said = waited_for(tmp_path, monkeypatch, osds, groups)
    assert said.startswith(
        "ceph-radosgw@rgw.a.service: it runs, but does not listen on its port after 0 s"
    )
    assert says in said
    calls = (tmp_path / "calls").read_text()
    assert "--name client.rgw.a --keyring" in calls
