"""``ceph device light`` finds the disk of an OSD."""

from __future__ import annotations

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds

LIT = "/run/osd-lab-light"


def test_the_light_of_an_osds_disk_goes_on_and_off(six: Osds) -> None:
    lab = six.lab
    host, path = six.places()[six.on("h2")[0]]
    device = str(six.devices()[host][path]["device_id"])
    command = f"/usr/bin/touch {LIT}-{{dev}}-{{kind}}-{{state}}"
    six.trace(host, f"rm -f {LIT}-*")
    with lab.option("light_command", command):
        for state in ("on", "off"):
            answer = lab.ceph("device", "light", state, device, "ident", "--force")
            assert answer.rc == 0, answer.err
            name = f"{LIT}-{path.rpartition('/')[2]}-ident-{state}"
            wait_until(
                f"{name} is there",
                lambda name=name: lab.ssh(host, "test", "-e", name).rc == 0,
                STEP_SECONDS,
            )
    assert device not in lab.ok("device", "ls-lights")
