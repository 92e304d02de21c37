"""OSDs that cannot be made: said at once, where an operator looks, and repaired by going on."""

from __future__ import annotations

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds

DROP_IN = "/run/systemd/system/ceph-osd@.service.d/broken.conf"


def spec(host: str, path: str) -> dict[str, object]:
    return {
        "service_type": "osd",
        "service_id": "one",
        "placement": {"hosts": [host]},
        "spec": {"method": "raw", "data_devices": {"paths": [path]}},
    }


def errors(osds: Osds) -> list[str]:
    events = osds.services()["osd.one"].get("events") or []
    return [str(event) for event in events if "[ERROR]" in str(event)]


def warnings(osds: Osds) -> list[str]:
    """Return the warnings of OSDs that were to be made; other tests of the lab leave theirs.

    The loop gives them to the monitors a moment after an event.
    """
    lines = osds.lab.health_lines("ANSIBLE_JOB_FAILED")
    return [line for line in lines if line.lstrip().startswith("create_osds ")]


def test_a_failed_creation_is_no_secret_and_leaves_nothing_half_made(six: Osds) -> None:
    """The disk changed after it was reported: cephadm keeps the error in a log of its own."""
    (path,) = six.free()["h3"]
    six.trace("h3", f"wipefs -qa {path}; head -c 16M /dev/zero >{path}")
    six.lab.sh("h3", "mkfs.ext4 -qF $1", path)
    before = six.map().keys()
    six.apply(spec("h3", path))
    wait_until("the service's events say it", lambda: errors(six), STEP_SECONDS)
    assert path in errors(six)[-1]
    assert "h3" in errors(six)[-1]
    lines = wait_until("health says it", lambda: warnings(six), STEP_SECONDS)
    assert any("h3" in line and path in line for line in lines), lines
    assert all(len(line) < 1000 for line in lines)
    assert six.map().keys() == before
    assert "ext4" in six.lab.sh("h3", "wipefs -O TYPE -n $1", path)

    # The cause is taken away, and the service goes on by itself or when it is applied again.
    six.undo()
    six.refresh()
    six.apply(spec("h3", path))
    six.wait_up(count=7)
    wait_until("health is well again", lambda: not warnings(six), STEP_SECONDS)
    _remove(six, "h3", path)


def test_an_osd_whose_unit_does_not_start_is_named_and_started_later(six: Osds) -> None:
    (path,) = six.free()["h2"]
    six.trace("h2", f"rm -f {DROP_IN}; systemctl daemon-reload")
    six.lab.sh(
        "h2",
        f"mkdir -p $(dirname {DROP_IN}); "
        f"printf '[Service]\\nExecStartPre=/bin/false\\n' >{DROP_IN}; systemctl daemon-reload",
    )
    before = set(six.map())
    six.apply(spec("h2", path))
    wait_until("the service's events say it", lambda: errors(six), STEP_SECONDS)
    assert "h2" in errors(six)[-1]
    wait_until("health says it", lambda: warnings(six), STEP_SECONDS)
    six.undo()
    six.apply(spec("h2", path))
    six.wait_up(count=7)
    assert len(set(six.map()) - before) == 1, "the same disk took more than one id"
    wait_until("health is well again", lambda: not warnings(six), STEP_SECONDS)
    _remove(six, "h2", path)


def test_a_disk_with_the_data_of_a_removed_osd_is_not_skipped_in_silence(six: Osds) -> None:
    number = six.on("h1")[0]
    place = six.places()[number]
    six.lab.ok("orch", "osd", "rm", str(number), "--force")
    six.wait_gone(number)
    said = six.lab.ok(
        "orch", "apply", "osd", "--all-available-devices", "--method", "raw", "--dry-run"
    )
    assert f"h1: {place.disk} is not available" in said
    assert "ceph orch device zap" in said
    six.lab.ok("orch", "device", "zap", *place, "--force")
    six.wait_free(*place)


def _remove(osds: Osds, host: str, path: str) -> None:
    (number,) = [each for each, place in osds.places().items() if place == (host, path)]
    osds.lab.ok("orch", "rm", "osd.one", "--force")
    osds.lab.ok("orch", "osd", "rm", str(number), "--force", "--zap")
    osds.wait_gone(number)
    osds.wait_free(host, path)
