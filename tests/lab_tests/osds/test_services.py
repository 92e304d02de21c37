"""OSD services: restarts that keep data active, single daemons, managed or not, pause."""

from __future__ import annotations

import yaml

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.conftest import PGS
from tests.lab_tests.osds.osd_lab import SERVICE, STEP_SECONDS, Osds, one_line
from tests.lab_tests.osds.write_load import WriteLoad


def started(osds: Osds) -> dict[int, int]:
    """Return in which epoch each OSD came up last."""
    return {number: row["up_from"] for number, row in osds.map().items()}


def test_a_service_is_restarted_a_few_at_a_time(load: WriteLoad, six: Osds) -> None:
    before, hosts = started(six), {n: place.host for n, place in six.places().items()}
    said = six.lab.ok("orch", "restart", SERVICE)
    assert all(f"osd.{number}" in said for number in before)
    down_together: set[frozenset[str]] = set()

    def all_anew() -> bool:
        up, now = six.up(), started(six)
        down_together.add(frozenset(hosts[each] for each in set(hosts) - up))
        return up == set(hosts) and all(now[each] > before[each] for each in hosts)

    wait_until("every OSD was restarted", all_anew, STEP_SECONDS, every=0.1)
    assert max(map(len, down_together)) <= 1, f"hosts down together: {down_together}"
    six.wait_up(count=6)
    six.wait_clean(PGS)


def test_single_daemons_stop_only_where_data_stays_active(load: WriteLoad, six: Osds) -> None:
    lab, first, second = six.lab, six.on("h1")[0], six.on("h2")[0]
    lab.ok("orch", "daemon", "stop", f"osd.{first}")

    def shown(number: int, status: str) -> bool:
        return bool(six.daemons()[f"osd.{number}"]["status_desc"] == status)

    wait_until("it is stopped", lambda: shown(first, "stopped"), STEP_SECONDS)
    line = one_line(lab.ceph("orch", "daemon", "stop", f"osd.{second}"))
    assert f"osd.{second} cannot be stopped now" in line
    assert "--force" in line
    assert second in six.up()
    lab.ok("orch", "daemon", "start", f"osd.{first}")
    six.wait_up(count=6)
    six.wait_clean(PGS)
    before = started(six)
    lab.ok("orch", "daemon", "restart", f"osd.{second}")
    wait_until("it came up anew", lambda: started(six)[second] > before[second], STEP_SECONDS)
    six.wait_up(count=6)
    six.wait_clean(PGS)
    assert all(started(six)[each] == before[each] for each in before if each != second)


def test_no_osd_stops_while_another_hosts_osds_hang(load: WriteLoad, six: Osds) -> None:
    """The map has them up for some 20 s, as those of a host that has lost its power."""
    lab, number, lost = six.lab, six.on("h2")[0], six.on("h3")
    lab.sh("h3", "pkill -STOP -x ceph-osd")
    try:
        assert set(lost) <= six.up()
        line = one_line(lab.ceph("orch", "daemon", "stop", f"osd.{number}"))
    finally:
        lab.sh("h3", "pkill -CONT -x ceph-osd")
    assert f"osd.{number} cannot be stopped now" in line
    assert any(f"osd.{each} on host h3" in line for each in lost), line
    assert "does not answer" in line or "do not answer" in line
    six.wait_up(count=6)
    six.wait_clean(PGS)
    assert number in six.up()


def test_exported_specs_are_applied_again_without_an_effect(six: Osds) -> None:
    exported = six.lab.ok("orch", "ls", "osd", "--export")
    assert [row["service_name"] for row in yaml.safe_load_all(exported)] == [SERVICE]
    before = six.state()
    six.lab.ok("orch", "apply", "-i", "-", stdin=exported)
    six.refresh()
    assert six.state() == before


def test_the_life_of_an_osd_service(six: Osds) -> None:
    lab, name = six.lab, "osd.extra"
    (spare,) = six.free()["h1"]
    spec = {
        "service_type": "osd",
        "service_id": "extra",
        "placement": {"hosts": ["h1"]},
        "unmanaged": True,
        "spec": {"method": "raw", "data_devices": {"paths": [spare]}},
    }
    assert "unmanaged, nothing is made" in six.apply(spec)
    assert six.services()[name]["unmanaged"] is True

    lab.ok("orch", "pause")
    lab.ok("orch", "set-managed", name)
    made = [job["id"] for job in six.jobs("create_osds")]
    lab.ok("orch", "device", "ls", "--refresh")
    assert "paused" in lab.ok("orch", "status").lower()
    assert [job["id"] for job in six.jobs("create_osds")] == made
    lab.ok("orch", "resume")
    six.wait_up(count=7)
    (new,) = [each for each, place in six.places().items() if place == ("h1", spare)]
    wait_until(
        "it belongs to its service",
        lambda: six.services()[name]["status"]["running"] == 1,
        STEP_SECONDS,
    )

    line = one_line(lab.ceph("orch", "rm", name))
    assert f"osd.{new}" in line
    assert "--force" in line
    assert name in six.services()
    lab.ok("orch", "rm", name, "--force")
    assert name not in six.services() or six.services()[name]["unmanaged"]
    assert new in six.up()
    lab.ok("orch", "osd", "set-spec-affinity", SERVICE, str(new))
    wait_until(
        "it belongs to the other service",
        lambda: six.services()[SERVICE]["status"]["running"] == 7,
        STEP_SECONDS,
    )
    lab.ok("orch", "osd", "rm", str(new), "--force", "--zap")
    six.wait_gone(new)
    six.wait_free("h1", spare)
